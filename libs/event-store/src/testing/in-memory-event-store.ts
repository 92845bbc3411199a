import { randomUUID } from 'node:crypto';
import { EventStoreUnavailable, WrongExpectedRevision } from '../event-store.js';
import type {
  AppendResult,
  EventMetadata,
  EventStore,
  ExpectedRevision,
  LogPosition,
  NewEvent,
  ReadStreamOptions,
  RecordedEvent,
  SubscribeToAllOptions,
  SubscriptionMessage,
} from '../event-store.js';

/** Nothing computes with positions, so they have gaps of uneven size, as in a real log. */
const FIRST_POSITION = 1_000n;
const GAPS = [137n, 64n, 911n] as const;

const METADATA_OF_FACTS: EventMetadata = {
  schemaVersion: 1,
  $correlationId: '00000000-0000-4000-8000-000000000001',
  $causationId: '00000000-0000-4000-8000-000000000002',
  actor: 'anonymous',
};

/** As much of an event as specs care about that only want it to have happened. */
export interface Fact {
  readonly type: string;
  readonly data: unknown;
  /** As a codec stores it. */
  readonly client?: unknown;
}

/**
 * Event store for specs: shows the behaviour of event-store.contract.ts without a server, and can be
 * taken away and given back.
 */
export class InMemoryEventStore implements EventStore {
  private readonly log: RecordedEvent[] = [];
  private readonly streams = new Map<string, RecordedEvent[]>();
  private readonly waiting = new Set<() => void>();
  private connection = new AbortController();
  private available = true;

  /** Where each subscription began, in the order of the subscriptions. */
  readonly subscribedAfter: (LogPosition | 'start')[] = [];
  /** Subscriptions that are neither ended nor left. */
  openSubscriptions = 0;
  /** How often `append` was called, whatever came of it. */
  appends = 0;
  /** How often a stream was read. */
  reads = 0;

  /** Ends every subscription and refuses every call until `comeBack`. */
  goAway(): void {
    this.available = false;
    this.cutSubscriptions();
  }

  comeBack(): void {
    this.available = true;
  }

  /** Ends every subscription with an error; new ones are possible at once. */
  cutSubscriptions(): void {
    this.connection.abort();
    this.connection = new AbortController();
  }

  /**
   * What another appender added to the end of a stream, over a connection that goes on while this one
   * is away. Answers the position of the last fact.
   */
  async record(
    streamName: string,
    ...facts: readonly [Fact, ...(readonly Fact[])]
  ): Promise<LogPosition> {
    const events = facts.map(({ type, data, client }) =>
      asJson({ id: randomUUID(), type, data, metadata: { ...METADATA_OF_FACTS, client } }),
    );
    return this.keep(streamName, events).position;
  }

  async append(
    streamName: string,
    expectedRevision: ExpectedRevision,
    events: readonly [NewEvent, ...NewEvent[]],
  ): Promise<AppendResult> {
    this.appends++;
    await this.checkAvailable();
    const stored = events.map(asJson);
    const stream = this.streamOf(streamName);
    const next = expectedRevision === 'no-stream' ? 0 : Number(expectedRevision) + 1;
    if (next !== stream.length) {
      const known = stream.slice(next, next + events.length);
      const last = known.at(-1);
      const isRepetition =
        known.length === events.length && known.every(({ id }, index) => id === events[index]?.id);
      if (last && isRepetition) return { revision: last.revision, position: last.position };
      throw new WrongExpectedRevision(streamName, expectedRevision);
    }
    return this.keep(streamName, stored);
  }

  async *readStream(
    streamName: string,
    { fromRevision = 0n, maxCount = Infinity }: ReadStreamOptions = {},
  ): AsyncGenerator<RecordedEvent, void, void> {
    this.reads++;
    await this.checkAvailable();
    const from = Number(fromRevision);
    for (const event of this.streamOf(streamName).slice(from, from + maxCount)) {
      await this.checkAvailable();
      yield event;
    }
  }

  async *subscribeToAll({
    after,
    streamNamePrefixes,
    signal,
  }: SubscribeToAllOptions): AsyncGenerator<SubscriptionMessage, void, void> {
    if (signal.aborted) return;
    await this.checkAvailable();
    this.subscribedAfter.push(after);
    const cut = this.connection.signal;
    const ended = AbortSignal.any([signal, cut]);
    const isWanted = (name: string) => streamNamePrefixes.some((prefix) => name.startsWith(prefix));
    let seen = this.log.filter(({ position }) => after !== 'start' && position <= after).length;
    let caughtUp = false;
    this.openSubscriptions++;
    try {
      while (!ended.aborted) {
        const event = this.log[seen];
        if (event) {
          seen++;
          yield isWanted(event.streamName)
            ? { kind: 'event', event }
            : { kind: 'checkpoint', position: event.position };
        } else if (!caughtUp) {
          caughtUp = true;
          yield { kind: 'caught-up' };
        } else {
          await this.nextAppend(ended);
        }
      }
    } finally {
      this.openSubscriptions--;
    }
    if (!signal.aborted) throw new EventStoreUnavailable('the connection was cut');
  }

  async checkAvailable(): Promise<void> {
    if (!this.available) throw new EventStoreUnavailable('it was taken away');
  }

  async close(): Promise<void> {
    this.goAway();
  }

  private keep(streamName: string, events: readonly NewEvent[]): AppendResult {
    let position = this.log.at(-1)?.position ?? FIRST_POSITION;
    const stream = this.streamOf(streamName);
    this.streams.set(streamName, stream);
    let revision = BigInt(stream.length) - 1n;
    for (const event of events) {
      revision += 1n;
      position += GAPS[this.log.length % GAPS.length] ?? 1n;
      const recorded = { ...event, streamName, revision, position, recordedAt: new Date() };
      this.log.push(recorded);
      stream.push(recorded);
    }
    for (const wake of [...this.waiting]) wake();
    return { revision, position };
  }

  private streamOf(streamName: string): RecordedEvent[] {
    return this.streams.get(streamName) ?? [];
  }

  private nextAppend(ended: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.waiting.delete(wake);
        ended.removeEventListener('abort', wake);
        resolve();
      };
      this.waiting.add(wake);
      ended.addEventListener('abort', wake);
    });
  }
}

/** Keeps what a store keeps: the JSON, not the objects. */
function asJson({ id, type, data, metadata }: NewEvent): NewEvent {
  const json = JSON.stringify(data);
  if (json === undefined) throw new TypeError(`the data of ${type} cannot be written as JSON`);
  return { id, type, data: JSON.parse(json) as unknown, metadata: { ...metadata } };
}
