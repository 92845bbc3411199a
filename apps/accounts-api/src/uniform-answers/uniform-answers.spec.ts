import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { UniformAnswers } from './uniform-answers.js';

describe('Uniform answers', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  /** Milliseconds until the answer to work that takes so long. */
  async function timeOf(workMs: number, beatMs: number, fails = false): Promise<number> {
    const startedAt = Date.now();
    const answer = new UniformAnswers(beatMs)
      .atTheBeat(async () => {
        if (workMs > 0) await new Promise((resolve) => setTimeout(resolve, workMs));
        if (fails) throw new Error('refused');
        return 'done';
      })
      .then(
        (result) => `${result} after ${Date.now() - startedAt}`,
        (error: Error) => `${error.message} after ${Date.now() - startedAt}`,
      );
    await jest.advanceTimersByTimeAsync(1_000);
    const [, outcome, milliseconds] = /^(\w+) after (\d+)$/.exec(await answer) ?? [];
    expect(outcome).toBe(fails ? 'refused' : 'done');
    return Number(milliseconds);
  }

  it.each([0, 1, 10, 24])('come at the beat when the work took %d ms', async (workMs) => {
    expect(await timeOf(workMs, 25)).toBe(25);
  });

  it.each([
    [26, 50],
    [60, 75],
    [199, 200],
  ])('come at a later beat when the work took longer: %d ms', async (workMs, answered) => {
    expect(await timeOf(workMs, 25)).toBe(answered);
  });

  it('are as late when the work fails', async () => {
    expect(await timeOf(0, 25, true)).toBe(25);
    expect(await timeOf(10, 25, true)).toBe(25);
    expect(await timeOf(30, 25, true)).toBe(50);
  });

  it('wait only where the result has something to hide', async () => {
    const startedAt = Date.now();
    const answers = new UniformAnswers(25);
    const timeOf = async (result: string) => {
      await answers.atTheBeat(
        async () => result,
        (it) => it === 'secret',
      );
      return Date.now() - startedAt;
    };
    const [open, secret] = [timeOf('open'), timeOf('secret')];
    await jest.advanceTimersByTimeAsync(100);
    expect([await open, await secret]).toEqual([0, 25]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('do not wait without a beat', async () => {
    expect(await timeOf(7, 0)).toBe(7);
  });
});
