import { describe, expect, it } from '@jest/globals';
import { backoffMs, pauseUnlessAborted } from './back-off.js';

describe('The back-off', () => {
  it('doubles from 100 ms to 5 s, of which up to a half is left to chance', () => {
    for (const [faults, most] of [
      [0, 100],
      [1, 200],
      [2, 400],
      [5, 3_200],
      [6, 5_000],
      [60, 5_000],
      [100_000, 5_000],
    ] as const) {
      const drawn = Array.from({ length: 500 }, () => backoffMs(faults));
      expect(Math.min(...drawn)).toBeGreaterThanOrEqual(most / 2);
      expect(Math.max(...drawn)).toBeLessThanOrEqual(most);
      expect(new Set(drawn).size).toBeGreaterThan(10);
    }
  });

  it('is cut short by its signal', async () => {
    const aborting = new AbortController();
    const pausing = pauseUnlessAborted(60_000, aborting.signal);
    aborting.abort();
    await expect(pausing).resolves.toBeUndefined();
    await expect(pauseUnlessAborted(60_000, aborting.signal)).resolves.toBeUndefined();
  });
});
