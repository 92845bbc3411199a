import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Backstage, expectProblem, expectRetryAfter, anotherCode } from '../api/account-client.js';
import { eventually } from '../support/eventually.js';
import { inParallel, raceRightCodes, raceWrongGuesses, targets } from './parallel-guesses.js';
import { startThreeApis } from './three-apis.js';
import type { ThreeApis } from './three-apis.js';

const ROUNDS = 5;

describe('Three API processes', () => {
  let apis: ThreeApis;
  let backstage: Backstage;

  beforeAll(async () => {
    apis = await startThreeApis({
      CODE_RESEND_SECONDS: '1',
      GUESSES_PER_DAY: '4',
      CODES_PER_HOUR: '2',
    });
    backstage = new Backstage(apis.product);
  }, 60_000);

  afterAll(() => Promise.all([backstage?.close(), apis?.stop()]));

  it('let one of 50 right codes at the same time activate the account', async () => {
    for (const target of await targets(apis, backstage, ROUNDS)) {
      await raceRightCodes(apis, target, 50);
    }
  }, 60_000);

  it('compare three of 200 wrong guesses at the same time', async () => {
    for (const target of await targets(apis, backstage, ROUNDS)) {
      await raceWrongGuesses(apis, backstage, target, 200);
    }
  }, 60_000);

  it('count guesses and codes as they are told to, and say truthfully when to come back', async () => {
    const [target] = await targets(apis, backstage, 1);
    if (!target) throw new Error('nobody was registered');
    await raceWrongGuesses(apis, backstage, target, 30);
    const [client] = apis.clients;
    await eventually(async () => expect((await client.requestCode(target)).status).toBe(202));
    const code = await backstage.codeFor(target, 2);
    // One guess is left of the four that an address has in a day.
    const answers = await inParallel(apis, 9, (one) => one.activate(target, anotherCode(code)));
    const compared = answers.filter(({ status }) => status === 422);
    expect(compared.map(({ body }) => body['attemptsLeft'])).toEqual([0]);
    const refused = await client.activate(target, code);
    expectProblem(refused, 429, 'activation-attempts-exhausted');
    expectRetryAfter(refused, 86_340, 86_400);
    // And no third code within the hour.
    await eventually(async () => {
      const answer = await client.requestCode(target);
      expectProblem(answer, 429, 'activation-code-requested-too-soon');
      expectRetryAfter(answer, 3_500, 3_600);
    });
  }, 60_000);
});
