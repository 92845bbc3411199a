import { describe, it } from '@jest/globals';
import { killAtRandomMoments } from './kill-at-random-moments.js';

/** `DURABILITY_KILLS=200 npm run test:long -- durability` takes six minutes on two cores. */
const KILLS = Number(process.env['DURABILITY_KILLS'] ?? 40);

describe('durability', () => {
  it(`loses nothing acknowledged when killed at ${KILLS} random moments`, async () => {
    await killAtRandomMoments(KILLS);
  }, 900_000);
});
