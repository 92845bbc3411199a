import { setImmediate as nextRound } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { RoundLimiter } from './round-limiter.js';

describe('A roundLimiter', () => {
  async function rounds(callers: number, mostInARound: number): Promise<number[][]> {
    const roundLimiter = new RoundLimiter(mostInARound);
    const passed: number[][] = [[]];
    let isDone = false;
    // Queued before the roundLimiter's own, so that it comes first in each round.
    const beginRound = () => {
      passed.push([]);
      if (!isDone) setImmediate(beginRound);
    };
    setImmediate(beginRound);
    const all = Array.from({ length: callers }, async (_, caller) => {
      await roundLimiter.pass();
      passed.at(-1)?.push(caller);
    });
    await Promise.all(all);
    isDone = true;
    return passed.filter(({ length }) => length > 0);
  }

  it('lets few through at once', async () => {
    expect(await rounds(3, 3)).toEqual([[0, 1, 2]]);
  });

  it('lets many through in order, so many in a round of the event loop', async () => {
    const passed = await rounds(20, 4);
    expect(passed.flat()).toEqual(Array.from({ length: 20 }, (_, caller) => caller));
    expect(Math.max(...passed.map(({ length }) => length))).toBe(4);
    expect(passed).toHaveLength(5);
  });

  it('lets callers through in the order in which they came', async () => {
    const roundLimiter = new RoundLimiter(1);
    const passed: string[] = [];
    const go = (name: string) => roundLimiter.pass().then(() => void passed.push(name));
    const early = [go('first'), go('second'), go('third')];
    await nextRound();
    await Promise.all([...early, go('late')]);
    expect(passed).toEqual(['first', 'second', 'third', 'late']);
  });

  it('has room again in the next round', async () => {
    const roundLimiter = new RoundLimiter(1);
    await roundLimiter.pass();
    await nextRound();
    await nextRound();
    let passed = false;
    void roundLimiter.pass().then(() => (passed = true));
    await Promise.resolve();
    expect(passed).toBe(true);
  });
});
