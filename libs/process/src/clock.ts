import { uptime } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { Registry } from 'prom-client';
import { Gauge } from 'prom-client';
import type { Log } from './log.js';
import { untilAnswered } from './until-answered.js';

/** The current instant in milliseconds since the Unix epoch. */
export type Clock = () => number;

/** Injection token of the process' `Clock`. */
export const CLOCK = Symbol('Clock');

export interface SharedClockOptions {
  /** What time it is on the server whose clock all processes go by, in milliseconds since the Unix epoch. */
  read(): Promise<number>;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  readonly sources?: ClockSources;
}

/** Where a process can read a time of its own. */
export interface ClockSources {
  /** Milliseconds since some moment; runs evenly and never goes back. */
  monotonicMs(): number;
  /** Milliseconds since the machine started, the time that it slept included. */
  uptimeMs(): number;
  /** Milliseconds since the Unix epoch, as the machine's administrator set it. */
  wallMs(): number;
}

const MACHINE: ClockSources = {
  monotonicMs: () => performance.now(),
  uptimeMs: () => uptime() * 1_000,
  wallMs: () => Date.now(),
};

/** A longer round trip says too little about the time at either end. */
const LONGEST_ROUND_TRIP_MS = 2_000;
/** What clocks drift apart between two looks is far less: somebody has set the server's clock. */
const LARGEST_DRIFT_MS = 2_000;
const READS_AT_START = 3;
const LOOK_INTERVAL_MS = 5_000;
/** A correction spread over so long: of 2 s at most, so that the time still goes forward. */
const CORRECTION_MS = 5_000;
const SHORTEST_SLEEP_MS = 1_000;

/**
 * The clock of one server, kept by the monotonic clock of this process. All processes that follow the same server
 * agree about the time to half a round trip, whatever their machines' own clocks say.
 *
 * Drift is corrected little by little. When the server's clock is set, by more than 2 s against the monotonic one,
 * a running process keeps its time and says so; it takes the new one at its next start. Time that the whole machine
 * slept is no such jump: it has passed for everybody.
 */
export class SharedClock {
  private readonly sources: ClockSources;
  /** What to add to the monotonic clock, at the moment `correctedAt`. */
  private base: number | undefined;
  private correction = 0;
  private correctedAt = 0;
  private lookedAt: { readonly monotonicMs: number; readonly uptimeMs: number };
  private jump = 0;
  private fault = 'the time of PostgreSQL is not known yet';

  constructor(private readonly options: SharedClockOptions) {
    this.sources = options.sources ?? MACHINE;
    this.lookedAt = this.moment();
  }

  /** What time it is. To be called after `start` only. Never goes back. */
  readonly now: Clock = () => Math.round(this.at(this.sources.monotonicMs()));

  /**
   * Resolves when the time is known, however long the server does not answer, and follows it until the signal ends
   * it.
   */
  async start(signal: AbortSignal): Promise<void> {
    const { log } = this.options;
    await untilAnswered(
      () => this.lookAtStart(),
      () => true,
      { log, signal },
    );
    const offset = { offsetSeconds: this.offsetSeconds };
    const isOff = Math.abs(this.offsetSeconds) * 1_000 > LARGEST_DRIFT_MS;
    if (isOff) log.warn(offset, "this machine's clock is wrong: PostgreSQL's is used instead");
    else log.info(offset, "the time is that of PostgreSQL's clock");
    void this.follow(signal);
  }

  /** @throws Error while the time is not known */
  check(): void {
    if (this.base === undefined) throw new Error(this.fault);
  }

  /** How far this machine's own clock is ahead, in seconds; NaN while the time is not known. */
  get offsetSeconds(): number {
    if (this.base === undefined) return Number.NaN;
    return Math.round(this.sources.wallMs() - this.now()) / 1_000;
  }

  /** How far the server's clock was set ahead of the time that this process keeps, in seconds; 0 if it was not. */
  get jumpSeconds(): number {
    return this.jump / 1_000;
  }

