import { checkpointMessage, eventMessage } from '../grpc/read-messages.js';
import { resolve } from '../reading/resolve-link.js';
import type { StreamStore } from '../streams/stream-store.js';
import type { EventFilter } from './all-filter.js';
import type { EventSource } from './event-source.js';

/** Events looked at in one go. */
const SEARCH_LENGTH = 2_048;

export interface AllSourceOptions {
  /** Deliver events after this position of the log. */
  readonly after: number | 'start' | 'end';
  readonly filter: EventFilter;
  /** A checkpoint after so many events, wanted or not; undefined for none. */
  readonly checkpointInterval: number | undefined;
  readonly resolveLinks: boolean;
  readonly now: () => number;
}

/** The events of `$all` after a position, in order. */
export class AllSource implements EventSource {
  private nextEvent: number;
  private consideredSinceCheckpoint = 0;
  private dueCheckpoint: Buffer | undefined;

  constructor(
    private readonly store: StreamStore,
    private readonly options: AllSourceOptions,
  ) {
    const { after } = options;
    if (after === 'start') this.nextEvent = 0;
    else if (after === 'end') this.nextEvent = store.visibleEvents;
    else this.nextEvent = store.index.firstEventAtOrAfter(after + 1);
  }

  next(): Buffer | 'searching' | 'up-to-date' {
    if (this.dueCheckpoint !== undefined) return this.takeDueCheckpoint(this.dueCheckpoint);
    const searchEnd = this.nextEvent + SEARCH_LENGTH;
    while (this.nextEvent < this.store.visibleEvents) {
      if (this.nextEvent === searchEnd) return 'searching';
      const eventNumber = this.nextEvent;
      this.nextEvent += 1;
      this.consider(eventNumber);
      if (this.options.filter.matches(eventNumber)) return this.messageOf(eventNumber);
      if (this.dueCheckpoint !== undefined) return this.takeDueCheckpoint(this.dueCheckpoint);
    }
    return 'up-to-date';
  }

  checkpoint(): Buffer | undefined {
    if (this.options.checkpointInterval === undefined || this.consideredSinceCheckpoint === 0)
      return undefined;
    this.consideredSinceCheckpoint = 0;
    return checkpointMessage(this.store.index.positionOf(this.nextEvent - 1));
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

  private consider(eventNumber: number): void {
    this.consideredSinceCheckpoint += 1;
    if (this.consideredSinceCheckpoint === this.options.checkpointInterval) {
      this.consideredSinceCheckpoint = 0;
      this.dueCheckpoint = checkpointMessage(this.store.index.positionOf(eventNumber));
    }
  }

  private takeDueCheckpoint(message: Buffer): Buffer {
    this.dueCheckpoint = undefined;
    return message;
  }

  private messageOf(eventNumber: number): Buffer {
    const { store, options } = this;
    const record = store.recordOf(eventNumber);
    return eventMessage(resolve(store, record, options.resolveLinks, options.now()));
  }
}
