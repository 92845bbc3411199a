import type { LogPosition } from '@app/event-store';
import type { FailingEvents } from './failed-events.js';
import type { ProjectionAdvance, ProjectionObserver } from './run-projection.js';

export interface ProjectionStatus {
  /**
   * `stopped`: not running. `standby`: another process does the work, this one would take over.
   * `catching-up`: works through what was recorded earlier. `live`: rows show everything recorded.
   * `faulted`: cannot get on; tries again and again.
   */
  readonly state: 'stopped' | 'standby' | 'catching-up' | 'live' | 'faulted';
  /** How far the log has been projected, as far as this process knows. */
  readonly position: LogPosition | undefined;
  /**
   * How far the rows are behind the log, in milliseconds: 0 while live, else the time since the last
   * moment of which the rows are known to show everything. Unknown until something was projected.
   */
  readonly lagMs: number | undefined;
  readonly lastError: ProjectionFault | undefined;
  /** Streams that are set aside, while all others go on; undefined when there are none. */
  readonly failing: FailingEvents | undefined;
}

export interface ProjectionFault {
  /** Without personal data. */
  readonly message: string;
  readonly at: Date;
}

/** Keeps the status of one projection for health checks and metrics. */
export class ProjectionMonitor implements Omit<ProjectionObserver, 'onSetAside' | 'onRetryFault'> {
  private state: ProjectionStatus['state'] = 'stopped';
  private position: LogPosition | undefined;
  private completeUntil: number | undefined;
  private lastError: ProjectionFault | undefined;
  private failing: FailingEvents | undefined;

  /** @param now milliseconds since the Unix epoch */
  constructor(private readonly now: () => number) {}

  status(): ProjectionStatus {
    const { state, position, lastError, failing } = this;
    return { state, position, lagMs: this.lagMs(), lastError, failing };
  }

  onStandby(): void {
    this.state = 'standby';
    this.failing = undefined;
    this.position = undefined;
    this.completeUntil = undefined;
  }

  onStopped(): void {
    this.leaveLive();
    this.state = 'stopped';
  }

  onSubscribed(position: LogPosition | 'start'): void {
    this.leaveLive();
    // A fault lasts until something has been stored: a new subscription alone mends nothing.
    if (this.state !== 'faulted') this.state = 'catching-up';
    this.position = position === 'start' ? undefined : position;
  }

  onAdvanced({ position, newestRecordedAt }: ProjectionAdvance): void {
    this.position = position;
    if (this.state === 'live') return;
    this.state = 'catching-up';
    if (newestRecordedAt) this.completeUntil = newestRecordedAt.getTime();
  }

  onCaughtUp(): void {
    this.state = 'live';
  }

  onFault(error: unknown): void {
    this.leaveLive();
    this.state = 'faulted';
    const message = error instanceof Error ? error.message : String(error);
    this.lastError = { message, at: new Date(this.now()) };
  }

  onFailing(failing: FailingEvents | undefined): void {
    this.failing = failing;
  }

  private leaveLive(): void {
    if (this.state === 'live') this.completeUntil = this.now();
  }

  private lagMs(): number | undefined {
    if (this.state === 'live') return 0;
    if (this.completeUntil === undefined) return undefined;
    return Math.max(0, this.now() - this.completeUntil);
  }
}
