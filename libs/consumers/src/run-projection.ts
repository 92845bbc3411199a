import { backoffMs, LONGEST_RECONNECT_MS, pauseUnlessAborted } from '@app/event-store';
import type {
  EventReader,
  EventStore,
  LogPosition,
  RecordedEvent,
  SubscriptionMessage,
} from '@app/event-store';
import { inSpansAfter } from '@app/tracing';
import { DatabaseUnavailable, StatementRefused } from '@app/postgres';
import type { Database, NamedStatement, Queryable } from '@app/postgres';
import {
  CHECKPOINT_HELD,
  CheckpointMoved,
  lockCheckpoint,
  moveCheckpoint,
  readCheckpoint,
  takeBackToLastEvent,
} from './checkpoints.js';
import { consumeInBatches } from './consume-in-batches.js';
import {
  lockFailedEvent,
  recordFailures,
  settleFailedEvent,
  skippedPositions,
  streamsSetAside,
} from './failed-events.js';
import type { EventFailure, FailedEvent, FailingEvents } from './failed-events.js';
import { checkLog } from './log-match.js';
import { noting } from './noting.js';
import { factsOf, liveTable } from './projection.js';
import type { ProjectedEvent, Projection } from './projection.js';
import { FailedEventRetries } from './retry-failed-events.js';
import { runSubscription } from './run-subscription.js';

export interface ProjectionOptions<Event> {
  readonly projection: Projection<Event>;
  readonly store: EventStore;
  readonly codec: EventReader<Event>;
  readonly database: Database;
  /** Most events in one transaction. */
  readonly maxBatchSize?: number;
  /**
   * Pause after a batch that was not full, in milliseconds: rows that no reader waits for are cheaper in
   * larger batches. None while it catches up, and none when left out.
   */
  readonly lingerMs?: number;
  /** No process waits for its rows. */
  readonly isSilent?: boolean;
  /** Whether a process may wait until the rows have come past this event; all when left out. */
  isAwaited?(event: RecordedEvent): boolean;
  /** Ends the projection; a transaction under way is rolled back. */
  readonly signal: AbortSignal;
  /** Of the caller's leadership (see `whileLeader`): nothing is stored once another process leads. */
  readonly epoch?: bigint;
  readonly observer: ProjectionObserver;
  /** Whether a fault of the codec concerns all events: none is set aside for it. Faults of one event when left out. */
  concernsAll?(error: unknown): Promise<boolean>;
}

/** Called at every change of a projection; must not throw. */
export interface ProjectionObserver {
  /** Reading the log from after this position, at the start and after every interruption. */
  onSubscribed(position: LogPosition | 'start'): void;
  /** Rows and checkpoint are stored. */
  onAdvanced(progress: ProjectionAdvance): void;
  /** The rows show everything that was recorded before the subscription; what follows is news. */
  onCaughtUp(): void;
  /** Nothing was stored: the same events are tried again. */
  onFault(error: unknown, retryInMs: number): void;
  /** The event cannot be handled; it is set aside with what follows in its stream. */
  onSetAside(failure: EventFailure): void;
  /** A try of what was set aside was cut short by a database; the next one follows. */
  onRetryFault(error: unknown): void;
  /** What is set aside now; undefined when nothing is. */
  onFailing(failing: FailingEvents | undefined): void;
}

export interface ProjectionAdvance {
  readonly position: LogPosition;
  readonly events: number;
  /** When the newest of the events was recorded; nothing when there was only a checkpoint. */
  readonly newestRecordedAt: Date | undefined;
}

const DEFAULT_BATCH_SIZE = 500;
/** Most events of a stream that was set aside that are written at a time: batches wait, and all are held in memory. */
const MOST_LATE_EVENTS = 1_000;
/** Classes of SQLSTATE that speak of what was written: data, constraints, triggers. Others are the database's own. */
const FAULT_OF_WHAT_WAS_WRITTEN = /^(22|23|P0)/;

/**
 * Keeps a projection's rows up to date until the signal ends it: follows the log from the stored
 * checkpoint and stores rows and checkpoint of each batch in one transaction, so that neither a crash
 * nor a repeated delivery can make them differ.
 *
 * An event that cannot be handled sets its stream aside: the event is put on record (see failed-events.ts), it and all
 * that follow in the stream change no row, and every other stream goes on. It is tried again with back-off, until it
 * can be handled or an operator decides to leave it out; the rest of the stream follows then.
 *
 * Two processes that project under one name do no harm, but only one of them makes progress.
 */
