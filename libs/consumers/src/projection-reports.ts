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

/** A projection that this process keeps, or stands by to keep. */
export interface ReportedProjection {
  readonly status: ProjectionStatus;
  /** Since the process started. */
  readonly eventsProjected: number;
}

export interface ReportingOptions {
  readonly database: Queryable;
  /** By name. */
  readonly projections: ReadonlyMap<string, ReportedProjection>;
  readonly signal: AbortSignal;
  /** A report is missed; the next one follows. */
  onFault(error: unknown): void;
  /** In milliseconds. */
  readonly intervalMs?: number;
}

const DEFAULT_INTERVAL_MS = 1_000;

/**
 * Reports to other processes, through the database, how the projections of this one do, until the signal ends it. Only
 * the leader of a projection reports on it; a process that stands by does not.
 */
export async function reportProjections(options: ReportingOptions): Promise<void> {
  const { database, projections, signal, intervalMs = DEFAULT_INTERVAL_MS } = options;
  const counted = new Map<string, number>();
  let countedAt = performance.now();
  const reportOf = ([projection, { status, eventsProjected }]: [string, ReportedProjection]) => {
    const events = eventsProjected - (counted.get(projection) ?? 0);
    counted.set(projection, eventsProjected);
    return {
      projection,
      status,
      eventsPerSecond: (events * 1_000) / (performance.now() - countedAt),
    };
  };
  while (!signal.aborted) {
    await pauseUnlessAborted(intervalMs, signal);
    const reports = [...projections].map(reportOf);
    countedAt = performance.now();
    const led = reports.filter(
      ({ status: { state } }) => state !== 'standby' && state !== 'stopped',
    );
    if (signal.aborted || led.length === 0) continue;
    await saveReports(database, led).catch((error: unknown) => options.onFault(error));
  }
}

async function saveReports(
  database: Queryable,
  reports: readonly {
    readonly projection: string;
    readonly status: ProjectionStatus;
    readonly eventsPerSecond: number;
  }[],
): Promise<void> {
  await database.query({
    name: 'report-projections',
    text: `insert into operations.projection_reports
             (projection, state, position, events_per_second, last_error, last_error_at, reported_at)
           select *, now()
           from unnest($1::text[], $2::text[], $3::bigint[], $4::float8[], $5::text[], $6::timestamptz[])
           on conflict (projection) do update
             set state = excluded.state, position = excluded.position,
                 events_per_second = excluded.events_per_second,
                 last_error = excluded.last_error, last_error_at = excluded.last_error_at,
                 reported_at = excluded.reported_at`,
    values: [
      reports.map(({ projection }) => projection),
      reports.map(({ status }) => status.state),
      reports.map(({ status }) => status.position),
      reports.map(({ eventsPerSecond }) => eventsPerSecond),
      reports.map(({ status }) => status.lastError?.message),
      reports.map(({ status }) => status.lastError?.at),
    ],
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
