import { EVENT_STORE, EventStoreUnavailable } from '@app/event-store';
import type { EventStore, LogPosition } from '@app/event-store';
import { consumers } from '@app/views';
import {
  listFailedEvents,
  newestRebuilds,
  readCheckpoint,
  readProjectionReports,
} from '@app/consumers';
import type { Consumer } from '@app/views';
import type { FailedEvent, ProjectionReport, RebuildRecord } from '@app/consumers';
import type { Queryable } from '@app/postgres';
import { CLOCK } from '@app/process';
import type { Clock } from '@app/process';
import { Inject, Injectable } from '@nestjs/common';
import { READ_MODEL } from '../../admin.tokens.js';
import { measureLag } from './measure-lag.js';
import type { Lag } from './measure-lag.js';

export interface ConsumerStatus {
  readonly name: string;
  readonly kind: Consumer['kind'];
  /** `unknown`: no worker has reported for a while. Sagas do not report: their state follows from their lag. */
  readonly state: ProjectionReport['state'] | 'unknown';
  readonly position: LogPosition | undefined;
  /** Undefined while the event store cannot be asked. */
  readonly lag: Lag | undefined;
  readonly eventsPerSecond: number | undefined;
  readonly lastError: string | undefined;
  readonly lastErrorAt: Date | undefined;
  /** One of the events that fail. */
  readonly failing: FailedEvent | undefined;
  readonly rebuild: RebuildRecord | undefined;
}

/** A worker reports every second; without a few of them it is not there. */
const REPORT_OLD_AFTER_MS = 5_000;

/** How those that follow the log are getting on. */
@Injectable()
export class WatchProjectionsQuery {
  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(READ_MODEL) private readonly database: Queryable,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async watch(): Promise<readonly ConsumerStatus[]> {
    const [reports, rebuilds] = await Promise.all([
      readProjectionReports(this.database),
      newestRebuilds(this.database),
    ]);
    return Promise.all(
      consumers.map((consumer) =>
        this.statusOf(consumer, reports.get(consumer.name), rebuilds.get(consumer.name)),
      ),
    );
  }

  private async statusOf(
    consumer: Consumer,
    report: ProjectionReport | undefined,
    rebuild: RebuildRecord | undefined,
  ): Promise<ConsumerStatus> {
    const { name, kind, streamNamePrefixes } = consumer;
    const checkpoint = await readCheckpoint(this.database, name);
    const [lag, [failed]] = await Promise.all([
      this.lagOf(checkpoint, streamNamePrefixes),
      listFailedEvents(this.database, name, 1),
    ]);
    const now = this.clock();
    const fresh = report && now - report.reportedAt.getTime() < REPORT_OLD_AFTER_MS;
    return {
      name,
      kind,
      state: fresh ? report.state : kind === 'saga' ? stateByLag(lag) : 'unknown',
      position: checkpoint === 'start' ? undefined : checkpoint,
      lag,
      eventsPerSecond: fresh ? report.eventsPerSecond : undefined,
      lastError: report?.lastError,
      lastErrorAt: report?.lastErrorAt,
      failing: failed?.status === 'failing' ? failed : undefined,
      rebuild,
    };
  }

  private async lagOf(
    checkpoint: LogPosition | 'start',
    streamNamePrefixes: Consumer['streamNamePrefixes'],
  ): Promise<Lag | undefined> {
    try {
      return await measureLag(this.store, checkpoint, streamNamePrefixes, this.clock());
    } catch (error) {
      // The rest is worth knowing above all while the event store is away.
      if (error instanceof EventStoreUnavailable) return undefined;
      throw error;
    }
  }
}

function stateByLag(lag: Lag | undefined): ConsumerStatus['state'] {
  if (lag === undefined) return 'unknown';
  return lag.events === 0 ? 'live' : 'catching-up';
}
