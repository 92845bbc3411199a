import type { AccountEvent } from '@app/accounts';
import type { EventStore } from '@app/event-store';
import {
  ProjectionMonitor,
  activationMailsProjection,
  anonymousAccountCodec,
  reportProjection,
  runProjection,
  statisticsProjection,
  whileLeader,
} from '@app/read-model';
import type { Projection, Database, ProjectionStatus } from '@app/read-model';
import type { Log } from '@app/service';
import { Inject, Injectable } from '@nestjs/common';
import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import { DATABASE, EVENT_STORE, LOG } from '../keep-accounts/keep-accounts.tokens.js';

/** Operators look at these rows now and then: larger batches are worth a moment's delay. */
const LINGER_MS = 500;
/** What comes in the meantime fits into one batch up to some thousand events a second. */
const MAX_BATCH_SIZE = 2_000;

/**
 * Keeps what only operators look at: statistics and the mails of activation codes. Holds no personal data.
 * Of all workers on one database one keeps each, the others stand by.
 */
@Injectable()
export class KeepOperatorViews implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly stopping = new AbortController();
  private readonly monitors = new Map<string, ProjectionMonitor>();
  private running: Promise<unknown> | undefined;

  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(DATABASE) private readonly database: Database,
    @Inject(LOG) private readonly log: Log,
  ) {}

  /** For health checks, by the name of the projection. */
  get statuses(): ReadonlyMap<string, ProjectionStatus> {
    return new Map([...this.monitors].map(([name, monitor]) => [name, monitor.status()]));
  }

  onApplicationBootstrap(): void {
    this.running ??= Promise.all(
      [statisticsProjection, activationMailsProjection].map((projection) =>
        this.competeAndKeep(projection),
      ),
    );
  }

  /** Resolves when the transactions under way have ended and another worker may take over. */
  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await this.running;
    for (const monitor of this.monitors.values()) monitor.onStopped();
  }

  private async competeAndKeep(projection: Projection<AccountEvent>): Promise<void> {
    const { name } = projection;
    const { signal } = this.stopping;
    const log = this.log.child({ projection: name });
    const monitor = new ProjectionMonitor();
    this.monitors.set(name, monitor);
    let events = 0;
    await Promise.all([
      reportProjection({
        database: this.database,
        projection: name,
        status: () => monitor.status(),
        eventsProjected: () => events,
        signal,
        onFault: (error) => log.warn({ err: error }, 'a report on the projection was missed'),
      }),
      whileLeader({
        database: this.database,
        name,
        signal,
        lead: (leading) =>
          runProjection({
            projection,
            store: this.store,
            codec: anonymousAccountCodec,
            database: this.database,
            lingerMs: LINGER_MS,
            maxBatchSize: MAX_BATCH_SIZE,
            signal: leading,
            observer: {
              onSubscribed: (position) => monitor.onSubscribed(position),
              onCaughtUp: () => monitor.onCaughtUp(),
              onAdvanced: (progress) => {
                events += progress.events;
                monitor.onAdvanced(progress);
              },
              onFault: (error, retryInMs) => {
                monitor.onFault(error);
                log.error({ err: error, retryInMs }, 'the rows cannot be kept up to date');
              },
            },
          }),
        observer: {
          onStandby: () => monitor.onStandby(),
          onElected: () => log.info('this worker keeps the rows'),
          onLeadershipFault: (error, retryInMs) => {
            monitor.onFault(error);
            log.warn({ err: error, retryInMs }, 'this worker cannot keep the rows');
          },
        },
      }),
    ]);
  }
}
