import { randomUUID } from 'node:crypto';
import { EventStoreUnavailable, backoffMs, pauseUnlessAborted, positionOf } from '@app/event-store';
import type {
  EventReader,
  EventStore,
  LogPosition,
  RecordedEvent,
  StreamRevision,
} from '@app/event-store';
import { lockCheckpoint, readCheckpoint } from '../checkpoints.js';
import { StatementRefused } from '@app/postgres';
import type { Database, Queryable, Session } from '@app/postgres';
import { faultText, skippedPositions, streamsSetAside } from '../failed-events.js';
import { factsOf, liveTable } from '../projection.js';
import type { Projection, ProjectedEvent } from '../projection.js';
import { AsideTable, digestOf } from './aside-table.js';
import type { TableDigest } from './aside-table.js';
import {
  insertRebuild,
  markAbandoned,
  rebuildLock,
  saveRebuildOutcome,
  saveRebuildProgress,
} from './rebuild-records.js';

export interface RebuildOptions<Event> {
  readonly projection: Projection<Event>;
  readonly store: EventStore;
  readonly codec: EventReader<Event>;
  /** Its statements may run for minutes: indexes, comparison. */
  readonly database: Database;
  /** Who asked for it, for the record. */
  readonly startedBy: string;
  /** Switch although the new rows differ from the old: after a change of the projection's code, say. */
  readonly switchWhenDifferent: boolean;
  readonly signal: AbortSignal;
  /** So many events that change rows are written at a time. */
  readonly batchSize?: number;
}

export interface RebuildOutcome {
  /** `different`: the rows that were there before go on serving. */
  readonly state: 'switched' | 'different';
  readonly events: number;
  /** Milliseconds spent on reading and writing events, without indexes and comparison. */
  readonly fillingMs: number;
  readonly before: TableDigest;
  readonly after: TableDigest;
}

/** Another rebuild of this projection is under way. */
export class RebuildRunning extends Error {
  constructor(readonly projection: string) {
    super(`a rebuild of ${projection} is under way`);
    this.name = 'RebuildRunning';
  }
}

/** The projection has never stored anything: there is nothing to compare with or to take the place of. */
export class NothingToRebuild extends Error {
  constructor(readonly projection: string) {
    super(`${projection} has not projected anything yet`);
    this.name = 'NothingToRebuild';
  }
}

const DEFAULT_BATCH_SIZE = 5_000;
/**
 * Recorded events are large, and what waits for the database is moved about by the garbage collector: they are
 * made into facts in small portions.
 */
const MOST_DECODED_AT_A_TIME = 250;
/** A stretch of the log with nothing to write moves the checkpoint as well. */
const MOST_READ_UNWRITTEN = 50_000;
const PROGRESS_INTERVAL_MS = 1_000;
/** The rest of the log is read under the lock when the pass before took no longer than this. */
const SHORT_PASS_MS = 250;
const MOST_PASSES = 100;
const MOST_FAULTS_IN_A_ROW = 8;
const MOST_SWITCH_TRIES = 20;
/** Readers queue behind the switch, so it gives up early and tries again. */
const SWITCH_LOCK_TIMEOUT = '500ms';
const LOCK_NOT_AVAILABLE = '55P03';
const NO_ROWS: TableDigest = { rows: 0n, checksum: '0' };

/**
 * One rebuild of a projection's rows while the old ones serve.
 *
 * The rows are built in a table aside, up to where the projection itself has come; the two tables are
 * compared at one position of the log; then, in one transaction that holds the projection's checkpoint, the
 * last events are added and the tables change places. Readers see the old rows or the new, and never
 * fewer. Killed at any moment before that commit, it leaves the old rows as they were. A live table that is lost is
 * made anew from the definition that was kept of it, and compared with nothing.
 */
export class ProjectionRebuild<Event> {
  private readonly aside: AsideTable;
  private readonly stopping = new AbortController();
  private readonly signal: AbortSignal;
  private reached: LogPosition | 'start' = 'start';
  /** Streams that the projection has set aside, and from which revision on their events were left out here. */
  private leftOut: ReadonlyMap<string, StreamRevision> = new Map();
  private events = 0;
  private fillingMs = 0;
  private savedAt = 0;
  private startedAt: number | undefined;

  private constructor(
    private readonly options: RebuildOptions<Event>,
    private readonly lock: Session,
    readonly rebuildId: string,
  ) {
    this.aside = new AsideTable(options.projection);
    this.signal = AbortSignal.any([options.signal, this.stopping.signal]);
    lock.onLost((error) => this.stopping.abort(error));
  }

