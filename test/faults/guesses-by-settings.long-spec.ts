import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Backstage, expectProblem, expectRetryAfter } from '../api/account-client.js';
import { eventually } from '../support/eventually.js';
import { newTarget, raceWrongGuesses, withNextCode } from './parallel-guesses.js';
import { startThreeApis } from './three-apis.js';
import type { ThreeApis } from './three-apis.js';

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

  it('count guesses and codes by their settings; when they are used up a long code comes at once', async () => {
    const [client] = apis.clients;
    const target = await newTarget(apis, backstage);
    await raceWrongGuesses(apis, backstage, target, { times: 30 });
    const next = await withNextCode(apis, backstage, target, 2);
    // One guess is left of the four that an address has in a day.
    await raceWrongGuesses(apis, backstage, next, { times: 9, issueNumber: 2, left: 1 });
    expectProblem(await client.activate(next, next.code), 400, 'invalid-request');
    const long = await backstage.longCodeFor(target);
    // And no code within the hour that anybody asks for.
    await eventually(async () => {
      const answer = await client.requestCode(target);
      expectProblem(answer, 429, 'activation-code-requested-too-soon');
      expectRetryAfter(answer, 3_500, 3_600);
    });
    expect((await client.activate(target, long.toLowerCase())).status).toBe(200);
  }, 60_000);
});
