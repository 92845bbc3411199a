import type { AccountEvent, AccountEventType } from '@app/accounts';
import { accountIdOfStream } from '@app/accounts';
import {
  checkLog,
  consumeInWindow,
  faultText,
  FailedEventRetries,
  readCheckpoint,
  recordFailures,
  RetryLater,
  runSubscription,
  saveCheckpoint,
  settleFailedEvent,
  takeBackToLastEvent,
  whileLeader,
} from '@app/consumers';
import type { EventFailure, FailedEvent, FailingEvents, ReachedPlace } from '@app/consumers';
import { EventStoreUnavailable, pauseUnlessAborted } from '@app/event-store';
import type { EventReader, EventStore, LogPosition, RecordedEvent } from '@app/event-store';
import { inSpansAfter } from '@app/tracing';
import { DatabaseUnavailable } from '@app/postgres';
import type { Database } from '@app/postgres';
import type { SagaConsumer } from '@app/views';
import type { Clock, Log } from '@app/process';
import type { DurableEventBus } from './durable-event-bus.js';
import { DeliveredStreams } from './delivered-streams.js';
import type { DeliveredHistory, FactClass } from './recorded-fact.js';

/** Holds work back while it would be in vain. */
export interface WorkGate {
  /** Whether work would have to wait. */
  readonly isClosed: boolean;
  /**
   * Resolves when work may begin, with what is to be called when it has ended.
   *
   * @throws when the signal ends the waiting
   */
  enter(signal: AbortSignal): Promise<() => void>;
}

export interface SagaFeedStatus {
  /** `paused`: the gate is closed. `faulted`: something failed, and nothing has succeeded since. */
  readonly state: 'stopped' | 'standby' | 'running' | 'paused' | 'faulted';
  /** Everything up to here has been acted upon; undefined before the first checkpoint. */
  readonly position: LogPosition | undefined;
  /** Events that are begun and not completed. */
  readonly inFlight: number;
  /**
   * How long ago the oldest event that is not acted upon yet was recorded, in milliseconds; 0 if there is none, and
   * undefined while that is not known: nothing is under way, and older events may still come.
   */
  readonly lagMs: number | undefined;
  readonly lastError: { readonly message: string; readonly at: Date } | undefined;
  /** Events that failed and are tried again, while all others go on; undefined when there are none. */
  readonly failing: FailingEvents | undefined;
}

export interface SagaFeedOptions extends Omit<SagaConsumer, 'kind' | 'eventTypes'> {
  readonly store: EventStore;
  readonly database: Database;
  readonly codec: EventReader<AccountEvent>;
  readonly eventBus: Pick<DurableEventBus, 'dispatch'>;
  /** The class of each event type that a saga reacts to; other types are passed over without being read. */
  readonly events: { readonly [Type in AccountEventType]?: FactClass<Type> };
  /** Whether a fault concerns all accounts: the feed waits then. Faults of one event when left out. */
  concernsAll?(error: unknown): Promise<boolean>;
  /** Always open when left out. */
  readonly gate?: WorkGate;
  /** How many events may be acted upon at a time. */
  readonly windowSize: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Longest time for which the first try of an event keeps its place in the window. */
const FIRST_TRY_MS = 2_000;
/** Longer than any try whose calls all run out of time (`longestWorkMs`), with the default settings. */
const LONGEST_RETRY_MS = 30_000;
/** Only another version knows the event, and that begins with trying everything again. */
const UNKNOWN_PAUSE_MS = 86_400_000;
/** Saving rarely is cheap; after a crash the commands of repeated events find their work done. */
const CHECKPOINT_PAUSE_MS = 1_000;

const JUST_DELIVERED_MS = 2_000;

/** Why a try is no longer waited for; without a reason, each would make an error. */
const ENDED = 'ended';

/** The commands of the event go on without a place; what becomes of them shows at the next try. */
class NotCompletedInTime extends Error {
  override readonly name = 'NotCompletedInTime';

