import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { readinessOf } from './health.js';

const fine = async () => undefined;

describe('Readiness', () => {
  it('is given when every check passes, each under its name', async () => {
    expect(await readinessOf({ postgres: fine, eventStore: fine })).toEqual({
      ready: true,
      checks: { postgres: 'ok', eventStore: 'ok' },
    });
    expect(await readinessOf({})).toEqual({ ready: true, checks: {} });
  });

  it('is not given when one check fails, and says which and why', async () => {
    const readiness = await readinessOf({
      postgres: fine,
      eventStore: async () => {
        throw new Error('no server listens there');
      },
      mail: () => Promise.reject('no error object' as unknown as Error),
    });
    expect(readiness).toEqual({
      ready: false,
      checks: { postgres: 'ok', eventStore: 'no server listens there', mail: 'no error object' },
    });
  });

  it('takes a check that throws at once as failed', async () => {
    const readiness = await readinessOf({
      eventStore: () => {
        throw new Error('not connected');
      },
    });
    expect(readiness).toEqual({ ready: false, checks: { eventStore: 'not connected' } });
  });

  describe('in time', () => {
    beforeEach(() => void jest.useFakeTimers());
    afterEach(() => void jest.useRealTimers());

    it('waits 2 seconds for a check, for all of them at once', async () => {
      const silent = () => new Promise<void>(() => undefined);
      const late = () => new Promise<void>((resolve) => setTimeout(resolve, 1_999));
      const readiness = readinessOf({ one: silent, other: silent, late });
      await jest.advanceTimersByTimeAsync(2_000);
      expect(await readiness).toEqual({
        ready: false,
        checks: {
          one: 'no answer within 2000 ms',
          other: 'no answer within 2000 ms',
          late: 'ok',
        },
      });
    });

    it('leaves no timer behind', async () => {
      await readinessOf({ postgres: fine, eventStore: () => Promise.reject(new Error('down')) });
      expect(jest.getTimerCount()).toBe(0);
    });
  });
});
