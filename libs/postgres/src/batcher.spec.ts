import { beforeEach, describe, expect, it } from '@jest/globals';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import { Batcher } from './batcher.js';

describe('A batcher', () => {
  let batches: number[][];
  let underWay: { answer(): void; fail(error: Error): void }[];

  beforeEach(() => {
    batches = [];
    underWay = [];
  });

  const newBatcher = (atOnce?: number) =>
    new Batcher<number, string>((asked) => {
      batches.push([...asked]);
      return new Promise((resolve, reject) => {
        underWay.push({ answer: () => resolve(asked.map(String)), fail: reject });
      });
    }, atOnce);

  it('sends together what came in one turn of the event loop, and lets it wait for no more', async () => {
    const batcher = newBatcher();
    void batcher.ask(1);
    void Promise.resolve().then(() => batcher.ask(2));
    await endOfTurn();
    expect(batches).toEqual([[1, 2]]);
    void batcher.ask(3);
    await endOfTurn();
    expect(batches).toEqual([[1, 2], [3]]);
  });

  it('sends together what came while all statements were under way, and answers each caller', async () => {
    const batcher = newBatcher();
    const answers: Promise<string>[] = [];
    for (const asked of [1, 2, 3, 4]) {
      answers.push(batcher.ask(asked));
      await endOfTurn();
    }
    expect(batches).toEqual([[1], [2]]);
    underWay[1]?.answer();
    expect(await answers[1]).toBe('2');
    await endOfTurn();
    expect(batches).toEqual([[1], [2], [3, 4]]);
    underWay[0]?.answer();
    underWay[2]?.answer();
    expect(await Promise.all(answers)).toEqual(['1', '2', '3', '4']);
  });

  it('sends one statement after the other where two would wait for each other', async () => {
    const batcher = newBatcher(1);
    void batcher.ask(1);
    await endOfTurn();
    void batcher.ask(2);
    await endOfTurn();
    expect(batches).toEqual([[1]]);
    underWay[0]?.answer();
    await endOfTurn();
    await endOfTurn();
    expect(batches).toEqual([[1], [2]]);
  });

  it('asks for no more than fifty at a time', async () => {
    const batcher = newBatcher();
    for (let asked = 0; asked < 120; asked += 1) void batcher.ask(asked);
    await endOfTurn();
    expect(batches.map((asked) => asked.length)).toEqual([50, 50]);
  });

  it('fails for those who went together, and goes on', async () => {
    const batcher = newBatcher();
    const fault = new Error('gone');
    const answers = [batcher.ask(1), batcher.ask(2)];
    await endOfTurn();
    underWay[0]?.fail(fault);
    expect(await Promise.allSettled(answers)).toEqual([
      { status: 'rejected', reason: fault },
      { status: 'rejected', reason: fault },
    ]);
    const later = batcher.ask(3);
    await endOfTurn();
    underWay[1]?.answer();
    expect(await later).toBe('3');
  });
});
