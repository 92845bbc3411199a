import type { StreamStore } from '../streams/stream-store.js';
import type { EventFilter } from './all-filter.js';
import { SEARCHING, UP_TO_DATE } from './event-source.js';
import type { EventSource, SourceStep } from './event-source.js';

/** Events looked at in one go. */
const SEARCH_LENGTH = 2_048;
/** The position that a server without any position sends: -1 in 64 bits without a sign. */
const BEYOND_LOG = 2n ** 64n - 1n;

export interface AllSourceOptions {
  /** Deliver events after this position of the log. */
  readonly after: number | 'start' | 'end';
  readonly filter: EventFilter;
  /** A checkpoint after so many events, wanted or not; undefined for none. */
  readonly checkpointInterval: number | undefined;
  /** Whether to send a checkpoint beyond the log (see fault-switches.ts); never when left out. */
  readonly tellsBeyondLog?: () => boolean;
}

/** The events of `$all` after a position, in order. */
export class AllSource implements EventSource {
  private nextEvent: number;
  private consideredSinceCheckpoint = 0;
  private dueCheckpoint: number | undefined;
  private hasTold = false;
  private tellsNoMore = false;

  constructor(
    private readonly store: StreamStore,
    private readonly options: AllSourceOptions,
  ) {
    const { after } = options;
    if (after === 'start') this.nextEvent = 0;
    else if (after === 'end') this.nextEvent = store.visibleEvents;
    else this.nextEvent = store.index.firstEventAtOrAfter(after + 1);
  }

  next(): SourceStep {
    if (this.dueCheckpoint !== undefined) return this.takeDueCheckpoint(this.dueCheckpoint);
    const searchEnd = this.nextEvent + SEARCH_LENGTH;
    while (this.nextEvent < this.store.visibleEvents) {
      if (this.nextEvent === searchEnd) return SEARCHING;
      const eventNumber = this.nextEvent;
      this.nextEvent += 1;
      this.consider(eventNumber);
      if (this.options.filter.matches(eventNumber)) return this.stepTo(eventNumber);
      if (this.dueCheckpoint !== undefined) return this.takeDueCheckpoint(this.dueCheckpoint);
    }
    return UP_TO_DATE;
  }

  checkpoint(): number | bigint | undefined {
    if (this.isToTellBeyondLog()) {
      this.tellsNoMore = true;
      return BEYOND_LOG;
    }
    if (this.tellsNoMore) return undefined;
    if (this.options.checkpointInterval === undefined || this.consideredSinceCheckpoint === 0)
      return undefined;
    this.consideredSinceCheckpoint = 0;
    return this.store.index.positionOf(this.nextEvent - 1);
  }

  isBehindBy(count: number): boolean {
    const { filter } = this.options;
    let found = 0;
    for (let number = this.nextEvent; number < this.store.visibleEvents; number += 1) {
      if (filter.matches(number)) found += 1;
      if (found > count) return true;
    }
    return false;
  }

  private isToTellBeyondLog(): boolean {
    const { after, checkpointInterval, tellsBeyondLog } = this.options;
    if (this.hasTold || this.tellsNoMore) return false;
    return after === 'start' && checkpointInterval !== undefined && tellsBeyondLog?.() === true;
  }

  private consider(eventNumber: number): void {
    if (this.tellsNoMore) return;
    this.consideredSinceCheckpoint += 1;
    if (this.consideredSinceCheckpoint === this.options.checkpointInterval) {
      this.consideredSinceCheckpoint = 0;
      this.dueCheckpoint = this.store.index.positionOf(eventNumber);
    }
  }

  private takeDueCheckpoint(position: number): SourceStep {
    this.dueCheckpoint = undefined;
    this.hasTold = true;
    return { kind: 'checkpoint', position };
  }

  private stepTo(eventNumber: number): SourceStep {
    this.hasTold = true;
    return { kind: 'event', event: this.store.recordOf(eventNumber) };
  }
}
