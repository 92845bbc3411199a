import { beforeEach, describe, expect, it } from '@jest/globals';
import { ConsumerProgress } from './consumer-progress.js';
import type { CheckedConsumer } from './consumer-progress.js';

describe('the progress of the consumers', () => {
  let now: number;
  let progress: ConsumerProgress;
  const status = (given: Partial<CheckedConsumer>): CheckedConsumer => ({
    state: 'running',
    position: 10n,
    lagMs: 0,
    lastError: undefined,
    ...given,
  });
  const check = (given: Partial<CheckedConsumer>) => () =>
    progress.check(
      new Map([
        ['accounts', status({ state: 'live', position: 99n })],
        ['activation-mail', status(given)],
      ]),
    );

  beforeEach(() => {
    now = 0;
    progress = new ConsumerProgress(() => now);
  });

  it('is missed at once where one cannot get on, with its reason', () => {
    const lastError = { message: 'the event cannot be read' };
    expect(check({ state: 'faulted', lastError })).toThrow(
      /^activation-mail cannot get on \(the event cannot be read\)$/,
    );
  });

  it('is missed when a checkpoint stands for longer than 30 s in front of events', () => {
    check({ lagMs: 1 })();
    now = 30_000;
    check({ lagMs: 30_001 })();
    now = 30_001;
    expect(check({ lagMs: 30_002 })).toThrow(/^activation-mail has stood at position 10 for 30 s/);
    check({ lagMs: 30_002, position: 11n })();
  });

  it.each(['standby', 'stopped', 'paused'])('is not asked for in the state %s', (state) => {
    for (now = 0; now < 120_000; now += 20_000) check({ state, lagMs: now + 1 })();
  });

  it('is not asked for at the end of the log, however long nothing happens', () => {
    for (now = 0; now < 120_000; now += 20_000) check({ lagMs: 0 })();
    check({ lagMs: 5 })();
    now += 20_000;
    check({ lagMs: 20_005 })();
  });
});
