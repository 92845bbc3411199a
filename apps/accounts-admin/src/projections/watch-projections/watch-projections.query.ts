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
import type { ProjectionReport, RebuildRecord } from '@app/consumers';
import type { Queryable } from '@app/postgres';
import { CLOCK } from '@app/process';
import type { Clock } from '@app/process';
import { Inject, Injectable } from '@nestjs/common';
import { READ_MODEL } from '../../admin.tokens.js';
import { answerOf } from '../../answer-of.js';
import { toFailedEventAnswer } from '../../failed-events/failed-event-answer.js';
import { projectionAnswer, rounded, toRebuildAnswer } from './projection-answer.js';
import type { ProjectionAnswer } from './projection-answer.js';

/** A worker reports every second; without a few of them it is not there. */
const REPORT_OLD_AFTER_MS = 5_000;
const MOST_COUNTED = 10_000;
const TIMEOUT_MS = 1_500;

/** How far a consumer is behind the log. */
type Lag = NonNullable<ProjectionAnswer['lag']>;

/** How those that follow the log are getting on. */
@Injectable()
export class WatchProjectionsQuery {
  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(READ_MODEL) private readonly database: Queryable,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async watch(): Promise<ProjectionAnswer[]> {
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
  ): Promise<ProjectionAnswer> {
    const { name, kind, streamNamePrefixes } = consumer;
    const checkpoint = await readCheckpoint(this.database, name);
    const [lag, [failed]] = await Promise.all([
      this.lagOf(checkpoint, streamNamePrefixes),
      listFailedEvents(this.database, name, 1),
    ]);
    const now = this.clock();
    const fresh = report && now - report.reportedAt.getTime() < REPORT_OLD_AFTER_MS;
    return answerOf(projectionAnswer, {
      name,
      kind,
      state: fresh ? report.state : kind === 'saga' ? stateByLag(lag) : 'unknown',
      position: checkpoint === 'start' ? null : checkpoint,
      lag,
      eventsPerSecond: fresh ? rounded(report.eventsPerSecond) : null,
      lastError: report?.lastError,
      lastErrorAt: report?.lastErrorAt,
      failing: failed?.status === 'failing' ? toFailedEventAnswer(failed) : null,
      rebuild: rebuild && toRebuildAnswer(rebuild),
    });
  }

  /**
   * Counts the events beyond a checkpoint in the log itself: what a consumer says about its own lag is worth nothing when it
   * hangs. Undefined while the event store cannot be asked.
   */
  private async lagOf(
    after: LogPosition | 'start',
    streamNamePrefixes: Consumer['streamNamePrefixes'],
  ): Promise<Lag | undefined> {
    const now = this.clock();
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    let events = 0;
    let atLeast = true;
    let oldest = now;
    try {
      for await (const message of this.store.subscribeToAll({
        after,
        streamNamePrefixes,
        signal,
      })) {
        if (message.kind === 'caught-up') atLeast = false;
        if (message.kind === 'event') {
          if (events === 0) oldest = message.event.recordedAt.getTime();
          events += 1;
        }
        if (!atLeast || events === MOST_COUNTED) break;
      }
    } catch (error) {
      // The rest is worth knowing above all while the event store is away.
      if (error instanceof EventStoreUnavailable) return undefined;
      throw error;
    }
    return { events, atLeast, seconds: Math.max(0, now - oldest) / 1_000 };
  }
}

function stateByLag(lag: Lag | undefined): ProjectionAnswer['state'] {
  if (lag === undefined) return 'unknown';
  return lag.events === 0 ? 'live' : 'catching-up';
}
