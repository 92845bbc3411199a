import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PASSWORD, basicAuth, newCaller } from '../api/account-client.js';
import type { Credentials } from '../api/account-client.js';
import { ADDRESS_CLASSES, AddressClasses } from './address-classes.js';
import type { AddressClass } from './address-classes.js';
import { StopWatch, areaUnderCurve, median, shapeOf, shuffled } from './timing-samples.js';
import type { Timed } from './timing-samples.js';

/**
 * `npm run test:timing`: whether the time of an answer reveals that an address has an account. With a cheap
 * bcrypt, so that the rest of the work shows: in production a hash takes 200 times as long, and as much noise.
 */
const SAMPLES = Number(process.env['TIMING_SAMPLES'] ?? '2000');
/** Each account is asked about so often at most that its history stays short. */
const CALLS_PER_ACCOUNT = 10;
const LANES = 6;
/** An address that is registered is absent or erased no more: these are asked about once. */
const IS_CHANGED_BY_REGISTRATION: readonly AddressClass[] = ['absent', 'erased'];

type Samples = Record<AddressClass, Timed[]>;

describe('Addresses that are absent, pending, active and erased', () => {
  let classes: AddressClasses;
  const addresses: Record<AddressClass, Credentials[]> = {
    absent: [],
    pending: [],
    contested: [],
    active: [],
    erased: [],
  };

  beforeAll(async () => {
    classes = await AddressClasses.start();
    const each = Math.ceil(SAMPLES / CALLS_PER_ACCOUNT);
    for (const whose of ADDRESS_CLASSES) addresses[whose] = await classes.make(whose, each);
  }, 120_000);
  afterAll(() => classes.stop());

  /** Calls of all classes in random order, over a few connections at a time. */
  async function sample(
    of: (whose: AddressClass) => readonly Credentials[],
    call: (watch: StopWatch, caller: Credentials) => Promise<Timed>,
  ) {
    const samples: Samples = { absent: [], pending: [], contested: [], active: [], erased: [] };
    const queue = shuffled(
      ADDRESS_CLASSES.flatMap((whose) => {
        const known = of(whose);
        return Array.from({ length: SAMPLES }, (_, index) => ({
          whose,
          caller: known[index % known.length] ?? newCaller(),
        }));
      }),
    );
    await Promise.all(
      Array.from({ length: LANES }, async () => {
        const watch = new StopWatch(classes.product.endpoints.api);
        for (let next = queue.pop(); next; next = queue.pop()) {
          samples[next.whose].push(await call(watch, next.caller));
        }
        watch.close();
      }),
    );
    return samples;
  }

  function expectAlike(what: string, samples: Samples): void {
    const [first] = samples.absent;
    const shape = first && shapeOf(first);
    for (const whose of ADDRESS_CLASSES) {
      for (const answer of samples[whose]) expect(shapeOf(answer)).toEqual(shape);
    }
    const times = (whose: AddressClass) => samples[whose].map(({ milliseconds }) => milliseconds);
    const pairs = ADDRESS_CLASSES.flatMap((one, index) =>
      ADDRESS_CLASSES.slice(index + 1).map((other) => [one, other] as const),
    );
    const rows = pairs.map(([one, other]) => {
      const medians = [median(times(one)), median(times(other))] as const;
      const difference = (medians[0] - medians[1]) / medians[1];
      return { one, other, auc: areaUnderCurve(times(one), times(other)), medians, difference };
    });
    process.stderr.write(
      [
        `\n${what}: ${SAMPLES} samples of each class`,
        'classes             AUC     medians (ms)     difference',
        ...rows.map(
          ({ one, other, auc, medians, difference }) =>
            `${`${one} / ${other}`.padEnd(20)}${auc.toFixed(3)}   ` +
            `${medians.map((ms) => ms.toFixed(2)).join(' / ')}    ${(100 * difference).toFixed(2)} %`,
        ),
        '',
      ].join('\n'),
    );
    for (const { auc, difference } of rows) {
      expect(Math.abs(auc - 0.5)).toBeLessThanOrEqual(0.03);
      expect(Math.abs(difference)).toBeLessThan(0.02);
    }
  }

  it('are registered with the same answer in the same time', async () => {
    const password = () => `${PASSWORD} ${randomBytes(4).toString('hex')}`;
    const fresh = new Map<AddressClass, readonly Credentials[]>();
    for (const whose of IS_CHANGED_BY_REGISTRATION) {
      fresh.set(whose, await classes.make(whose, SAMPLES));
    }
    const samples = await sample(
      (whose) => fresh.get(whose) ?? addresses[whose],
      (watch, { email }) => watch.call('POST', '/v1/accounts', {}, { email, password: password() }),
    );
    expect(samples.absent[0]?.status).toBe(202);
    expectAlike('Registration', samples);
  }, 300_000);

  it.each([
    ['Viewing', 'GET', '/v1/account'],
    ['Asking for a new code', 'POST', '/v1/account/activation-code'],
  ] as const)(
    'are refused a wrong password with the same answer in the same time: %s',
    async (what, method, path) => {
      const samples = await sample(
        (whose) => addresses[whose],
        (watch, { email }) => {
          const wrong = { email, password: randomBytes(9).toString('hex') };
          return watch.call(method, path, { Authorization: basicAuth(wrong) });
        },
      );
      expect(samples.absent[0]?.status).toBe(401);
      expectAlike(what, samples);
    },
    300_000,
  );
});
