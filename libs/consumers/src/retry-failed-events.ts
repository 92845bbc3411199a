import { backoffMs, EventStoreUnavailable, pauseUnlessAborted } from '@app/event-store';
import type { LogPosition } from '@app/event-store';
import type { Queryable } from '@app/postgres';
import { findWaitingEvents, recordFailures, retryAllFailedEvents } from './failed-events.js';
import type { FailedEvent, FailingEvents } from './failed-events.js';

export interface FailedEventRetriesOptions {
  readonly database: Queryable;
  readonly consumer: string;
  /** How many events are tried at a time. */
  readonly places: number;
  /** While it answers true, no event is tried. */
  isHeld?(): boolean;
  /**
   * Tries one event, or carries out that it is skipped, and puts on record what became of it. Answers `later` when it
   * cannot be tried just now: the event stays due.
   */
  retry(failed: FailedEvent): Promise<'later' | undefined>;
  /** Called at every look at the record; undefined when no event waits. */
  onWaiting(failing: FailingEvents | undefined): void;
  /** The record could not be read or written: the event stays due. */
  onFault(error: unknown): void;
  readonly signal: AbortSignal;
}

/** How often the record is read while events wait; an operator's decision takes no longer. */
const POLL_MS = 250;

/**
 * Tries the failed events of one consumer again, each when it is due, until the signal ends it. At the start all of
 * them are due: another version may know what the last one did not. Only the leader runs this. While no event waits,
 * the database is not asked.
 */
export class FailedEventRetries {
  private mayWait = true;
  private faults = 0;
  private woken = new AbortController();
  private readonly underWay = new Map<LogPosition, Promise<unknown>>();
  /** Those that were answered `later`, until the next look at the record. */
  private readonly postponed = new Set<LogPosition>();

  constructor(private readonly options: FailedEventRetriesOptions) {}

  /** To be called when an event was put on record. */
  expect(): void {
    this.mayWait = true;
  }

  /** Resolves when the tries under way have ended. */
  async run(): Promise<void> {
    const { database, consumer, signal } = this.options;
    signal.addEventListener('abort', () => this.woken.abort(), { once: true });
    let isBegun = false;
    while (!signal.aborted) {
      try {
        if (!isBegun) await retryAllFailedEvents(database, consumer);
        isBegun = true;
        if (this.mayWait) await this.begin();
      } catch (error) {
        this.onFault(error);
      }
      await this.pause(this.faults > 0 ? backoffMs(this.faults) : POLL_MS);
    }
    await Promise.all(this.underWay.values());
  }

  /** Until the time is over, or something has happened since the last pause. */
  private async pause(milliseconds: number): Promise<void> {
    await pauseUnlessAborted(milliseconds, this.woken.signal);
    if (this.woken.signal.aborted) this.woken = new AbortController();
    else this.postponed.clear();
  }

  /** Begins as many tries as there are places. */
  private async begin(): Promise<void> {
    const { database, consumer, places, onWaiting, isHeld } = this.options;
    if (isHeld?.()) return;
    this.mayWait = false;
    const wanted = places + this.underWay.size + this.postponed.size;
    const waiting = await findWaitingEvents(database, consumer, wanted).catch((error: unknown) => {
      this.mayWait = true;
      throw error;
    });
    const { failing, due } = waiting;
    this.mayWait ||= failing !== undefined;
    onWaiting(failing);
    for (const failed of due) {
      const isTaken = this.underWay.has(failed.position) || this.postponed.has(failed.position);
      if (!isTaken && this.underWay.size < places) this.start(failed);
    }
  }

  private start(failed: FailedEvent): void {
    const { position } = failed;
    const trying = this.try(failed).then(
      (outcome) => {
        this.faults = 0;
        this.underWay.delete(position);
        if (outcome === 'later') this.postponed.add(position);
        // The place that is free is taken at once.
        else this.woken.abort();
      },
      (error: unknown) => {
        this.underWay.delete(position);
        this.onFault(error);
      },
    );
    this.underWay.set(position, trying);
  }

  private async try(failed: FailedEvent): Promise<'later' | undefined> {
    const { database, consumer, retry, signal } = this.options;
    try {
      return await retry(failed);
    } catch (error) {
      // It may be about this one stream, which must not be the first in turn for ever.
      if (signal.aborted || !(error instanceof EventStoreUnavailable)) throw error;
      const event = { ...failed, id: failed.eventId };
      await recordFailures(database, consumer, [{ event, error }]);
      return undefined;
    }
  }

  private onFault(error: unknown): void {
    if (this.options.signal.aborted) return;
    this.faults += 1;
    this.options.onFault(error);
  }
}
