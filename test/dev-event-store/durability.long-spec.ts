import { describe, it } from '@jest/globals';
import { sweep } from '../support/sweep.js';
import { killAtRandomMoments } from './kill-at-random-moments.js';

/** All of them take six minutes on two cores. */
const KILLS = sweep(15, 200);

describe('durability', () => {
  it(`loses nothing acknowledged when killed at ${KILLS} random moments`, async () => {
    await killAtRandomMoments(KILLS);
  }, 900_000);
});
