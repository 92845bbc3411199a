import { beforeEach, describe, expect, it } from '@jest/globals';
import { Batcher } from './batcher.js';

describe('A batcher', () => {
  let batches: number[][];
  let underWay: { answer(): void; fail(error: Error): void }[];
  let batcher: Batcher<number, string>;

  beforeEach(() => {
    batches = [];
    underWay = [];
    batcher = new Batcher((asked) => {
      batches.push([...asked]);
      return new Promise((resolve, reject) => {
        underWay.push({ answer: () => resolve(asked.map(String)), fail: reject });
      });
    });
  });

  it('lets no call wait while there is room', () => {
    void batcher.ask(1);
    void batcher.ask(2);
    expect(batches).toEqual([[1], [2]]);
  });

  it('sends together what came meanwhile, and answers each caller', async () => {
    const answers = [1, 2, 3, 4].map((asked) => batcher.ask(asked));
    expect(batches).toEqual([[1], [2]]);
    underWay[1]?.answer();
    expect(await answers[1]).toBe('2');
    expect(batches).toEqual([[1], [2], [3, 4]]);
    underWay[0]?.answer();
    underWay[2]?.answer();
    expect(await Promise.all(answers)).toEqual(['1', '2', '3', '4']);
  });

  it('asks for no more than fifty at a time', async () => {
    const answers = Array.from({ length: 60 }, (_, asked) => batcher.ask(asked));
    underWay[0]?.answer();
    await answers[0];
    underWay[1]?.answer();
    await answers[1];
    expect(batches.map((asked) => asked.length)).toEqual([1, 1, 50, 8]);
  });

  it('fails for those who went together, and goes on', async () => {
    const fault = new Error('gone');
    const answers = [1, 2, 3, 4].map((asked) => batcher.ask(asked));
    underWay[0]?.answer();
    await answers[0];
    underWay[2]?.fail(fault);
    expect(await Promise.allSettled(answers.slice(2))).toEqual([
      { status: 'rejected', reason: fault },
      { status: 'rejected', reason: fault },
    ]);
    const later = batcher.ask(5);
    underWay[3]?.answer();
    expect(await later).toBe('5');
  });

  it('sends one batch after the other where statements would wait for each other', async () => {
    const sent: number[][] = [];
    const single = new Batcher<number, number>(async (asked) => {
      sent.push([...asked]);
      return asked;
    }, 1);
    expect(await Promise.all([1, 2, 3].map((asked) => single.ask(asked)))).toEqual([1, 2, 3]);
    expect(sent).toEqual([[1], [2, 3]]);
  });
});