export async function runProjection<Event>(options: ProjectionOptions<Event>): Promise<void> {
  await new ProjectionRun(options).run();
}

/** How far one subscription has delivered. */
interface Delivery {
  received: LogPosition | undefined;
  /** Where the store said that everything older had been delivered. */
  caughtUpFrom: LogPosition | undefined;
  caughtUp: boolean;
}

/** A stream was set aside for so long that it is written in portions; this event begins the next one. */
class RestFollows extends Error {
  override readonly name = 'RestFollows';

  constructor() {
    super('the events before it were written, it is next');
  }
}

/** An event that was read, or why it cannot be; without a fact when it changes no row. */
interface ReadEvent<Event> {
  readonly event: RecordedEvent;
  readonly facts: readonly ProjectedEvent<Event>[];
  readonly error?: unknown;
}

class ProjectionRun<Event> {
  private stored: LogPosition | 'start' = 'start';
  private delivery = newDelivery();
  private failuresInARow = 0;
  private reported: unknown;
  private isTakenBack = false;
  /** Names of the streams that are set aside. */
  private aside: Set<string> = new Set();
  /** The stream that is read to be tried again; events that were set aside meanwhile are missing from what was read. */
  private retrying: { readonly streamName: string; isOvertaken: boolean } | undefined;
  private underWay: Promise<void> = Promise.resolve();
  private readonly retries: FailedEventRetries;

  constructor(private readonly options: ProjectionOptions<Event>) {
    const { database, projection, signal, observer } = options;
    this.retries = new FailedEventRetries({
      database,
      consumer: projection.name,
      places: 1,
      signal,
      retry: (failed) => this.retry(failed),
      onWaiting: (failing) => observer.onFailing(failing),
      onFault: (error) => observer.onRetryFault(error),
    });
  }

  async run(): Promise<void> {
    const { projection, store, signal, observer } = this.options;
    const consume = consumeInBatches({
      maxBatchSize: this.options.maxBatchSize ?? DEFAULT_BATCH_SIZE,
      handle: (batch) => this.handle(batch.events, batch.position),
      mayBePutOff: (message) => this.mayBePutOff(message),
    });
    const following = runSubscription({
      name: projection.name,
      store,
      streamNamePrefixes: projection.streamNamePrefixes,
      readCheckpoint: () => this.alone(() => this.readCheckpoint()),
      consume: (messages) => {
        const { delivery } = this;
        return consume(noting(messages, (message) => this.note(message, delivery)));
      },
      signal,
      onFault: (error, retryInMs) => {
        if (error !== this.reported) observer.onFault(error, retryInMs);
      },
    });
    await Promise.all([following, this.retries.run()]);
  }

  /** Moves the checkpoint only, and nothing hangs on that. */
  private mayBePutOff(message: SubscriptionMessage): boolean {
    const { projection, isAwaited } = this.options;
    if (isAwaited === undefined || message.kind === 'caught-up') return false;
    if (message.kind === 'checkpoint') return true;
    return !projection.eventTypes.has(message.event.type) && !isAwaited(message.event);
  }