  constructor(longestMs: number) {
    super(`a try took longer than ${longestMs} ms`);
  }
}

/**
 * Feeds the sagas from the event store, starting where the last process stopped. The checkpoint moves only over events
 * whose commands have completed, or of which it is on record that they failed: a crash repeats some, and loses none. What
 * failed is tried again until it succeeds or an operator decides to leave it out; it keeps no other event waiting. Of
 * several workers one feeds at a time; the others stand by.
 */
export class SagaFeed {
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private state: Exclude<SagaFeedStatus['state'], 'paused'> = 'stopped';
  private position: LogPosition | undefined;
  /** By the id of each event in flight: when it was recorded, and when its first try began here, by a monotonic clock. */
  private readonly underWay = new Map<string, { recordedAt: Date; begunAt: number }>();
  /** Whether the subscription has delivered all that was recorded before it. */
  private isCaughtUp = false;
  private lastError: SagaFeedStatus['lastError'];
  private failing: FailingEvents | undefined;
  /** Tries that have lost their place and go on: as many as the window takes, then the feed stands. */
  private readonly overdue = new Map<LogPosition, Promise<unknown>>();
  private readonly delivered: DeliveredStreams;
  private isLeading: () => boolean = () => false;

  /**
   * @param justDeliveredMs for so long after its delivery an event is decided upon without reading its stream again
   * @param longestRetryMs longest time for which a later try of an event keeps its place among those that are tried again
   */
  constructor(
    private readonly options: SagaFeedOptions,
    private readonly justDeliveredMs = JUST_DELIVERED_MS,
    private readonly longestRetryMs = LONGEST_RETRY_MS,
  ) {
    this.delivered = new DeliveredStreams(justDeliveredMs);
  }

  /** For health checks and metrics. */
  get status(): SagaFeedStatus {
    const { position, underWay, lastError, failing } = this;
    const isFeeding = this.state === 'running' || this.state === 'faulted';
    const state = isFeeding && this.options.gate?.isClosed ? 'paused' : this.state;
    return { state, position, inFlight: underWay.size, lagMs: this.lagMs(), lastError, failing };
  }

  /** To be called after the sagas are registered: earlier events would find no saga. */
  start(): void {
    const { name, database, log } = this.options;
    this.running ??= whileLeader({
      database,
      name,
      signal: this.stopping.signal,
      lead: (signal, epoch, isLeading) => {
        this.isLeading = isLeading;
        return this.feed(signal, epoch);
      },
      observer: {
        onStandby: () => {
          this.state = 'standby';
          this.isCaughtUp = false;
          this.failing = undefined;
        },
        onElected: () => log.info('this worker feeds the sagas'),
        onLeadershipFault: (error, retryInMs) => this.onFault(error, retryInMs),
      },
    });
  }

  /** Finishes the commands under way and saves the checkpoint. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    this.underWay.clear();
    this.isCaughtUp = false;
    this.state = 'stopped';
  }

  private async feed(signal: AbortSignal, epoch: bigint): Promise<void> {
    const { name, streamNamePrefixes, store, database, windowSize } = this.options;
    await takeBackToLastEvent(database, name);
    const onFault = (error: unknown, retryInMs: number) => this.onFault(error, retryInMs);
    const retries = new FailedEventRetries({
      database,
      consumer: name,
      // Beside the window: what fails again and again must not slow down what is new.
      places: Math.max(1, Math.floor(windowSize / 4)),
      isHeld: () => this.options.gate?.isClosed ?? false,
      retry: (failed) => this.retry(failed, signal),
      onWaiting: (failing) => (this.failing = failing),
      onFault: (error) => this.onFault(error, 0),
      signal,
    });
    const feeding = runSubscription({
      name,
      store,
      streamNamePrefixes,
      readCheckpoint: async () => {
        await checkLog(store, database, name);
        const checkpoint = await readCheckpoint(database, name);
        this.position = checkpoint === 'start' ? undefined : checkpoint;
        this.underWay.clear();
        this.delivered.clear();
        this.isCaughtUp = false;
        this.state = 'running';
        return checkpoint;
      },
      consume: consumeInWindow({
        windowSize,
        checkpointPauseMs: CHECKPOINT_PAUSE_MS,
        signal,
        onFault,
        onCaughtUp: () => (this.isCaughtUp = true),
        isToBeHandled: (event) => this.isToBeHandled(event),
        handle: (event, ended, receivedAt) => this.handle(event, ended, receivedAt),
        saveCheckpoint: async (reached) => {
          await this.save(reached, epoch);
          this.noteFailing(reached.failures);
          if (reached.failures.length > 0) retries.expect();
          this.position = reached.position;
          // Without events in flight only the saving itself had failed.
          if (this.underWay.size === 0) this.state = 'running';
        },
      }),
      signal,
      onFault,
    });
    await Promise.all([feeding, retries.run()]);
    await this.untilOverdueEnd();
  }

  /** The next leader, which may be this worker, does not try beside them, unless they do not end. */
  private async untilOverdueEnd(): Promise<void> {
    const ended = new AbortController();
    void Promise.all(this.overdue.values()).then(() => ended.abort());
    await pauseUnlessAborted(this.longestRetryMs, ended.signal);
  }

