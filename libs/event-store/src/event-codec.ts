import type { RecordedEvent, RequestClient } from './event-store.js';

/** An event's data in the shape that is stored, with the version of that shape. */
export interface StoredShape {
  readonly type: string;
  readonly schemaVersion: number;
  readonly data: unknown;
  /** For the event's metadata. */
  readonly client?: unknown;
}

/** The newest event of each type that a stream holds. */
export type NewestEvents = ReadonlyMap<string, RecordedEvent>;

/** What a codec may need to know of events besides what happened. */
export interface Circumstances {
  /** Of the stream before them; nothing when left out. */
  readonly newest?: NewestEvents;
  /** Where the request came from that led to them. */
  readonly client?: RequestClient | undefined;
}

/**
 * Translates between the facts a program works with and what the log holds. Asynchronous and in
 * batches, because personal data is decrypted with keys that are looked up per account.
 */
export interface EventCodec<Event> {
  /** One stored shape per event, in the same order. */
  encode(
    streamName: string,
    events: readonly Event[],
    circumstances?: Circumstances,
  ): Promise<readonly StoredShape[]>;
  /**
   * One fact per recorded event, in the same order.
   *
   * @throws UnknownEvent for a type or version this program does not know: guessing would corrupt
   *   every state built from it
   */
  decode(events: readonly RecordedEvent[]): Promise<readonly Event[]>;
}

/** How a consumer reads events. */
export interface EventReader<Event> extends Pick<EventCodec<Event>, 'decode'> {
  /**
   * For an event that the consumer does not read: what it means for its stream must be known all the same.
   *
   * @throws UnknownEvent for a type or version this program does not know
   */
  assertKnown(event: RecordedEvent): void;
}

/** The log holds an event that this program cannot read. */
export class UnknownEvent extends Error {
  constructor(
    readonly type: string,
    readonly schemaVersion: number,
  ) {
    super(`no code reads event type ${type} in version ${schemaVersion}`);
    this.name = 'UnknownEvent';
  }
}
