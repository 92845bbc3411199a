/**
 * The port to the event store: streams of events with optimistic concurrency, and one ordered feed of
 * all of them. It knows nothing of what the events mean.
 */

/** Place in the whole log: grows, is not contiguous, and is never to be computed with. */
export type LogPosition = bigint;

const END_OF_EVERY_LOG = 2n ** 63n;

/** Whether a log can have such a position; servers also send others when they mean "nowhere". */
export function isLogPosition(value: bigint): value is LogPosition {
  return value >= 0n && value < END_OF_EVERY_LOG;
}

/** A position as text, in decimal digits; undefined when it is none. */
export function parseLogPosition(text: string): LogPosition | undefined {
  const value = /^\d{1,19}$/.test(text) ? BigInt(text) : -1n;
  return isLogPosition(value) ? value : undefined;
}

/** Number of an event inside its stream: 0, 1, 2, … */
export type StreamRevision = bigint;

/** The revision that the appender read last; an append at any other revision is refused. */
export type ExpectedRevision = StreamRevision | 'no-stream';

/** Where a request came from. Personal data: a codec seals it before it is stored. */
export interface RequestClient {
  /** IP address, as far as trusted proxies report it. */
  readonly address: string;
  /** What the client says it is; left out when it says nothing. */
  readonly userAgent?: string;
  /** What the client calls the request (UUID); left out when it says nothing. */
  readonly requestId?: string;
}

/** Why an event happened and who caused it, stored beside its data. */
export interface EventMetadata {
  /** Version of the stored shape of the event's data; raised when that shape changes. */
  readonly schemaVersion: number;
  /** Groups everything that followed from one request of the outside world (UUID). */
  readonly $correlationId: string;
  /** Id of the event or command that directly caused this event (UUID). */
  readonly $causationId: string;
  /** `anonymous`, `account`, `worker` or `admin:<key id>`. */
  readonly actor: string;
  /** `RequestClient` as the codec stores it; left out when no request from outside led to the event. */
  readonly client?: unknown;
  /**
   * W3C's name of the span that appended the event, while tracing was on: what follows from the event continues its trace.
   * Says nothing about what happened, so that the chain does not cover it.
   */
  readonly traceparent?: string;
  /** Link to the event before, see event-chain.ts; events from before there was a chain have none. */
  readonly chain?: string;
}

export interface NewEvent {
  /** UUID; appending the same ids at the same expected revision again changes nothing. */
  readonly id: string;
  readonly type: string;
  /** Anything JSON can hold. */
  readonly data: unknown;
  readonly metadata: EventMetadata;
}

export interface RecordedEvent extends NewEvent {
  readonly streamName: string;
  readonly revision: StreamRevision;
  readonly position: LogPosition;
  /** When the store recorded it, by the store's clock. */
  readonly recordedAt: Date;
}

export interface AppendResult {
  /** Revision of the last event of the append. */
  readonly revision: StreamRevision;
  /** Position of the last event of the append. */
  readonly position: LogPosition;
}

export type SubscriptionMessage =
  | {
      readonly kind: 'event';
      readonly event: RecordedEvent;
      /**
       * When this process received it, by `performance.now()`. Left out of a message that may have been recorded before
       * its subscription began.
       */
      readonly receivedAt?: number;
    }
  /** Nothing of interest up to here: resuming after this position skips no event. */
  | { readonly kind: 'checkpoint'; readonly position: LogPosition }
  /** Everything recorded before the subscription started has been delivered. */
  | { readonly kind: 'caught-up' };

/** How far the log has been seen with a message. */
export function positionOf(
  message: Exclude<SubscriptionMessage, { kind: 'caught-up' }>,
): LogPosition {
  return message.kind === 'event' ? message.event.position : message.position;
}

export interface ReadStreamOptions {
  /** First revision to read; the beginning when left out. */
  readonly fromRevision?: StreamRevision;
  /** At most so many events; all when left out. */
  readonly maxCount?: number;
}

export interface SubscribeToAllOptions {
  /** Events after this position only; `start` for everything. */
  readonly after: LogPosition | 'start';
  /** Only streams whose name starts with one of these. */
  readonly streamNamePrefixes: readonly [string, ...string[]];
  /** Ends the subscription, and with it the iteration, without an error. */
  readonly signal: AbortSignal;
}

/** The longest that one append, or the next event of a read, may take, in milliseconds. */
export const EVENT_STORE_TIMEOUT_MS = 5_000;

/** Injection token of the `EventStore`. */
export const EVENT_STORE = Symbol('EventStore');

export interface EventStore {
  /**
   * Appends all events or none; durable when the promise resolves.
   *
   * @throws TypeError data that JSON cannot hold; nothing is stored
   * @throws WrongExpectedRevision another appender was first
   * @throws EventStoreUnavailable the store did not answer in time; the events may or may not be stored
   */
  append(
    streamName: string,
    expectedRevision: ExpectedRevision,
    events: readonly [NewEvent, ...NewEvent[]],
  ): Promise<AppendResult>;

  /**
   * The events of a stream in order. A stream that does not exist is empty.
   *
   * @throws EventStoreUnavailable
   */
  readStream(streamName: string, options?: ReadStreamOptions): AsyncIterable<RecordedEvent>;

  /**
   * Catch-up subscription to the whole log. Iterating slowly holds the store back. Ends with
   * EventStoreUnavailable when the connection is lost: the caller subscribes anew from its checkpoint.
   */
  subscribeToAll(options: SubscribeToAllOptions): AsyncIterable<SubscriptionMessage>;

  /**
   * One round trip to the store.
   *
   * @throws EventStoreUnavailable
   */
  checkAvailable(): Promise<void>;

  /** Ends every subscription and lets the process exit. */
  close(): Promise<void>;
}

/** Another appender appended to the stream since it was read. */
export class WrongExpectedRevision extends Error {
  constructor(
    readonly streamName: string,
    readonly expected: ExpectedRevision,
  ) {
    super(`stream ${streamName} is no longer at revision ${expected}`);
    this.name = 'WrongExpectedRevision';
  }
}

/**
 * The event store cannot be reached, did not answer in time, or refuses this process until somebody has mended its
 * settings; the message says what to check.
 */
export class EventStoreUnavailable extends Error {
  constructor(what: string, options?: ErrorOptions) {
    super(`the event store is not available: ${what}`, options);
    this.name = 'EventStoreUnavailable';
  }
}
