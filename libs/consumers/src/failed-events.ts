import type { LogPosition, RecordedEvent, StreamRevision } from '@app/event-store';
import type { Queryable } from '@app/postgres';

export type FailedEventStatus = 'failing' | 'skipped' | 'resolved';

/** An event that a projection cannot handle, or could not, and what was decided about it. */
export interface FailedEvent {
  readonly projection: string;
  readonly position: LogPosition;
  readonly eventId: string;
  readonly streamName: string;
  readonly revision: StreamRevision;
  readonly type: string;
  /** Without personal data. */
  readonly error: string;
  readonly attempts: number;
  readonly status: FailedEventStatus;
  readonly firstFailedAt: Date;
  readonly lastFailedAt: Date;
  readonly decidedAt: Date | undefined;
  readonly decidedBy: string | undefined;
  readonly reason: string | undefined;
}

/** Notes that the projection stands in front of this event; counts when it did so before. */
export async function recordFailedEvent(
  database: Queryable,
  projection: string,
  event: Pick<RecordedEvent, 'id' | 'position' | 'streamName' | 'revision' | 'type'>,
  error: string,
): Promise<void> {
  await database.query({
    text: `insert into operations.failed_events as known
             (projection, position, event_id, stream_name, revision, type, error)
           values ($1, $2, $3, $4, $5, $6, $7)
           on conflict (projection, position) do update
             set attempts = known.attempts + 1, error = excluded.error, last_failed_at = now(),
                 status = case known.status when 'resolved' then 'failing' else known.status end`,
    values: [
      projection,
      event.position,
      event.id,
      event.streamName,
      event.revision,
      event.type,
      error,
    ],
  });
}

/** Positions of the events that operators decided to leave out of a projection. */
export async function skippedPositions(
  database: Queryable,
  projection: string,
): Promise<ReadonlySet<LogPosition>> {
  const { rows } = await database.query<{ position: bigint }>({
    name: 'skipped-positions',
    text: `select position from operations.failed_events where projection = $1 and status = 'skipped'`,
    values: [projection],
  });
  return new Set(rows.map(({ position }) => position));
}

/** The projection has passed the position: events up to there fail no more. */
export async function resolveFailedEvents(
  database: Queryable,
  projection: string,
  upTo: LogPosition,
): Promise<void> {
  await database.query({
    name: 'resolve-failed-events',
    text: `update operations.failed_events set status = 'resolved', decided_at = now()
           where projection = $1 and position <= $2 and status = 'failing'`,
    values: [projection, upTo],
  });
}

/** Whether an operator has decided about the event since it failed last. */
export async function isDecided(
  database: Queryable,
  projection: string,
  position: LogPosition,
): Promise<boolean> {
  const { rows } = await database.query({
    name: 'is-failed-event-decided',
    text: `select 1 from operations.failed_events
           where projection = $1 and position = $2
             and (status = 'skipped' or retry_requested_at > last_failed_at)`,
    values: [projection, position],
  });
  return rows.length > 0;
}

/**
 * Has the projection try the event again at once.
 *
 * @returns false when no such event is failing
 */
export async function requestRetry(
  database: Queryable,
  projection: string,
  position: LogPosition,
): Promise<boolean> {
  const { rowCount } = await database.query({
    text: `update operations.failed_events set retry_requested_at = clock_timestamp()
           where projection = $1 and position = $2 and status = 'failing'`,
    values: [projection, position],
  });
  return rowCount === 1;
}

/**
 * Leaves the event out of the projection, now and in every rebuild.
 *
 * @returns false when no such event is failing
 */
export async function skipFailedEvent(
  database: Queryable,
  projection: string,
  position: LogPosition,
  decision: { readonly by: string; readonly reason: string },
): Promise<boolean> {
  const { rowCount } = await database.query({
    text: `update operations.failed_events
           set status = 'skipped', decided_at = now(), decided_by = $3, reason = $4
           where projection = $1 and position = $2 and status = 'failing'`,
    values: [projection, position, decision.by, decision.reason],
  });
  return rowCount === 1;
}

/** Newest first; those that stand in the way before all others. */
export async function listFailedEvents(
  database: Queryable,
  projection: string,
  limit = 100,
): Promise<readonly FailedEvent[]> {
  const { rows } = await database.query<FailedEventRow>({
    text: `select projection, position, event_id, stream_name, revision, type, error, attempts, status,
                  first_failed_at, last_failed_at, decided_at, decided_by, reason
           from operations.failed_events where projection = $1
           order by (status = 'failing') desc, last_failed_at desc limit $2`,
    values: [projection, limit],
  });
  return rows.map((row) => ({
    projection: row.projection,
    position: row.position,
    eventId: row.event_id,
    streamName: row.stream_name,
    revision: row.revision,
    type: row.type,
    error: row.error,
    attempts: row.attempts,
    status: row.status,
    firstFailedAt: row.first_failed_at,
    lastFailedAt: row.last_failed_at,
    decidedAt: row.decided_at ?? undefined,
    decidedBy: row.decided_by ?? undefined,
    reason: row.reason ?? undefined,
  }));
}

interface FailedEventRow {
  readonly projection: string;
  readonly position: bigint;
  readonly event_id: string;
  readonly stream_name: string;
  readonly revision: bigint;
  readonly type: string;
  readonly error: string;
  readonly attempts: number;
  readonly status: FailedEventStatus;
  readonly first_failed_at: Date;
  readonly last_failed_at: Date;
  readonly decided_at: Date | null;
  readonly decided_by: string | null;
  readonly reason: string | null;
}
