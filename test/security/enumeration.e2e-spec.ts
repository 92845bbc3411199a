import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PASSWORD, basicAuth } from '../api/account-client.js';
import type { Credentials } from '../api/account-client.js';
import { ADDRESS_CLASSES, AddressClasses } from './address-classes.js';
import type { AddressClass } from './address-classes.js';
import { MAY_DIFFER, comparable, smallestStep } from './equal-answers.js';
import { StopWatch, shapeOf } from './timing-samples.js';
import type { Timed } from './timing-samples.js';

/** Every call is made with addresses of which no other call was made since: a call must not change the next answer. */
const CALLS = 5;
/** Nearer than this to each other two values are no accident, see `smallestStep`. */
const NO_ACCIDENT = 1n << 32n;

/** What is answered; how long it takes is measured by `npm run test:timing`. */
describe('Addresses that are absent, pending, contested, active and erased', () => {
  let classes: AddressClasses;
  let watch: StopWatch;
  const addresses = new Map<AddressClass, Credentials[]>();

  beforeAll(async () => {
    classes = await AddressClasses.start();
    watch = new StopWatch(classes.product.endpoints.api);
    for (const whose of ADDRESS_CLASSES) addresses.set(whose, await classes.make(whose, CALLS));
  }, 60_000);
  afterAll(async () => {
    watch.close();
    await classes.stop();
  });

  async function expectAlike(status: number, call: (caller: Credentials) => Promise<Timed>) {
    const shapes = new Map<AddressClass, object>();
    for (const whose of ADDRESS_CLASSES) {
      const caller = addresses.get(whose)?.pop();
      if (caller === undefined) throw new Error(`no address is left that is ${whose}`);
      const answer = await call(caller);
      expect({ whose, status: answer.status }).toEqual({ whose, status });
      expect(answer.headers.length).toBeGreaterThan(5);
      shapes.set(whose, shapeOf(answer));
    }
    const absent = shapes.get('absent');
    for (const [whose, shape] of shapes) expect({ whose, shape }).toEqual({ whose, shape: absent });
  }

  it('are registered with the same answer', () =>
    expectAlike(202, ({ email }) =>
      watch.call('POST', '/v1/accounts', {}, { email, password: `${PASSWORD} 2` }),
    ));

  /** Calls for an address of his own before and after another one: what lies between may be the other's. */
  it('leave a stranger nothing to learn from his own answers before and after', async () => {
    const [own] = await classes.make('active', 1);
    if (own === undefined) throw new Error('the stranger has no address');
    const register = ({ email }: Credentials) =>
      watch.call('POST', '/v1/accounts', {}, { email, password: `${PASSWORD} 3` });
    const seen: object[] = [];
    for (const whose of ADDRESS_CLASSES) {
      const caller = addresses.get(whose)?.pop();
      if (caller === undefined) throw new Error(`no address is left that is ${whose}`);
      const answers = [await register(own), await register(caller), await register(own)];
      for (const answer of answers) {
        expect({ whose, status: answer.status }).toEqual({ whose, status: 202 });
        seen.push(answer.headers.map(comparable));
      }
      for (const name of Object.keys(MAY_DIFFER).filter((one) => one !== 'date')) {
        const values = answers.map(
          ({ headers }) => headers.find(([one]) => one.toLowerCase() === name)?.[1],
        );
        for (const [index, value] of values.entries()) {
          for (const later of values.slice(index + 1)) {
            if (value === undefined || later === undefined) throw new Error(`${name} is missing`);
            const step = smallestStep(value, later);
            const tells = step !== undefined && step < NO_ACCIDENT;
            expect({ whose, name, tells: tells && step }).toEqual({ whose, name, tells: false });
          }
        }
      }
    }
    for (const headers of seen) expect(headers).toEqual(seen[0]);
  });

  it.each([
    ['Viewing', 'GET', '/v1/account', undefined],
    ['Asking for a new code', 'POST', '/v1/account/activation-code', undefined],
    ['Activating', 'POST', '/v1/account/activation', { code: '0042' }],
  ] as const)('are refused a wrong password with the same answer: %s', (_, method, path, body) =>
    expectAlike(401, ({ email }) => {
      const wrong = { email, password: 'wrong password of hers' };
      return watch.call(method, path, { Authorization: basicAuth(wrong) }, body);
    }),
  );
});
