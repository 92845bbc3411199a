import type { EventRecord } from '../log/event-record.js';
import { NameTable, NOT_FOUND } from './name-table.js';
import { NumberColumn } from './number-column.js';
import { NumberLists } from './number-lists.js';

/**
 * What is held in memory about every event: its place in the log, its stream and its type, and for each
 * stream which events are in it. Events are numbered 0, 1, 2, … in log order; streams and types in order
 * of first appearance.
 */
export class EventIndex {
  readonly streams = new NameTable();
  readonly types = new NameTable();
  private readonly positions = new NumberColumn(Float64Array);
  private readonly streamNumbers = new NumberColumn(Uint32Array);
  private readonly typeNumbers = new NumberColumn(Uint32Array);
  private readonly eventsOfStreams = new NumberLists();

  get eventCount(): number {
    return this.positions.length;
  }

  /** Takes up the next event of the log. */
  add(record: EventRecord): void {
    const eventNumber = this.positions.length;
    const stream = this.streams.intern(record.streamName);
    this.positions.push(record.position);
    this.streamNumbers.push(stream);
    this.typeNumbers.push(this.types.intern(record.type));
    this.eventsOfStreams.push(stream, eventNumber);
  }

  positionOf(eventNumber: number): number {
    return this.positions.at(eventNumber);
  }

  streamOf(eventNumber: number): number {
    return this.streamNumbers.at(eventNumber);
  }

  typeOf(eventNumber: number): number {
    return this.typeNumbers.at(eventNumber);
  }

  /** Number of the first event at or after a position of the log; `eventCount` when there is none. */
  firstEventAtOrAfter(position: number): number {
    let low = 0;
    let high = this.positions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.positions.at(middle) < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * Whether a reader may begin at this position of the log: at its start, at an event, at its end or beyond, and where
   * an empty append was answered with it, just before an event.
   */
  isPlace(position: number): boolean {
    const next = this.firstEventAtOrAfter(position);
    if (position === 0 || next === this.eventCount) return true;
    return this.positionOf(next) - position <= 1;
  }

  /** How many events a stream has. */
  lengthOfStream(stream: number): number {
    return stream === NOT_FOUND ? 0 : this.eventsOfStreams.lengthOf(stream);
  }

  /** Number of the event at a revision that the stream has. */
  eventAt(stream: number, revision: number): number {
    return this.eventsOfStreams.at(stream, revision);
  }
}
