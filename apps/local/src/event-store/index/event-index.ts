import type { EventRecord } from '../log/event-record.js';

export const NOT_FOUND = -1;

/**
 * What is held in memory about every event: its place in the log, its stream and its type, and for each
 * stream which events are in it. Events are numbered 0, 1, 2, … in log order; streams and types in order
 * of first appearance.
 */
export class EventIndex {
  readonly streams = new NumberedNames();
  readonly types = new NumberedNames();
  private readonly positions: number[] = [];
  private readonly streamNumbers: number[] = [];
  private readonly typeNumbers: number[] = [];
  /** By the number of the stream. */
  private readonly eventsOfStreams: number[][] = [];

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
    (this.eventsOfStreams[stream] ??= []).push(eventNumber);
  }

  positionOf(eventNumber: number): number {
    return this.positions[eventNumber]!;
  }

  streamOf(eventNumber: number): number {
    return this.streamNumbers[eventNumber]!;
  }

  typeOf(eventNumber: number): number {
    return this.typeNumbers[eventNumber]!;
  }

  /** Number of the first event at or after a position of the log; `eventCount` when there is none. */
  firstEventAtOrAfter(position: number): number {
    let low = 0;
    let high = this.positions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.positions[middle]! < position) low = middle + 1;
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
    return this.eventsOfStreams[stream]?.length ?? 0;
  }

  /** Number of the event at a revision that the stream has. */
  eventAt(stream: number, revision: number): number {
    return this.eventsOfStreams[stream]![revision]!;
  }
}

/** Numbers names 0, 1, 2, … in order of first appearance. */
class NumberedNames {
  /** By their bytes, each as one character: these need not be UTF-8. */
  private readonly numbers = new Map<string, number>();
  private readonly names: string[] = [];

  /** The number of a name, or `NOT_FOUND`. */
  find(name: Buffer): number {
    return this.numbers.get(name.toString('latin1')) ?? NOT_FOUND;
  }

  /** The number of a name, numbering it when it is new. */
  intern(name: Buffer): number {
    const bytes = name.toString('latin1');
    const found = this.numbers.get(bytes);
    if (found !== undefined) return found;
    this.numbers.set(bytes, this.names.length);
    return this.names.push(bytes) - 1;
  }

  nameOf(number: number): string {
    return Buffer.from(this.names[number]!, 'latin1').toString('utf8');
  }
}
