import { backoffMs, pauseUnlessAborted } from '@app/event-store';
import { consumeInBatches } from './consume-in-batches.js';
import { runSubscription } from './run-subscription.js';
import type {
  EventCodec,
  EventStore,
  LogPosition,
  RecordedEvent,
  SubscriptionMessage,
} from '@app/event-store';
import {
  CheckpointMoved,
  moveCheckpoint,
  readCheckpoint,
  takeBackToLastEvent,
} from './checkpoints.js';
import type { HandledEvent } from './checkpoints.js';
import { DatabaseUnavailable } from '@app/postgres';
import type { Database, Queryable } from '@app/postgres';
import {
  isDecided,
  recordFailedEvent,
  resolveFailedEvents,
  skippedPositions,
} from './failed-events.js';
import { checkLog } from './log-match.js';
import { concerns, factsOf, liveTable } from './projection.js';
import type { Projection } from './projection.js';

export interface ProjectionOptions<Event> {
  readonly projection: Projection<Event>;
  readonly store: EventStore;
  readonly codec: Pick<EventCodec<Event>, 'decode'>;
  readonly database: Database;
  /** Most events in one transaction. */
  readonly maxBatchSize?: number;
  /**
   * Pause after a batch that was not full, in milliseconds: rows that no reader waits for are cheaper in
   * larger batches. None while it catches up, and none when left out.
   */
  readonly lingerMs?: number;
  /** Ends the projection; a transaction under way is rolled back. */
  readonly signal: AbortSignal;
  readonly observer: ProjectionObserver;
}

/** Called at every change of a projection; must not throw. */
export interface ProjectionObserver {
  /** Reading the log from after this position, at the start and after every interruption. */
  onSubscribed(position: LogPosition | 'start'): void;
  /** Rows and checkpoint are stored. */
  onAdvanced(progress: ProjectionAdvance): void;
  /** The rows show everything that was recorded before the subscription; what follows is news. */
  onCaughtUp(): void;
  /** Nothing was stored and nothing is skipped: the same events are tried again. */
  onFault(error: unknown, retryInMs: number): void;
}

export interface ProjectionAdvance {
  readonly position: LogPosition;
  readonly events: number;
  /** When the newest of the events was recorded; nothing when there was only a checkpoint. */
  readonly newestRecordedAt: Date | undefined;
}

const DEFAULT_BATCH_SIZE = 500;
/** How often an operator's decision is looked for while the projection stands in front of an event. */
const DECISION_POLL_MS = 250;

/**
 * Keeps a projection's rows up to date until the signal ends it: follows the log from the stored
 * checkpoint and stores rows and checkpoint of each batch in one transaction, so that neither a crash
 * nor a repeated delivery can make them differ. An event that cannot be handled stops the projection in
 * front of it and is recorded (see failed-events.ts); it is tried again with back-off, until it can be
 * handled or an operator decides to leave it out.
 *
 * Two processes that project under one name do no harm, but only one of them makes progress.
 */
export async function runProjection<Event>(options: ProjectionOptions<Event>): Promise<void> {
  await new ProjectionRun(options).run();
}

/** The projection cannot get past this event. The reason is the error's cause. */
export class EventNotProjected extends Error {
  /** Without its data: errors end up in logs. */
  readonly event: NamedEvent;

  constructor(
    readonly projection: string,
    { type, streamName, revision, position }: NamedEvent,
    cause: unknown,
  ) {
    super(
      `projection ${projection} stands in front of ${type}, revision ${revision} of ` +
        `${streamName} at position ${position}: ${reasonOf(cause)}`,
      { cause },
    );
    this.name = 'EventNotProjected';
    this.event = { type, streamName, revision, position };
  }
}

type NamedEvent = Pick<RecordedEvent, 'type' | 'streamName' | 'revision' | 'position'>;

/** How far one subscription has delivered. */
interface Delivery {
  received: LogPosition | undefined;
  /** Where the store said that everything older had been delivered. */
  caughtUpFrom: LogPosition | undefined;
  caughtUp: boolean;
}

class ProjectionRun<Event> {
  private stored: LogPosition | 'start' = 'start';
  private delivery = newDelivery();
  private failuresInARow = 0;
  private reported: unknown;
  /** Events may be on record as failing, by us or by a process before us. */
  private mayHaveFailed = true;
  private isTakenBack = false;

  constructor(private readonly options: ProjectionOptions<Event>) {}

  async run(): Promise<void> {
    const { projection, store, signal, observer } = this.options;
    const consume = consumeInBatches({
      maxBatchSize: this.options.maxBatchSize ?? DEFAULT_BATCH_SIZE,
      handle: (batch) => this.handle(batch.events, batch.position),
    });
    await runSubscription({
      name: projection.name,
      store,
      streamNamePrefixes: projection.streamNamePrefixes,
      readCheckpoint: () => this.readCheckpoint(),
      consume: (messages) => consume(this.noting(messages, this.delivery)),
      signal,
      onFault: (error, retryInMs) => {
        if (error !== this.reported) observer.onFault(error, retryInMs);
      },
    });
  }

  private async readCheckpoint(): Promise<LogPosition | 'start'> {
    const { database, projection, store, observer } = this.options;
    await checkLog(store, database, projection.name);
    if (!this.isTakenBack) await takeBackToLastEvent(database, projection.name);
    this.isTakenBack = true;
    this.stored = await readCheckpoint(database, projection.name);
    this.delivery = newDelivery();
    observer.onSubscribed(this.stored);
    return this.stored;
  }

