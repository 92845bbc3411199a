import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Backstage, expectProblem } from '../api/account-client.js';
import { eventually } from '../support/eventually.js';
import { newTarget, raceRightCodes, raceWrongGuesses, withNextCode } from './parallel-guesses.js';
import { sweep } from '../support/sweep.js';
import { startThreeApis } from './three-apis.js';
import type { ThreeApis } from './three-apis.js';

const ROUNDS = sweep(8, 1_000);
const LONGEST_MS = sweep(110_000, 1_800_000);
/** Accounts that are attacked side by side. */
const LANES = sweep(2, 8);
/** Three guesses for each of three codes and one for the fourth: the ten that an address has in a day. */
const LEFT_FOR_CODES = [3, 3, 3, 1];

describe('Three API processes, round after round,', () => {
  let apis: ThreeApis;
  let backstage: Backstage;

  beforeAll(async () => {
    apis = await startThreeApis({ CODE_RESEND_SECONDS: '1' });
    backstage = new Backstage(apis.product);
  }, 60_000);

  afterAll(() => Promise.all([backstage?.close(), apis?.stop()]));

  /** @param account plays a new account, and returns the number of rounds */
  async function playRounds(what: string, account: () => Promise<number>): Promise<void> {
    const begun = Date.now();
    let done = 0;
    const lane = async () => {
      while (done < ROUNDS) {
        // Not in one statement: that would add to what `done` was before the wait.
        const rounds = await account();
        done += rounds;
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    process.stderr.write(`${done} rounds of ${what} in ${Date.now() - begun} ms\n`);
    expect(done).toBeGreaterThanOrEqual(ROUNDS);
  }

  it(
    'let one of 50 right codes at the same time activate the account',
    () =>
      playRounds('50 right codes', async () => {
        await raceRightCodes(apis, await newTarget(apis, backstage), 50);
        return 1;
      }),
    LONGEST_MS,
  );

  it(
    'compare three of 200 wrong guesses at the same time, and ten of 800 for the four codes of a day',
    () =>
      playRounds('200 wrong guesses', async () => {
        let target = await newTarget(apis, backstage);
        for (const [index, left] of LEFT_FOR_CODES.entries()) {
          const issueNumber = index + 1;
          if (index > 0) target = await withNextCode(apis, backstage, target, issueNumber);
          await raceWrongGuesses(apis, backstage, target, { times: 200, issueNumber, left });
        }
        // Where another account's passwords wait just then, it is sent away for a moment.
        await eventually(async () => {
          const right = await apis.clients[0].activate(target, target.code);
          expectProblem(right, 400, 'invalid-request');
        });
        return LEFT_FOR_CODES.length;
      }),
    LONGEST_MS,
  );
});
