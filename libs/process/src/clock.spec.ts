import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { SharedClock, measureClock } from './clock.js';

const SERVER_AT_FIRST = Date.UTC(2026, 10, 29, 12);

describe('the clock that all processes share', () => {
  /** True time since the test began, in milliseconds. */
  let elapsed: number;
  let slept: number;
  /** What the server's clock shows beyond the true time. */
  let serverSet: number;
  let wallOffset: number;
  let roundTripMs: number;
  let failure: Error | undefined;
  let logged: { level: string; fields: Record<string, unknown> }[];
  let clock: SharedClock;
  let ended: AbortController;

  const trueTime = () => SERVER_AT_FIRST + elapsed;
  const logAt = (level: string) => (fields: object) =>
    void logged.push({ level, fields: fields as Record<string, unknown> });

  beforeEach(() => {
    elapsed = slept = serverSet = wallOffset = 0;
    roundTripMs = 2;
    failure = undefined;
    logged = [];
    ended = new AbortController();
    clock = new SharedClock({
      read: async () => {
        elapsed += roundTripMs / 2;
        if (failure) throw failure;
        const time = trueTime() + serverSet;
        elapsed += roundTripMs / 2;
        return time;
      },
      log: { info: logAt('info'), warn: logAt('warn'), error: logAt('error') } as never,
      sources: {
        monotonicMs: () => 1_000 + elapsed - slept,
        uptimeMs: () => 70_000 + elapsed,
        wallMs: () => trueTime() + wallOffset,
      },
    });
  });
  afterEach(() => ended.abort());

  it.each([3_600_000, -61_000, 32 * 86_400_000])(
    "is PostgreSQL's, whatever this machine's says: %d ms off",
    async (offset) => {
      wallOffset = offset;
      await clock.start(ended.signal);
      expect(clock.now()).toBe(trueTime());
      elapsed += 60_000;
      expect(clock.now()).toBe(trueTime());
      expect(clock.offsetSeconds).toBe(offset / 1_000);
      expect(logged).toEqual([{ level: 'warn', fields: { offsetSeconds: offset / 1_000 } }]);
    },
  );

  it("stays when this machine's clock is set while it runs", async () => {
    await clock.start(ended.signal);
    expect(logged).toEqual([{ level: 'info', fields: { offsetSeconds: 0 } }]);
    wallOffset = -3_600_000;
    expect(clock.now()).toBe(trueTime());
    await clock.look();
    expect(clock.now()).toBe(trueTime());
    expect([clock.offsetSeconds, clock.jumpSeconds]).toEqual([-3_600, 0]);
  });

  it('is not known while a round trip takes more than 2 s, or fails, and then it is', async () => {
    roundTripMs = 2_002;
    const started = clock.start(ended.signal);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(() => clock.check()).toThrow(/not known.*2002 ms/);
    expect(() => clock.now()).toThrow(/not known/);
    expect(clock.offsetSeconds).toBeNaN();
    failure = new Error('no answer');
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(() => clock.check()).toThrow(/not known: no answer/);
    failure = undefined;
    roundTripMs = 100;
    await started;
    clock.check();
    expect(clock.now()).toBe(trueTime());
  });

  it('takes the quickest of its first looks', async () => {
    const trips = [1_800, 10, 900];
    const slow = new SharedClock({
      read: async () => {
        // All of the way is the way back: the worst that a round trip can do.
        const time = trueTime();
        elapsed += trips.shift() ?? 0;
        return time;
      },
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      sources: {
        monotonicMs: () => elapsed,
        uptimeMs: () => elapsed,
        wallMs: trueTime,
      },
    });
    await slow.start(ended.signal);
    expect(Math.abs(slow.now() - trueTime())).toBeLessThanOrEqual(5);
  });

  it('keeps its time while the server does not answer', async () => {
    await clock.start(ended.signal);
    failure = new Error('no answer');
    elapsed += 3_600_000;
    await clock.look();
    clock.check();
    expect(clock.now()).toBe(trueTime());
  });

  it.each([1_900, -1_900])(
    'corrects drift little by little and never goes back: %d ms',
    async (drift) => {
      await clock.start(ended.signal);
      serverSet = drift;
      await clock.look();
      let before = clock.now();
      expect(Math.abs(before - trueTime())).toBeLessThan(5);
      for (let step = 0; step < 5_000; step += 10) {
        elapsed += 10;
        const now = clock.now();
        expect(now).toBeGreaterThan(before);
        before = now;
      }
      expect(Math.abs(clock.now() - (trueTime() + drift))).toBeLessThan(5);
      expect(clock.jumpSeconds).toBe(0);
    },
  );

  it.each([3_600_000, -3_600_000])(
    "keeps its time when the server's clock is set, and says so once: %d ms",
    async (jump) => {
      await clock.start(ended.signal);
      logged = [];
      serverSet = jump;
      for (let looks = 0; looks < 4; looks += 1) {
        elapsed += 5_000;
        await clock.look();
        expect(Math.abs(clock.now() - trueTime())).toBeLessThan(2);
      }
      expect(clock.jumpSeconds).toBeCloseTo(jump / 1_000, 1);
      expect(logged.map(({ level }) => level)).toEqual(['error']);
      serverSet = 0;
      await clock.look();
      expect(clock.jumpSeconds).toBe(0);
    },
  );

  it('goes on with the time that the whole machine slept', async () => {
    await clock.start(ended.signal);
    logged = [];
    elapsed += 7_200_000;
    slept += 7_190_000;
    await clock.look();
    expect(Math.abs(clock.now() - trueTime())).toBeLessThan(2);
    expect([clock.jumpSeconds, logged.length]).toEqual([0, 0]);
  });

  it('shows both differences as figures', async () => {
    const metrics = new Registry();
    measureClock(metrics, clock);
    expect(await metrics.metrics()).toContain('\nclock_offset_seconds Nan');
    wallOffset = 61_000;
    await clock.start(ended.signal);
    serverSet = -5_000;
    await clock.look();
    const figures = await metrics.metrics();
    expect(figures).toContain('\nclock_offset_seconds 61\n');
    expect(figures).toMatch(/\nclock_jump_seconds -5(\.\d+)?\n|\nclock_jump_seconds -4\.99/);
  });
});
