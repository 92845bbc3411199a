import { jest } from '@jest/globals';

/**
 * Lets a spec say what time it is, everywhere, and moves the monotonic clock along; timers go on running on real
 * time. To be undone with `jest.useRealTimers()` and `jest.restoreAllMocks()`.
 */
export function useFakeDate(now: number): void {
  jest.useFakeTimers({
    now,
    doNotFake: [
      'hrtime',
      'nextTick',
      'performance',
      'queueMicrotask',
      'setImmediate',
      'clearImmediate',
      'setInterval',
      'clearInterval',
      'setTimeout',
      'clearTimeout',
    ],
  });
  jest.spyOn(performance, 'now').mockImplementation(() => Date.now());
}