  private async save(
    { position, lastEvent, failures }: ReachedPlace,
    epoch: bigint,
  ): Promise<void> {
    const { database, name } = this.options;
    if (failures.length === 0) return saveCheckpoint(database, name, position, lastEvent, epoch);
    return database.inTransaction(async (transaction) => {
      await recordFailures(transaction, name, failures);
      await saveCheckpoint(transaction, name, position, lastEvent, epoch);
    });
  }

  /** Until the record is looked at again. */
  private noteFailing(failures: readonly EventFailure[]): void {
    for (const { event, error } of failures) {
      this.underWay.delete(event.id);
      this.failing ??= { events: failures.length, type: event.type, error: faultText(error) };
    }
  }

  private isToBeHandled(event: RecordedEvent): boolean {
    this.delivered.note(event);
    return Object.hasOwn(this.options.events, event.type) || this.whyUnknown(event) !== undefined;
  }

  private async handle(
    recorded: RecordedEvent,
    signal: AbortSignal,
    receivedAt: number | undefined,
  ): Promise<EventFailure | undefined> {
    const { id, recordedAt, type } = recorded;
    const isRepeated = this.underWay.has(id);
    if (!Object.hasOwn(this.options.events, type)) return this.failureOfUnknown(recorded);
    const { begunAt } = this.underWay.get(id) ?? { begunAt: performance.now() };
    this.underWay.set(id, { recordedAt, begunAt });
    const failure = await this.tryWithin(FIRST_TRY_MS, recorded, signal, () =>
      isRepeated ? undefined : this.historyOf(recorded, receivedAt),
    );
    // A database that is gone for a moment ends the subscription, too: most events need no record.
    if (
      failure?.error instanceof EventStoreUnavailable &&
      performance.now() - begunAt < FIRST_TRY_MS
    ) {
      throw failure.error;
    }
    // What failed is in flight until it is on record.
    if (!failure) this.underWay.delete(id);
    this.state = 'running';
    return failure;
  }

  /**
   * What was delivered stands for what would be read: no worker can have acted upon the event before, and what was
   * appended since is as late as it would be a moment after a read.
   */
  private historyOf(
    { streamName, recordedAt }: RecordedEvent,
    receivedAt = -Infinity,
  ): readonly RecordedEvent[] | undefined {
    const { clock } = this.options;
    const ageMs = Math.max(performance.now() - receivedAt, clock() - recordedAt.getTime());
    const isFirst = ageMs < this.justDeliveredMs && this.isLeading();
    return isFirst ? this.delivered.find(streamName) : undefined;
  }

  private whyUnknown(event: RecordedEvent): unknown {
    try {
      this.options.codec.assertKnown(event);
      return undefined;
    } catch (error) {
      return error;
    }
  }

  /** Another version may have a saga for it: it is tried again then. */
  private failureOfUnknown(recorded: RecordedEvent): EventFailure | undefined {
    const error = this.whyUnknown(recorded);
    return error === undefined ? undefined : this.failureOf(recorded, error, UNKNOWN_PAUSE_MS);
  }

