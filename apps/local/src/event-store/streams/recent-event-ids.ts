import type { EventIndex } from '../index/event-index.js';
import type { EventRecord } from '../log/event-record.js';

/** Together they remember about as many events as EventStoreDB does in its 8 MiB. */
const SETS = 1 << 14;
const WAYS = 4;

/**
 * Where the events of the last appends went, by stream and id. Only event numbers are held: whether one
 * is the event that is looked for can be read in the log. A set that is full forgets its oldest.
 */
export class RecentEventIds {
  /** Event numbers + 1, the newest first in each set; 0 is free. */
  private readonly sets = new Uint32Array(SETS * WAYS);

  constructor(
    private readonly index: EventIndex,
    private readonly recordOf: (eventNumber: number) => EventRecord,
  ) {}

  remember(id: string, eventNumber: number): void {
    const first = firstOfSet(id);
    this.sets.copyWithin(first + 1, first, first + WAYS - 1);
    this.sets[first] = eventNumber + 1;
  }

  revisionOf(stream: number, id: string): number | undefined {
    const first = firstOfSet(id);
    for (let place = first; place < first + WAYS; place += 1) {
      const eventNumber = this.sets[place]! - 1;
      if (eventNumber < 0) return undefined;
      if (this.index.streamOf(eventNumber) !== stream) continue;
      const record = this.recordOf(eventNumber);
      if (record.id === id) return record.revision;
    }
    return undefined;
  }
}

function firstOfSet(id: string): number {
  let hash = 0;
  for (let index = 0; index < id.length; index += 1)
    hash = (Math.imul(hash, 31) + id.charCodeAt(index)) | 0;
  return ((hash ^ (hash >>> 15)) & (SETS - 1)) * WAYS;
}