  /** @throws Error while the server does not answer */
  private async lookAtStart(): Promise<void> {
    const samples: Sample[] = [];
    for (let reads = 0; reads < READS_AT_START; reads += 1) {
      const sample = await this.sample();
      if (sample === undefined) break;
      samples.push(sample);
    }
    const [best] = samples.sort((one, other) => one.roundTripMs - other.roundTripMs);
    if (best === undefined) throw new Error(this.fault);
    this.base = best.base;
  }

  private async follow(signal: AbortSignal): Promise<void> {
    // Ends by its signal only: `sample` answers nothing where the server does not.
    while (!signal.aborted) {
      await pause(LOOK_INTERVAL_MS, undefined, { signal, ref: false }).catch(() => undefined);
      if (!signal.aborted) await this.look();
    }
  }

  /** Compares the time of this process with the server's. Called by `start` again and again. */
  async look(): Promise<void> {
    this.noticeSleep();
    const sample = await this.sample();
    if (sample === undefined || this.base === undefined) return;
    const now = this.sources.monotonicMs();
    const drift = sample.base - (this.at(now) - now);
    const doubt = sample.roundTripMs / 2;
    if (Math.abs(drift) - doubt > LARGEST_DRIFT_MS) {
      this.noteJump(drift);
      return;
    }
    this.jump = 0;
    if (Math.abs(drift) > doubt) this.correct(drift, now);
  }

  private correct(drift: number, now: number): void {
    this.base = this.at(now) - now;
    this.correction = drift;
    this.correctedAt = now;
  }

  private noteJump(drift: number): void {
    if (Math.abs(drift - this.jump) > LARGEST_DRIFT_MS) {
      this.options.log.error(
        { jumpSeconds: drift / 1_000 },
        "PostgreSQL's clock was set: this process keeps its time until it is started again",
      );
    }
    this.jump = drift;
  }

  /** The monotonic clock stands while the machine sleeps. */
  private noticeSleep(): void {
    const before = this.lookedAt;
    this.lookedAt = this.moment();
    const awake = this.lookedAt.monotonicMs - before.monotonicMs;
    const slept = this.lookedAt.uptimeMs - before.uptimeMs - awake;
    if (this.base !== undefined && slept > SHORTEST_SLEEP_MS) this.base += slept;
  }

  private moment() {
    const { monotonicMs, uptimeMs } = this.sources;
    return { monotonicMs: monotonicMs(), uptimeMs: uptimeMs() };
  }

  private at(monotonicMs: number): number {
    if (this.base === undefined) throw new Error(this.fault);
    const done = Math.min(1, (monotonicMs - this.correctedAt) / CORRECTION_MS);
    return monotonicMs + this.base + this.correction * done;
  }

  private async sample(): Promise<Sample | undefined> {
    const { monotonicMs } = this.sources;
    const before = monotonicMs();
    try {
      const time = await this.options.read();
      const roundTripMs = monotonicMs() - before;
      if (roundTripMs <= LONGEST_ROUND_TRIP_MS) {
        return { base: time - (before + roundTripMs / 2), roundTripMs };
      }
      this.fault = `the time of PostgreSQL is not known: it took ${Math.round(roundTripMs)} ms to answer`;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.fault = `the time of PostgreSQL is not known: ${reason}`;
    }
    return undefined;
  }
}

interface Sample {
  /** The server's time less the monotonic one. */
  readonly base: number;
  readonly roundTripMs: number;
}

/** Figures of a process' clock. */
export function measureClock(registry: Registry, clock: SharedClock): void {
  const registers = [registry];
  new Gauge({
    name: 'clock_offset_seconds',
    help: "How far this machine's clock is ahead of PostgreSQL's, which the process goes by",
    registers,
    collect() {
      this.set(clock.offsetSeconds);
    },
  });
  new Gauge({
    name: 'clock_jump_seconds',
    help: "How far PostgreSQL's clock was set ahead while the process ran, which keeps its time; 0 if it was not",
    registers,
    collect() {
      this.set(clock.jumpSeconds);
    },
  });
}
