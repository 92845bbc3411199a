import { pauseUnlessAborted } from '@app/event-store';
import type { LogPosition } from '@app/event-store';
import { recordOf } from '@app/postgres';
import type { ColumnsOf, Queryable } from '@app/postgres';
import type { ProjectionStatus } from './projection-monitor.js';

/** What the process that keeps a projection said about it last. */
export interface ProjectionReport {
  readonly projection: string;
  readonly state: ProjectionStatus['state'];
  readonly position: LogPosition | undefined;
  readonly eventsPerSecond: number;
  readonly lastError: string | undefined;
  readonly lastErrorAt: Date | undefined;
  readonly reportedAt: Date;
}

export interface ReportingOptions {
  readonly database: Queryable;
  readonly projection: string;
  status(): ProjectionStatus;
  /** Events projected since the process started. */
  eventsProjected(): number;
  readonly signal: AbortSignal;
  /** A report is missed; the next one follows. */
  onFault(error: unknown): void;
  /** In milliseconds. */
  readonly intervalMs?: number;
}

const DEFAULT_INTERVAL_MS = 1_000;

/**
 * Reports to other processes, through the database, how a projection does, until the signal ends it. Only
 * the leader reports; a process that stands by does not.
 */
export async function reportProjection(options: ReportingOptions): Promise<void> {
  const { signal, intervalMs = DEFAULT_INTERVAL_MS } = options;
  let counted = options.eventsProjected();
  let countedAt = performance.now();
  while (!signal.aborted) {
    await pauseUnlessAborted(intervalMs, signal);
    const events = options.eventsProjected();
    const now = performance.now();
    const eventsPerSecond = ((events - counted) * 1_000) / (now - countedAt);
    counted = events;
    countedAt = now;
    const status = options.status();
    if (signal.aborted || status.state === 'standby' || status.state === 'stopped') continue;
    await saveReport(options.database, options.projection, status, eventsPerSecond).catch(
      (error: unknown) => options.onFault(error),
    );
  }
}

async function saveReport(
  database: Queryable,
  projection: string,
  { state, position, lastError }: ProjectionStatus,
  eventsPerSecond: number,
): Promise<void> {
  await database.query({
    name: 'report-projection',
    text: `insert into operations.projection_reports
             (projection, state, position, events_per_second, last_error, last_error_at, reported_at)
           values ($1, $2, $3, $4, $5, $6, now())
           on conflict (projection) do update
             set state = excluded.state, position = excluded.position,
                 events_per_second = excluded.events_per_second,
                 last_error = excluded.last_error, last_error_at = excluded.last_error_at,
                 reported_at = excluded.reported_at`,
    values: [projection, state, position, eventsPerSecond, lastError?.message, lastError?.at],
  });
}

/** The newest report of every projection that ever reported. */
export async function readProjectionReports(
  database: Queryable,
): Promise<ReadonlyMap<string, ProjectionReport>> {
  const { rows } = await database.query<ColumnsOf<ProjectionReport>>({
    text: `select projection, state, position, events_per_second, last_error, last_error_at, reported_at
           from operations.projection_reports`,
  });
  return new Map(rows.map((row) => [row.projection, recordOf<ProjectionReport>(row)]));
}