  /**
   * Makes sure that no other rebuild of the projection is under way, in any process.
   *
   * @throws RebuildRunning, NothingToRebuild, DatabaseUnavailable
   */
  static async begin<Event>(options: RebuildOptions<Event>): Promise<ProjectionRebuild<Event>> {
    const { database, projection, startedBy } = options;
    const lock = await database.openSession(rebuildLock(projection.name));
    try {
      const { rows } = await lock.query<{ locked: boolean }>({
        text: 'select pg_try_advisory_lock(hashtextextended($1, 0)) as locked',
        values: [rebuildLock(projection.name)],
      });
      if (!rows[0]?.locked) throw new RebuildRunning(projection.name);
      await markAbandoned(database, projection.name);
      if ((await readCheckpoint(database, projection.name)) === 'start') {
        throw new NothingToRebuild(projection.name);
      }
      const rebuildId = randomUUID();
      await insertRebuild(database, { rebuildId, projection: projection.name, startedBy });
      return new ProjectionRebuild(options, lock, rebuildId);
    } catch (error) {
      await lock.close();
      throw error;
    }
  }

  /**
   * @throws what stood in the way; the old rows go on serving, and the record says why
   */
  async run(): Promise<RebuildOutcome> {
    try {
      return await this.rebuild();
    } catch (error) {
      await this.recordFailure(error).catch((unrecorded: unknown) => {
        const message = 'a rebuild failed, and could not be put on record';
        throw new AggregateError([error, unrecorded], message);
      });
      throw error;
    } finally {
      await this.lock.close();
    }
  }

  private async recordFailure(cause: unknown): Promise<void> {
    const { database } = this.options;
    await saveRebuildOutcome(database, this.rebuildId, {
      state: 'failed',
      error: faultText(cause),
    });
    await this.aside.drop(database);
  }

  private async rebuild(): Promise<RebuildOutcome> {
    const { database, switchWhenDifferent } = this.options;
    await this.aside.create(database);
    await this.fillToCheckpoint();
    await this.aside.index(database);
    await this.fillUntilClose();
    await this.saveProgress('comparing', this.reached);
    const isLost = await this.aside.isLiveLost(database);
    const comparison = await this.compare(isLost);
    const { before, after } = comparison;
    const same = before.rows === after.rows && before.checksum === after.checksum;
    const state = same || isLost || switchWhenDifferent ? 'switched' : 'different';
    if (state === 'switched') await this.switchTables(comparison);
    else {
      await saveRebuildOutcome(database, this.rebuildId, { state, ...comparison });
      await this.aside.drop(database);
    }
    return { state, events: this.events, fillingMs: this.fillingMs, before, after };
  }

  /** Adds what the projection has projected meanwhile, until one pass takes only a moment. */
  private async fillUntilClose(): Promise<void> {
    for (let pass = 0; pass < MOST_PASSES; pass++) {
      if ((await this.fillToCheckpoint()) <= SHORT_PASS_MS) return;
    }
    throw new Error('the log grows faster than it can be read');
  }

  /** @returns milliseconds it took */
  private async fillToCheckpoint(): Promise<number> {
    const { database, projection } = this.options;
    const checkpoint = await readCheckpoint(database, projection.name);
    const before = this.fillingMs;
    if (checkpoint !== 'start') await this.fillTo(checkpoint);
    return this.fillingMs - before;
  }

  /** Adds everything up to the position; the event store may be gone for a while meanwhile. */
  private async fillTo(target: LogPosition): Promise<void> {
    const { database } = this.options;
    for (let faults = 0; ; faults++) {
      const before = this.reached;
      try {
        await this.fill(target, (work) => database.inTransaction(work, 'deferred'));
        return;
      } catch (error) {
        if (!(error instanceof EventStoreUnavailable)) throw error;
        if (this.reached !== before) faults = 0;
        if (faults >= MOST_FAULTS_IN_A_ROW) throw error;
        await pauseUnlessAborted(backoffMs(faults), this.signal);
        this.signal.throwIfAborted();
      }
    }
  }

  private async fill(target: LogPosition, inTransaction: InTransaction): Promise<void> {
    const { store, codec, projection, database, batchSize = DEFAULT_BATCH_SIZE } = this.options;
    const startedAt = performance.now();
    const skipped = await skippedPositions(database, projection.name);
    const setAside = await streamsSetAside(database, projection.name);
    await this.addWhatWasLeftOut(setAside, skipped, inTransaction);
    if (this.hasReached(target)) return;
    // One write at a time, while what comes next is gathered. One that failed fails the next step.
    let writing = Promise.resolve();
    const mostDecoded = Math.min(batchSize, MOST_DECODED_AT_A_TIME);
    let read: RecordedEvent[] = [];
    let facts: ProjectedEvent<Event>[] = [];
    let events = 0;
    const decode = async () => {
      this.signal.throwIfAborted();
      const wanted = read.filter(
        ({ position, revision, streamName }) =>
          !skipped.has(position) && !(revision >= (setAside.get(streamName) ?? Infinity)),
      );
      events += read.length;
      read = [];
      facts.push(...(await factsOf(codec, projection, wanted)));
    };
    const add = async (
      gathered: readonly ProjectedEvent<Event>[],
      from: number,
      position: LogPosition,
    ) => {
      this.signal.throwIfAborted();
      await inTransaction((writer) => projection.write(writer, this.aside.name, gathered));
      this.reached = position;
      this.events += from;
      await this.saveProgress('building', target);
    };
    const write = async (position: LogPosition) => {
      await decode();
      const [gathered, from] = [facts, events];
      facts = [];
      events = 0;
      await writing;
      writing = add(gathered, from, position);
      // It may fail before the next step waits for it.
      writing.catch(() => undefined);
    };
    const { streamNamePrefixes } = projection;
    const { signal, reached: after } = this;
    try {
      for await (const message of store.subscribeToAll({ after, streamNamePrefixes, signal })) {
        if (message.kind === 'caught-up') break;
        const position = positionOf(message);
        if (position > target) break;
        if (message.kind === 'event') read.push(message.event);
        if (read.length >= mostDecoded) await decode();
        if (facts.length >= batchSize || events >= MOST_READ_UNWRITTEN) await write(position);
        if (position === target) break;
      }
      await write(target);
      await writing;
      this.reached = target;
    } finally {
      await Promise.allSettled([writing]);
      this.fillingMs += performance.now() - startedAt;
    }
  }