  /** A try that ends in time, or goes on without its place, as far as there is room for it. */
  private async tryWithin(
    longestMs: number,
    recorded: RecordedEvent,
    signal: AbortSignal,
    delivered?: DeliveredHistory,
  ): Promise<EventFailure | undefined> {
    const { gate, windowSize } = this.options;
    const { position } = recorded;
    const overdue = () => this.failureOf(recorded, new NotCompletedInTime(longestMs), FIRST_TRY_MS);
    // A lost subscription gave it back before its first try had ended.
    if (this.overdue.has(position)) return overdue();
    const leave = await gate?.enter(signal);
    const done = new AbortController();
    const trying = this.try(recorded, delivered).finally(() => done.abort(ENDED));
    try {
      await Promise.race([trying, pauseUnlessAborted(longestMs, done.signal)]);
      while (!signal.aborted && !done.signal.aborted && this.overdue.size >= windowSize) {
        const givenUp = AbortSignal.any([signal, done.signal]);
        const looksAgain = pauseUnlessAborted(FIRST_TRY_MS, givenUp);
        await Promise.race([trying, looksAgain, ...this.overdue.values()]);
      }
      if (done.signal.aborted) return await trying;
    } finally {
      leave?.();
    }
    const end = () => this.overdue.delete(position);
    this.overdue.set(position, trying.then(end, end));
    return overdue();
  }

  /** @throws what concerns all events */
  private async try(
    recorded: RecordedEvent,
    delivered?: DeliveredHistory,
  ): Promise<EventFailure | undefined> {
    const { name, events, codec, eventBus, concernsAll } = this.options;
    try {
      const [event] = await codec.decode([recorded]);
      const Fact = events[recorded.type as AccountEventType];
      if (event && Fact) {
        const { streamName, id, metadata } = recorded;
        const accountId = accountIdOfStream(streamName);
        const fact = new Fact(
          accountId,
          event.data as never,
          id,
          metadata.$correlationId,
          delivered,
        );
        await inSpansAfter(`saga ${name}`, [recorded], () => eventBus.dispatch(fact));
      }
      return undefined;
    } catch (error) {
      if (error instanceof DatabaseUnavailable || (await concernsAll?.(error))) throw error;
      return this.failureOf(recorded, error);
    }
  }

  private async retry(failed: FailedEvent, signal: AbortSignal): Promise<'later' | undefined> {
    const { database, name, store, events } = this.options;
    const { streamName, revision, position, status } = failed;
    if (this.overdue.has(position)) return 'later';
    let failure: EventFailure | undefined;
    const found = store.readStream(streamName, { fromRevision: revision, maxCount: 1 });
    for await (const recorded of status === 'skipped' ? [] : found) {
      if (!Object.hasOwn(events, recorded.type)) {
        failure = this.failureOfUnknown(recorded);
        continue;
      }
      failure = await this.tryWithin(this.longestRetryMs, recorded, signal);
    }
    if (failure) await recordFailures(database, name, [failure]);
    else await settleFailedEvent(database, failed);
    return undefined;
  }

  private failureOf(event: RecordedEvent, error: unknown, leastPauseMs = 0): EventFailure {
    const { type, streamName, revision, position } = event;
    const afterMs = error instanceof RetryLater ? error.afterMs : leastPauseMs;
    this.noteError(error);
    this.options.log.warn(
      { type, streamName, revision: String(revision), position: String(position), err: error },
      'an event failed in a saga; it is tried again, and all others go on',
    );
    return { event, error, afterMs };
  }

  private lagMs(): number | undefined {
    if (this.underWay.size === 0) return this.isCaughtUp ? 0 : undefined;
    const oldest = Math.min(
      ...[...this.underWay.values()].map(({ recordedAt }) => recordedAt.getTime()),
    );
    return Math.max(0, this.options.clock() - oldest);
  }

  private onFault(error: unknown, retryInMs: number): void {
    this.state = 'faulted';
    this.noteError(error);
    this.options.log.warn({ err: error, retryInMs }, 'a saga cannot get on for now');
  }

  private noteError(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.lastError = { message, at: new Date(this.options.clock()) };
  }
}
