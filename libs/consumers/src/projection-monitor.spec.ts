import { describe, expect, it } from '@jest/globals';
import { ProjectionMonitor } from './projection-monitor.js';

describe('projection monitor', () => {
  let now = 1_000_000;
  const monitored = () => {
    now = 1_000_000;
    return new ProjectionMonitor(() => now);
  };
  const at = (time: number) => new Date(time);

  it('knows nothing before the start', () => {
    expect(monitored().status()).toEqual({
      state: 'stopped',
      position: undefined,
      lagMs: undefined,
      lastError: undefined,
    });
  });

  it('is as far behind as its newest event is old while catching up', () => {
    const monitor = monitored();
    monitor.onStandby();
    expect(monitor.status().state).toBe('standby');
    monitor.onSubscribed(5n);
    expect(monitor.status()).toMatchObject({
      state: 'catching-up',
      position: 5n,
      lagMs: undefined,
    });
    monitor.onAdvanced({ position: 8n, events: 2, newestRecordedAt: at(995_000) });
    expect(monitor.status()).toMatchObject({ state: 'catching-up', position: 8n, lagMs: 5_000 });
    monitor.onAdvanced({ position: 9n, events: 0, newestRecordedAt: undefined });
    expect(monitor.status()).toMatchObject({ position: 9n, lagMs: 5_000 });
  });

  it('is not behind while live, however long nothing happens', () => {
    const monitor = monitored();
    monitor.onSubscribed('start');
    monitor.onCaughtUp();
    now += 60_000;
    expect(monitor.status()).toMatchObject({ state: 'live', lagMs: 0 });
    monitor.onAdvanced({ position: 11n, events: 1, newestRecordedAt: at(999_000) });
    expect(monitor.status()).toMatchObject({ state: 'live', position: 11n, lagMs: 0 });
  });

  it('falls behind from the moment of a fault until it has caught up again', () => {
    const monitor = monitored();
    monitor.onSubscribed('start');
    monitor.onCaughtUp();
    now += 500;
    monitor.onFault(new Error('what went wrong'));
    now += 3_000;
    const lastError = { message: 'what went wrong', at: at(1_000_500) };
    expect(monitor.status()).toMatchObject({ state: 'faulted', lagMs: 3_000, lastError });
    monitor.onSubscribed(7n);
    expect(monitor.status()).toMatchObject({ state: 'faulted', lagMs: 3_000 });
    monitor.onAdvanced({ position: 8n, events: 1, newestRecordedAt: at(1_001_000) });
    expect(monitor.status()).toMatchObject({ state: 'catching-up', lagMs: 2_500 });
    monitor.onCaughtUp();
    expect(monitor.status()).toMatchObject({ state: 'live', lagMs: 0, lastError });
  });

  it('does not speak of the past while another process does the work', () => {
    const monitor = monitored();
    monitor.onSubscribed(3n);
    monitor.onCaughtUp();
    monitor.onStandby();
    expect(monitor.status()).toMatchObject({
      state: 'standby',
      position: undefined,
      lagMs: undefined,
    });
  });

  it('never reports a negative lag when clocks differ', () => {
    const monitor = monitored();
    monitor.onSubscribed('start');
    monitor.onAdvanced({ position: 1n, events: 1, newestRecordedAt: at(1_000_400) });
    expect(monitor.status().lagMs).toBe(0);
  });
});
