import type { AccountEvent } from '@app/accounts';
import type { EventReader, EventStore } from '@app/event-store';
import { anonymousAccountCodec, concernsAllAccounts, QuarantineCodec } from '@app/personal-data';
import type { AccountKeys } from '@app/personal-data';
import {
  LogDoesNotMatch,
  ProjectionMonitor,
  refuseDatabase,
  runProjection,
  whileLeader,
} from '@app/consumers';
import type { Database } from '@app/postgres';
import type { ProjectionObserver, ProjectionStatus } from '@app/consumers';
import type { ProjectionConsumer } from '@app/views';
import type { Clock, Log } from '@app/process';
import { retryUnreadableAccounts } from './retry-unreadable-accounts.js';

export interface RunningProjectionOptions {
  readonly projection: ProjectionConsumer;
  readonly store: EventStore;
  /** Reads everything or throws. */
  readonly codec: EventReader<AccountEvent>;
  readonly database: Database;
  readonly keys: AccountKeys;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Keeps the rows of one projection up to date. Of all workers on one database one keeps them, the others stand
 * by.
 */
export class RunningProjection {
  private readonly monitor: ProjectionMonitor;
  private readonly stopping = new AbortController();
  private readonly log: Log;
  private running: Promise<void> | undefined;
  private projected = 0;

  constructor(private readonly options: RunningProjectionOptions) {
    this.monitor = new ProjectionMonitor(options.clock);
    this.log = options.log.child({ projection: options.projection.name });
  }

  /** For health checks and metrics. */
  get status(): ProjectionStatus {
    return this.monitor.status();
  }

  /** Since the process started. */
  get eventsProjected(): number {
    return this.projected;
  }

  start(): void {
    this.running ??= this.competeAndKeep();
  }

  /** Resolves when the transaction under way has ended and another worker may take over. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    this.monitor.onStopped();
  }

  private competeAndKeep(): Promise<void> {
    return whileLeader({
      database: this.options.database,
      name: this.options.projection.name,
      signal: this.stopping.signal,
      lead: (signal, epoch) => this.keep(signal, epoch),
      observer: {
        onStandby: () => this.monitor.onStandby(),
        onElected: () => this.log.info('this worker keeps the rows'),
        onLeadershipFault: (error, retryInMs) => {
          this.monitor.onFault(error);
          this.log.warn({ err: error, retryInMs }, 'this worker cannot keep the rows');
        },
      },
    });
  }

  private async keep(signal: AbortSignal, epoch: bigint): Promise<void> {
    const { projection, store, database, keys } = this.options;
    await runProjection({
      projection,
      store,
      codec:
        projection.reader ??
        (projection.holdsPersonalData ? await this.quarantining(signal) : anonymousAccountCodec),
      database,
      ...projection.batches,
      // Callers wait for what they changed, and none for what workers record.
      isAwaited: ({ metadata }) => metadata.actor !== 'worker',
      signal,
      epoch,
      observer: this.observing(),
      concernsAll: (error) => concernsAllAccounts(keys, error),
    });
  }

  private async quarantining(signal: AbortSignal): Promise<QuarantineCodec> {
    const { projection, store, codec, database, keys } = this.options;
    const { log } = this;
    const unreadable = await retryUnreadableAccounts({ store, codec, database, log, signal });
    if (unreadable > 0) log.error({ unreadable }, 'accounts cannot be read and are quarantined');
    return new QuarantineCodec(codec, {
      keys,
      database,
      consumer: projection.name,
      onQuarantined: (accountId, error) =>
        log.error({ accountId, err: error }, 'an account cannot be read and is quarantined'),
    });
  }

  private observing(): ProjectionObserver {
    return {
      onSubscribed: (position) => {
        this.monitor.onSubscribed(position);
        this.log.info({ position: String(position) }, 'the rows follow the log from here');
      },
      onAdvanced: (progress) => {
        this.projected += progress.events;
        this.monitor.onAdvanced(progress);
      },
      onCaughtUp: () => {
        this.monitor.onCaughtUp();
        this.log.info({ position: String(this.status.position) }, 'the rows are up to date');
      },
      onFault: (error, retryInMs) => {
        const { projection, database } = this.options;
        this.monitor.onFault(error);
        this.log.error({ err: error, retryInMs }, 'the rows cannot be kept up to date');
        if (!projection.refusesOtherLogs || !(error instanceof LogDoesNotMatch)) return;
        // The log was exchanged under a worker that runs: no process may show rows of another one.
        refuseDatabase(database, error.message).catch((fault: unknown) => {
          this.log.warn({ err: fault }, 'other processes could not be notified');
        });
      },
      onSetAside: ({ event, error }) => {
        const { type, streamName, revision, position } = event;
        this.log.error(
          { type, streamName, revision: String(revision), position: String(position), err: error },
          'an event cannot be handled; its account is set aside, all others go on',
        );
      },
      onRetryFault: (error) =>
        this.log.warn({ err: error }, 'what is set aside cannot be tried again for now'),
      onFailing: (failing) => this.monitor.onFailing(failing),
    };
  }
}