  /** The projection could handle meanwhile, wholly or in part, what it had set aside when it was left out here. */
  private async addWhatWasLeftOut(
    setAside: ReadonlyMap<string, StreamRevision>,
    skipped: ReadonlySet<LogPosition>,
    inTransaction: InTransaction,
  ): Promise<void> {
    const { store, codec, projection } = this.options;
    for (const [streamName, fromRevision] of this.leftOut) {
      const end = setAside.get(streamName) ?? Infinity;
      const late: RecordedEvent[] = [];
      for await (const event of store.readStream(streamName, { fromRevision })) {
        if (!this.hasReached(event.position) || event.revision >= end) break;
        if (!skipped.has(event.position)) late.push(event);
      }
      const facts = await factsOf(codec, projection, late);
      if (facts.length === 0) continue;
      await inTransaction((writer) => projection.write(writer, this.aside.name, facts, true));
    }
    this.leftOut = setAside;
  }

  private hasReached(position: LogPosition): boolean {
    return this.reached !== 'start' && this.reached >= position;
  }

  private async saveProgress(
    state: 'building' | 'comparing',
    target: LogPosition | 'start',
  ): Promise<void> {
    if (target === 'start') return;
    const now = performance.now();
    if (state === 'building' && now - this.savedAt < PROGRESS_INTERVAL_MS) return;
    this.savedAt = now;
    this.startedAt ??= now;
    const seconds = (now - this.startedAt) / 1_000;
    await saveRebuildProgress(this.options.database, this.rebuildId, {
      state,
      events: this.events,
      eventsPerSecond: seconds > 0 ? this.events / seconds : 0,
      position: this.reached === 'start' ? undefined : this.reached,
      target,
    });
  }

  /**
   * Both tables as they are at one and the same position.
   *
   * @param isLost there is nothing to compare with, and nothing to lose
   */
  private async compare(isLost: boolean): Promise<Comparison> {
    const { database, projection } = this.options;
    const live = await database.inTransaction(async (transaction) => {
      await transaction.query({ text: 'set transaction isolation level repeatable read' });
      const comparedAt = await readCheckpoint(transaction, projection.name);
      if (comparedAt === 'start') throw new NothingToRebuild(projection.name);
      const before = isLost ? NO_ROWS : await digestOf(transaction, liveTable(projection));
      return { comparedAt, before };
    });
    await this.fillTo(live.comparedAt);
    return { ...live, after: await digestOf(database, this.aside.name) };
  }

  private async switchTables(comparison: Comparison): Promise<void> {
    for (let tries = 1; ; tries++) {
      await this.fillUntilClose();
      const { reached, leftOut } = this;
      try {
        await this.trySwitch(comparison);
        return;
      } catch (error) {
        // The transaction was rolled back, and with it what it had added.
        this.reached = reached;
        this.leftOut = leftOut;
        const worthAnotherTry =
          error instanceof EventStoreUnavailable ||
          (error instanceof StatementRefused && error.sqlState === LOCK_NOT_AVAILABLE);
        if (!worthAnotherTry || tries >= MOST_SWITCH_TRIES) throw error;
        await pauseUnlessAborted(backoffMs(1), this.signal);
        this.signal.throwIfAborted();
      }
    }
  }

  private async trySwitch(comparison: Comparison): Promise<void> {
    const { database, projection } = this.options;
    await database.inTransaction(async (transaction) => {
      await transaction.query({ text: `set local lock_timeout = '${SWITCH_LOCK_TIMEOUT}'` });
      // Holds the projection: it moves this row first in each of its transactions.
      const checkpoint = await lockCheckpoint(transaction, projection.name);
      if (checkpoint === 'start') throw new NothingToRebuild(projection.name);
      await this.fill(checkpoint, (work) => work(transaction));
      await this.aside.takePlace(transaction);
      await saveRebuildOutcome(transaction, this.rebuildId, { state: 'switched', ...comparison });
    });
  }
}

type InTransaction = (work: (writer: Queryable) => Promise<void>) => Promise<void>;

interface Comparison {
  readonly comparedAt: LogPosition;
  readonly before: TableDigest;
  readonly after: TableDigest;
}
