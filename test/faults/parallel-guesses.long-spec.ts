import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { Backstage } from '../api/account-client.js';
import { raceRightCodes, raceWrongGuesses, targets } from './parallel-guesses.js';
import { startThreeApis } from './three-apis.js';
import type { ThreeApis } from './three-apis.js';

/** How long each of the two goes on, in milliseconds; it says how many rounds that were. */
const DURATION_MS = 30_000;
const MOST_ROUNDS = 1_000;
const ROUNDS_AT_A_TIME = 4;

describe('Three API processes, for half a minute each', () => {
  let apis: ThreeApis;
  let backstage: Backstage;

  beforeAll(async () => {
    apis = await startThreeApis();
    backstage = new Backstage(apis.product);
  }, 60_000);

  afterAll(() => Promise.all([backstage?.close(), apis?.stop()]));

  async function rounds(
    what: string,
    round: (target: Awaited<ReturnType<typeof targets>>[number]) => Promise<void>,
  ): Promise<void> {
    const begun = Date.now();
    let done = 0;
    while (done < MOST_ROUNDS && Date.now() - begun < DURATION_MS) {
      const fresh = await targets(apis, backstage, ROUNDS_AT_A_TIME);
      await Promise.all(fresh.map(round));
      done += fresh.length;
    }
    process.stdout.write(`${done} rounds of ${what} in ${Date.now() - begun} ms\n`);
  }

  it('let one of 50 right codes at the same time activate the account', async () => {
    await rounds('50 right codes', (target) => raceRightCodes(apis, target, 50));
  }, 110_000);

  it('compare three of 200 wrong guesses at the same time', async () => {
    await rounds('200 wrong guesses', (target) => raceWrongGuesses(apis, backstage, target, 200));
  }, 110_000);
});
