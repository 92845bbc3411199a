import { describe, it } from '@jest/globals';
import { killAtRandomMoments } from './kill-at-random-moments.js';

describe('durability', () => {
  it('loses nothing acknowledged when killed at 200 random moments', async () => {
    await killAtRandomMoments(200);
  }, 600_000);
});