  /** One at a time: batches, tries of what was set aside, and new subscriptions. */
  private async alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const before = this.underWay;
    let done: () => void = () => undefined;
    this.underWay = new Promise((resolve) => (done = resolve));
    await before;
    try {
      return await work();
    } finally {
      done();
    }
  }

  private async readCheckpoint(): Promise<LogPosition | 'start'> {
    const { database, projection, store, observer } = this.options;
    await checkLog(store, database, projection.name);
    if (!this.isTakenBack) await takeBackToLastEvent(database, projection.name);
    this.isTakenBack = true;
    this.stored = await readCheckpoint(database, projection.name);
    // After the checkpoint: what is set aside is put on record in the transaction that moves it.
    this.aside = new Set((await streamsSetAside(database, projection.name)).keys());
    this.delivery = newDelivery();
    observer.onSubscribed(this.stored);
    return this.stored;
  }

  private note(message: SubscriptionMessage, delivery: Delivery): void {
    if (message.kind === 'event') delivery.received = message.event.position;
    else if (message.kind === 'checkpoint') delivery.received = message.position;
    else {
      delivery.caughtUpFrom = delivery.received ?? BEFORE_EVERYTHING;
      this.noteCaughtUp(delivery);
    }
  }

  private async handle(events: readonly RecordedEvent[], position: LogPosition): Promise<void> {
    try {
      // What is caught up with is no news, and may be the whole log.
      const traced = this.delivery.caughtUp ? events : [];
      await inSpansAfter(`projection ${this.options.projection.name}`, traced, () =>
        this.alone(() => this.storeBatch(events, position)),
      );
      this.failuresInARow = 0;
      this.noteCaughtUp(this.delivery);
      await this.linger(events.length);
    } catch (error) {
      await this.pauseAfter(error);
      throw error;
    }
  }

  /** The subscription's own back-off starts anew with every message it receives. */
  private async pauseAfter(error: unknown): Promise<void> {
    const { signal, observer } = this.options;
    if (signal.aborted) return;
    this.failuresInARow += 1;
    const retryInMs = backoffMs(this.failuresInARow, LONGEST_RECONNECT_MS);
    this.reported = error;
    observer.onFault(error, retryInMs);
    await pauseUnlessAborted(retryInMs, signal);
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
    const wanted = fresh.filter((event) => !this.isSetAside(event));
    try {
      const { projection } = this.options;
      const facts = await factsOf(this.options.codec, projection, wanted);
      const single =
        facts.length > 0 && this.stored !== 'start'
          ? projection.singleWrite?.(liveTable(projection), facts)
          : undefined;
      await this.store(
        fresh,
        position,
        async (transaction, table) => {
          await projection.write(transaction, table, facts);
          return [];
        },
        facts.length > 0 ? (single ?? 'transaction') : undefined,
      );
    } catch (error) {
      if (wanted.length === 0 || !(await this.isFaultOfAnEvent(error))) throw error;
      await this.storeOneByOne(fresh, wanted, position);
    }
  }

  private isSetAside({ streamName }: RecordedEvent): boolean {
    if (!this.aside.has(streamName)) return false;
    if (this.retrying?.streamName === streamName) this.retrying.isOvertaken = true;
    return true;
  }

  /** Stores all that can be, and sets aside the streams of the rest. */
  private async storeOneByOne(
    fresh: readonly RecordedEvent[],
    wanted: readonly RecordedEvent[],
    position: LogPosition,
  ): Promise<void> {
    const { database, projection } = this.options;
    const skipped = await skippedPositions(database, projection.name);
    const read: ReadEvent<Event>[] = [];
    for (const event of wanted) {
      if (!skipped.has(event.position)) read.push(await this.read(event));
    }
    await this.store(
      fresh,
      position,
      (transaction, table) => this.writeEach(transaction, table, read),
      'transaction',
    );
  }

  private async read(event: RecordedEvent): Promise<ReadEvent<Event>> {
    const { codec, projection } = this.options;
    try {
      return { event, facts: await factsOf(codec, projection, [event]) };
    } catch (error) {
      if (!(await this.isFaultOfAnEvent(error))) throw error;
      return { event, facts: [], error };
    }
  }

  /** @returns what could not be written, one event of a stream; nothing that follows in the stream was written */
  private async writeEach(
    transaction: Queryable,
    table: string,
    read: readonly ReadEvent<Event>[],
    isLate = false,
  ): Promise<EventFailure[]> {
    const failures = new Map<string, EventFailure>();
    const readable = read.filter(({ event, error }) => {
      if (error !== undefined && !failures.has(event.streamName)) {
        failures.set(event.streamName, { event, error });
      }
      return !failures.has(event.streamName);
    });
    const all = readable.flatMap(({ facts }) => facts);
    if (await this.faultOfWriting(transaction, table, all, isLate)) {
      for (const { event, facts } of readable) {
        const { streamName } = event;
        const before = failures.get(streamName);
        if (before && before.event.position < event.position) continue;
        const error = await this.faultOfWriting(transaction, table, facts, isLate);
        if (error !== undefined) failures.set(streamName, { event, error });
      }
    }
    return [...failures.values()];
  }

  private async faultOfWriting(
    transaction: Queryable,
    table: string,
    facts: readonly ProjectedEvent<Event>[],
    isLate: boolean,
  ): Promise<unknown> {
    if (facts.length === 0) return undefined;
    await transaction.query({ text: 'savepoint before_event' });
    try {
      await this.options.projection.write(transaction, table, facts, isLate);
    } catch (error) {
      if (!(await this.isFaultOfAnEvent(error))) throw error;
      await transaction.query({ text: 'rollback to savepoint before_event' });
      return error;
    }
    await transaction.query({ text: 'release savepoint before_event' });
    return undefined;
  }

  /**
   * @param write returns the events that it could not write
   * @param by what writes: a transaction, or one statement in place of it; undefined where there is nothing to write
   */
  private async store(
    events: readonly RecordedEvent[],
    position: LogPosition,
    write: (transaction: Queryable, table: string) => Promise<readonly EventFailure[]>,
    by: 'transaction' | NamedStatement | undefined,
  ): Promise<void> {
    const { database, projection, signal, epoch, observer, isSilent } = this.options;
    signal.throwIfAborted();
    const lastEvent = events.at(-1);
    const move = (on: Queryable, single?: NamedStatement) =>
      moveCheckpoint(on, projection.name, this.stored, position, {
        lastEvent,
        epoch,
        write: single,
        isSilent,
      });
    let failures: readonly EventFailure[] = [];
    if (by === 'transaction') {
      await database.inTransaction(async (transaction) => {
        // First, because its lock keeps a rival of the same name from writing a single row.
        await move(transaction);
        failures = await write(transaction, liveTable(projection));
        await recordFailures(transaction, projection.name, failures);
        signal.throwIfAborted();
      }, 'deferred');
    } else {
      try {
        // A statement alone is a transaction.
        await move(database, by);
      } catch (error) {
        if (!(error instanceof StatementRefused) || error.sqlState !== CHECKPOINT_HELD) throw error;
        return this.store(events, position, write, 'transaction');
      }
    }
    this.stored = position;
    this.setAside(failures);
    observer.onAdvanced({
      position,
      events: events.length,
      newestRecordedAt: lastEvent?.recordedAt,
    });
  }

  private setAside(failures: readonly EventFailure[]): void {
    for (const failure of failures) {
      this.aside.add(failure.event.streamName);
      this.options.observer.onSetAside(failure);
      this.retries.expect();
    }
  }

  /**
   * Writes what was set aside, from the event that failed on, as far as it can be written. An operator may have decided
   * to leave that event out.
   */
  private async retry(failed: FailedEvent): Promise<'later' | undefined> {
    // Not before the checkpoint was read.
    if (!this.aside.has(failed.streamName)) return 'later';
    const { streamName } = failed;
    const retrying = (this.retrying = { streamName, isOvertaken: false });
    const read = await this.readAgain(failed);
    return this.alone(async () => {
      if (retrying.isOvertaken) return 'later';
      await this.writeAgain(failed, read);
      return undefined;
    });
  }

  private async readAgain({ streamName, revision, position, status }: FailedEvent) {
    const read: ReadEvent<Event>[] = [];
    const events = this.options.store.readStream(streamName, {
      fromRevision: revision,
      maxCount: MOST_LATE_EVENTS + 1,
    });
    for await (const event of events) {
      if (event.position === position && status === 'skipped') continue;
      const one = await this.read(event);
      read.push(one);
      // What follows cannot be written in any case.
      if (one.error !== undefined) break;
    }
    return read;
  }

  private async writeAgain(failed: FailedEvent, read: readonly ReadEvent<Event>[]): Promise<void> {
    const { database, projection } = this.options;
    let isAside = true;
    await database.inTransaction(async (transaction) => {
      if ((await lockCheckpoint(transaction, projection.name)) !== this.stored) {
        throw new CheckpointMoved(projection.name, this.stored);
      }
      if (!(await lockFailedEvent(transaction, failed))) return;
      const passed = read.filter(({ event }) => event.position <= this.storedPosition());
      const rest = passed[MOST_LATE_EVENTS]?.event;
      const late = passed.slice(0, MOST_LATE_EVENTS);
      const failures = await this.writeEach(transaction, liveTable(projection), late, true);
      if (failures.length === 0 && rest) failures.push({ event: rest, error: new RestFollows() });
      if (failures[0]?.event.position !== failed.position) {
        await settleFailedEvent(transaction, failed);
      }
      await recordFailures(transaction, projection.name, failures);
      isAside = failures.length > 0;
    });
    if (!isAside) this.aside.delete(failed.streamName);
  }

  private async isFaultOfAnEvent(error: unknown): Promise<boolean> {
    const { signal, concernsAll } = this.options;
    if (
      signal.aborted ||
      error instanceof DatabaseUnavailable ||
      error instanceof CheckpointMoved ||
      (error instanceof StatementRefused && !FAULT_OF_WHAT_WAS_WRITTEN.test(error.sqlState))
    ) {
      return false;
    }
    return !(await concernsAll?.(error));
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