  private async *noting(
    messages: AsyncIterable<SubscriptionMessage>,
    delivery: Delivery,
  ): AsyncIterable<SubscriptionMessage> {
    for await (const message of messages) {
      if (message.kind === 'event') delivery.received = message.event.position;
      else if (message.kind === 'checkpoint') delivery.received = message.position;
      else {
        delivery.caughtUpFrom = delivery.received ?? BEFORE_EVERYTHING;
        this.noteCaughtUp(delivery);
      }
      yield message;
    }
  }

  private async handle(events: readonly RecordedEvent[], position: LogPosition): Promise<void> {
    try {
      await this.storeBatch(events, position);
      this.failuresInARow = 0;
      this.noteCaughtUp(this.delivery);
      await this.linger(events.length);
    } catch (error) {
      await this.pauseAfter(error);
      throw error;
    }
  }

  /**
   * The subscription's own back-off starts anew with every message it receives, and an event that
   * cannot be handled is received again each time.
   */
  private async pauseAfter(error: unknown): Promise<void> {
    const { signal, observer } = this.options;
    if (signal.aborted) return;
    this.failuresInARow += 1;
    const retryInMs = backoffMs(this.failuresInARow);
    this.reported = error;
    observer.onFault(error, retryInMs);
    if (error instanceof EventNotProjected) {
      await this.pauseUnlessDecided(error.event.position, retryInMs);
    } else {
      await pauseUnlessAborted(retryInMs, signal);
    }
  }

  /** An operator who decides about the event is not kept waiting. */
  private async pauseUnlessDecided(position: LogPosition, milliseconds: number): Promise<void> {
    const { database, projection, signal } = this.options;
    const deadline = Date.now() + milliseconds;
    for (let left = milliseconds; left > 0 && !signal.aborted; left = deadline - Date.now()) {
      await pauseUnlessAborted(Math.min(DECISION_POLL_MS, left), signal);
      // The database may answer at the next look; the pause ends anyhow.
      const decided = await isDecided(database, projection.name, position).catch(() => false);
      if (decided) return;
    }
  }

  private async linger(events: number): Promise<void> {
    const { lingerMs = 0, maxBatchSize = DEFAULT_BATCH_SIZE, signal } = this.options;
    if (lingerMs === 0 || events >= maxBatchSize || !this.delivery.caughtUp) return;
    await pauseUnlessAborted(lingerMs, signal);
  }

  private async storeBatch(events: readonly RecordedEvent[], position: LogPosition): Promise<void> {
    const stored = this.storedPosition();
    if (position <= stored) return;
    const fresh = events.filter((event) => event.position > stored);
    try {
      await this.store(fresh, position, fresh.at(-1));
    } catch (error) {
      if (!this.isFaultOfAnEvent(error) || fresh.length === 0) throw error;
      await this.storeOneByOne(fresh);
    }
  }

  /** Everything in front of the event that cannot be handled is stored, and the event is named. */
  private async storeOneByOne(events: readonly RecordedEvent[]): Promise<void> {
    const { database, projection } = this.options;
    const skipped = await skippedPositions(database, projection.name);
    for (const event of events) {
      try {
        await this.store(skipped.has(event.position) ? [] : [event], event.position, event);
      } catch (error) {
        if (!this.isFaultOfAnEvent(error)) throw error;
        this.mayHaveFailed = true;
        await recordFailedEvent(database, projection.name, event, reasonOf(error));
        throw new EventNotProjected(projection.name, event, error);
      }
    }
  }

  private async store(
    events: readonly RecordedEvent[],
    position: LogPosition,
    lastEvent: HandledEvent | undefined,
  ): Promise<void> {
    const { database, projection, codec, signal, observer } = this.options;
    const facts = await factsOf(codec, events);
    signal.throwIfAborted();
    const move = (by: Queryable) =>
      moveCheckpoint(by, projection.name, this.stored, position, lastEvent);
    if (events.some((event) => concerns(projection, event))) {
      await database.inTransaction(
        async (transaction) => {
          // First, because its lock keeps a rival of the same name from writing a single row.
          await move(transaction);
          await projection.write(transaction, liveTable(projection), facts);
          signal.throwIfAborted();
        },
        { durability: 'deferred' },
      );
    } else {
      // Where nothing is written, the checkpoint needs no transaction around it.
      await move(database);
    }
    this.stored = position;
    observer.onAdvanced({
      position,
      events: events.length,
      newestRecordedAt: events.at(-1)?.recordedAt,
    });
    await this.resolveFailures(position);
  }

  private async resolveFailures(position: LogPosition): Promise<void> {
    if (!this.mayHaveFailed) return;
    await resolveFailedEvents(this.options.database, this.options.projection.name, position);
    this.mayHaveFailed = false;
  }

  private isFaultOfAnEvent(error: unknown): boolean {
    return !(
      this.options.signal.aborted ||
      error instanceof DatabaseUnavailable ||
      error instanceof CheckpointMoved
    );
  }

  private noteCaughtUp(delivery: Delivery): void {
    if (delivery.caughtUp || delivery.caughtUpFrom === undefined) return;
    if (delivery !== this.delivery || this.storedPosition() < delivery.caughtUpFrom) return;
    delivery.caughtUp = true;
    this.options.observer.onCaughtUp();
  }

  private storedPosition(): LogPosition {
    return this.stored === 'start' ? BEFORE_EVERYTHING : this.stored;
  }
}

const BEFORE_EVERYTHING: LogPosition = -1n;

function newDelivery(): Delivery {
  return { received: undefined, caughtUpFrom: undefined, caughtUp: false };
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
}
