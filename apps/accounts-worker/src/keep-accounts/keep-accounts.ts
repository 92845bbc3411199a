import type { AccountEvent } from '@app/accounts';
import type { EventCodec, EventStore } from '@app/event-store';
import { AccountKeys, SetAsideCodec } from '@app/personal-data';
import {
  LogDoesNotMatch,
  ProjectionMonitor,
  accountsProjection,
  refuseDatabase,
  reportProjection,
  runProjection,
  whileLeader,
} from '@app/read-model';
import type { Database, ProjectionStatus } from '@app/read-model';
import type { Log } from '@app/service';
import { Inject, Injectable } from '@nestjs/common';
import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import { readmitAccounts } from './readmit-accounts.js';
import { ACCOUNT_EVENT_CODEC, DATABASE, EVENT_STORE, LOG } from './keep-accounts.tokens.js';

/**
 * Keeps the accounts of the read model up to date. Of all workers on one database one does it, the
 * others stand by.
 */
@Injectable()
export class KeepAccounts implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly monitor = new ProjectionMonitor();
  private readonly stopping = new AbortController();
  private running: Promise<unknown> | undefined;
  private eventsProjected = 0;

  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(ACCOUNT_EVENT_CODEC) private readonly codec: EventCodec<AccountEvent>,
    @Inject(DATABASE) private readonly database: Database,
    @Inject(LOG) private readonly log: Log,
    private readonly keys: AccountKeys,
  ) {}

  /** For health checks and metrics. */
  get status(): ProjectionStatus {
    return this.monitor.status();
  }

  onApplicationBootstrap(): void {
    this.running ??= Promise.all([this.competeAndKeep(), this.report()]);
  }

  /** Resolves when the transaction under way has ended and another worker may take over. */
  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await this.running;
    this.monitor.onStopped();
  }

  /** For processes that ask how the projection does. */
  private report(): Promise<void> {
    return reportProjection({
      database: this.database,
      projection: accountsProjection.name,
      status: () => this.status,
      eventsProjected: () => this.eventsProjected,
      signal: this.stopping.signal,
      onFault: (error) => this.log.warn({ err: error }, 'a report on the accounts was missed'),
    });
  }

  private competeAndKeep(): Promise<void> {
    const { name } = accountsProjection;
    const log = this.log.child({ projection: name });
    return whileLeader({
      database: this.database,
      name,
      signal: this.stopping.signal,
      lead: (signal) => this.keep(signal, log),
      observer: {
        onStandby: () => this.monitor.onStandby(),
        onElected: () => log.info('this worker keeps the accounts'),
        onLeadershipFault: (error, retryInMs) => {
          this.monitor.onFault(error);
          log.warn({ err: error, retryInMs }, 'this worker cannot keep the accounts');
        },
      },
    });
  }

  /** The log was exchanged under a worker that runs: nobody may show rows of another one. */
  private refuse(error: LogDoesNotMatch, log: Log): void {
    refuseDatabase(this.database, error.message).catch((fault: unknown) => {
      log.warn({ err: fault }, 'other processes could not be told');
    });
  }

  private async keep(signal: AbortSignal, log: Log): Promise<void> {
    const { monitor, store, codec, database, keys } = this;
    const unreadable = await readmitAccounts({ store, codec, database, log, signal });
    if (unreadable > 0) log.error({ unreadable }, 'accounts cannot be read and are set aside');
    await runProjection({
      projection: accountsProjection,
      store,
      codec: new SetAsideCodec(codec, {
        keys,
        database,
        consumer: accountsProjection.name,
        onSetAside: (accountId, error) =>
          log.error({ accountId, err: error }, 'an account cannot be read and is set aside'),
      }),
      database,
      signal,
      observer: {
        onSubscribed: (position) => {
          monitor.onSubscribed(position);
          log.info({ position: String(position) }, 'accounts follow the log from here');
        },
        onAdvanced: (progress) => {
          this.eventsProjected += progress.events;
          monitor.onAdvanced(progress);
        },
        onCaughtUp: () => {
          monitor.onCaughtUp();
          log.info({ position: String(monitor.status().position) }, 'accounts are up to date');
        },
        onFault: (error, retryInMs) => {
          monitor.onFault(error);
          log.error({ err: error, retryInMs }, 'accounts cannot be kept up to date');
          if (error instanceof LogDoesNotMatch) this.refuse(error, log);
        },
      },
    });
  }
}
