import { setImmediate as nextRound } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Turnstile } from './turnstile.js';

describe('A turnstile', () => {
  async function rounds(callers: number, mostInARound: number): Promise<number[][]> {
    const turnstile = new Turnstile(mostInARound);
    const passed: number[][] = [[]];
    let isDone = false;
    // Queued before the turnstile's own, so that it comes first in each round.
    const beginRound = () => {
      passed.push([]);
      if (!isDone) setImmediate(beginRound);
    };
    setImmediate(beginRound);
    const all = Array.from({ length: callers }, async (_, caller) => {
      await turnstile.pass();
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

  it('lets nobody overtake those that wait', async () => {
    const turnstile = new Turnstile(1);
    const passed: string[] = [];
    const go = (name: string) => turnstile.pass().then(() => void passed.push(name));
    const early = [go('first'), go('second'), go('third')];
    await nextRound();
    await Promise.all([...early, go('late')]);
    expect(passed).toEqual(['first', 'second', 'third', 'late']);
  });

  it('has room again in the next round', async () => {
    const turnstile = new Turnstile(1);
    await turnstile.pass();
    await nextRound();
    await nextRound();
    let passed = false;
    void turnstile.pass().then(() => (passed = true));
    await Promise.resolve();
    expect(passed).toBe(true);
  });
});
