import { it } from '@jest/globals';

/**
 * A test for each of them, the first of which begins them all: for what waits more than it computes, and shares nothing.
 *
 * @param timeoutMs of all of them together
 */
export function itSideBySide<One>(
  all: readonly One[],
  nameOf: (one: One) => string,
  play: (one: One) => Promise<void>,
  timeoutMs?: number,
): void {
  let playing: Promise<PromiseSettledResult<void>[]> | undefined;
  for (const [index, one] of all.entries()) {
    it(
      nameOf(one),
      async () => {
        playing ??= Promise.allSettled(all.map(play));
        const outcome = (await playing)[index];
        if (outcome?.status === 'rejected') throw outcome.reason;
      },
      timeoutMs,
    );
  }
}
