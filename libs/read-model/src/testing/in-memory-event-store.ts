import { randomUUID } from 'node:crypto';
import { EventStoreUnavailable, WrongExpectedRevision } from '@app/event-store';
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
} from '@app/event-store';

const metadata: EventMetadata = {
  schemaVersion: 1,
  $correlationId: '00000000-0000-4000-8000-000000000001',
  $causationId: '00000000-0000-4000-8000-000000000002',
  actor: 'anonymous',
};

/** Event store for specs: positions have gaps as in a real log, and its connection can be cut. */
export class InMemoryEventStore implements EventStore {
  private readonly log: RecordedEvent[] = [];
  private readonly connections = new Set<AbortController>();
  private readonly waiting = new Set<() => void>();
  private down = false;

  /** Positions after which somebody subscribed, in the order of the subscriptions. */
  readonly subscribedAfter: (LogPosition | 'start')[] = [];

  /** Appends to the end of a stream. */
  async record(
    streamName: string,
    ...facts: readonly [Fact, ...(readonly Fact[])]
  ): Promise<LogPosition> {
    const newest = this.log.findLast((event) => event.streamName === streamName);
    const [first, ...rest] = facts.map(({ type, data }): NewEvent => ({
      id: randomUUID(),
      type,
      data,
      metadata,
    }));
    if (!first) throw new Error('nothing to record');
    const expected = newest ? newest.revision : 'no-stream';
    return (await this.append(streamName, expected, [first, ...rest])).position;
  }

  async append(
    streamName: string,
    expectedRevision: ExpectedRevision,
    events: readonly [NewEvent, ...NewEvent[]],
  ): Promise<AppendResult> {
    let revision = BigInt(this.log.filter((event) => event.streamName === streamName).length) - 1n;
    const expected = expectedRevision === 'no-stream' ? -1n : expectedRevision;
    if (revision !== expected) throw new WrongExpectedRevision(streamName, expectedRevision);
    let position = this.log.at(-1)?.position ?? 1_000n;
    for (const event of events) {
      revision += 1n;
      position += 137n;
      this.log.push({ ...event, streamName, revision, position, recordedAt: new Date() });
    }
    this.wakeAll();
    return { revision, position };
  }

  /** Ends every subscription with an error; `down` refuses new ones until `reconnect`. */
  disconnect({ stayDown = false } = {}): void {
    this.down = stayDown;
    for (const connection of this.connections) connection.abort();
  }

  reconnect(): void {
    this.down = false;
  }

  async *readStream(
    streamName: string,
    { fromRevision = 0n, maxCount = Infinity }: ReadStreamOptions = {},
  ): AsyncIterable<RecordedEvent> {
    const stream = this.log.filter((event) => event.streamName === streamName);
    yield* stream.filter((event) => event.revision >= fromRevision).slice(0, maxCount);
  }

  async *subscribeToAll(options: SubscribeToAllOptions): AsyncIterable<SubscriptionMessage> {
    if (this.down) throw new EventStoreUnavailable('it is down');
    this.subscribedAfter.push(options.after);
    const connection = new AbortController();
    this.connections.add(connection);
    const ended = AbortSignal.any([options.signal, connection.signal]);
    ended.addEventListener('abort', () => this.wakeAll(), { once: true });
    const { after } = options;
    const isSeen = (event: RecordedEvent) => after !== 'start' && event.position <= after;
    try {
      let next = this.log.filter(isSeen).length;
      let caughtUp = false;
      while (!ended.aborted) {
        const event = this.log[next];
        if (event) {
          next += 1;
          yield isWanted(event, options)
            ? { kind: 'event', event }
            : { kind: 'checkpoint', position: event.position };
        } else if (!caughtUp) {
          caughtUp = true;
          yield { kind: 'caught-up' };
        } else {
          await new Promise<void>((resolve) => this.waiting.add(resolve));
        }
      }
      if (connection.signal.aborted && !options.signal.aborted) {
        throw new EventStoreUnavailable('the connection was cut');
      }
    } finally {
      this.connections.delete(connection);
    }
  }

  private wakeAll(): void {
    for (const wake of this.waiting) wake();
    this.waiting.clear();
  }

  async checkAvailable(): Promise<void> {
    if (this.down) throw new EventStoreUnavailable('it is down');
  }

  async close(): Promise<void> {
    this.disconnect({ stayDown: true });
  }
}

interface Fact {
  readonly type: string;
  readonly data: unknown;
}

function isWanted(event: RecordedEvent, options: SubscribeToAllOptions): boolean {
  return options.streamNamePrefixes.some((prefix) => event.streamName.startsWith(prefix));
}
