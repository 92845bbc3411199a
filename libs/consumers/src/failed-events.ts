import type { LogPosition, RecordedEvent, StreamRevision } from '@app/event-store';
import { recordOf } from '@app/postgres';
import type { ColumnsOf, Queryable } from '@app/postgres';

export type FailedEventStatus = 'failing' | 'skipped' | 'resolved';

/** An event that a consumer cannot handle, or could not, and what was decided about it. */
export interface FailedEvent {
  readonly consumer: string;
  readonly position: LogPosition;
  readonly eventId: string;
  readonly streamName: string;
  readonly revision: StreamRevision;
  readonly type: string;
  /** Begins with the kind of fault and a colon. Without personal data. */
  readonly error: string;
  readonly attempts: number;
  readonly status: FailedEventStatus;
  readonly firstFailedAt: Date;
  readonly lastFailedAt: Date;
  /** Undefined when nothing is left to be done. */
  readonly nextTryAt: Date | undefined;
  readonly decidedAt: Date | undefined;
  readonly decidedBy: string | undefined;
  readonly reason: string | undefined;
}

/** One try of an event that failed. */
export interface EventFailure {
  /** Without its data: errors end up in logs. */
  readonly event: Pick<RecordedEvent, 'id' | 'type' | 'streamName' | 'revision' | 'position'>;
  readonly error: unknown;
  /** Shortest pause before the next try, in milliseconds. */
  readonly afterMs?: number;
}

/**
 * When an event that failed is tried again: half a second later at first, then twice as long each time up to 5 s; from
 * a quarter of an hour on after a pause that grows with the age of the fault, up to a quarter of an hour.
 */
const NEXT_TRY = `now() + greatest(
  excluded.next_try_at - now(),
  least(interval '500 ms' * 2 ^ least(known.attempts, 10), interval '5 s'),
  least((now() - known.first_failed_at) / 180, interval '15 min'))`;
/** By name: a prepared statement with an asterisk fails after a migration. */
const COLUMNS = `projection as consumer, position, event_id, stream_name, revision, type, error, attempts, status,
  first_failed_at, last_failed_at, next_try_at, decided_at, decided_by, reason`;
type FailedEventRow = ColumnsOf<FailedEvent>;
const FIRST_PAUSE_MS = 500;
const LONGEST_TEXT = 1_000;

/**
 * Puts on record that these events failed, or failed again. Belongs into the transaction that moves the checkpoint past
 * them: the consumer goes on, and finds them here when they are due. An event that was skipped for another consumer is
 * skipped for this one.
 */
export async function recordFailures(
  database: Queryable,
  consumer: string,
  failures: readonly EventFailure[],
): Promise<void> {
  for (const { event, error, afterMs = 0 } of failures) {
    await database.query({
      name: 'record-failed-event',
      text: `insert into operations.failed_events as known
               (projection, position, event_id, stream_name, revision, type, error, next_try_at,
                status, decided_at, decided_by, reason)
             select $1::text, $2::bigint, $3::uuid, $4::text, $5::bigint, $6::text, $7::text,
                    now() + $8::float8 * interval '1 ms',
                    coalesce(skipped.status, 'failing'), skipped.decided_at, skipped.decided_by, skipped.reason
             from (select) as one left join (
               select status, decided_at, decided_by, reason from operations.failed_events
               where position = $2 and status = 'skipped' limit 1) as skipped on true
             on conflict (projection, position) do update
               set attempts = known.attempts + 1, error = excluded.error, last_failed_at = now(),
                   next_try_at = ${NEXT_TRY},
                   status = case known.status when 'resolved' then 'failing' else known.status end`,
      values: [
        consumer,
        event.position,
        event.id,
        event.streamName,
        event.revision,
        storable(event.type),
        storable(faultText(error)),
        Math.max(afterMs, FIRST_PAUSE_MS),
      ],
    });
  }
}

/** The kind of fault, a colon and its message. */
export function faultText(fault: unknown): string {
  return fault instanceof Error ? `${fault.name}: ${fault.message}` : `Error: ${String(fault)}`;
}

/** PostgreSQL's text holds no NUL, and an event's type may be anything. */
function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').slice(0, LONGEST_TEXT);
}

/**
 * The streams that a projection has set aside, with the revision that it could not handle: it is to be tried again,
 * or its skip to be carried out.
 */
export async function streamsSetAside(
  database: Queryable,
  consumer: string,
): Promise<Map<string, StreamRevision>> {
  const { rows } = await database.query<{ stream_name: string; revision: bigint }>({
    name: 'streams-set-aside',
    text: `select stream_name, revision from operations.failed_events
           where projection = $1 and next_try_at is not null`,
    values: [consumer],
  });
  return new Map(rows.map(({ stream_name, revision }) => [stream_name, revision]));
}

/** Positions of the events that operators decided to leave out. */
export async function skippedPositions(
  database: Queryable,
  consumer: string,
): Promise<ReadonlySet<LogPosition>> {
  const { rows } = await database.query<{ position: bigint }>({
    name: 'skipped-positions',
    text: `select position from operations.failed_events where projection = $1 and status = 'skipped'`,
    values: [consumer],
  });
  return new Set(rows.map(({ position }) => position));
}

/** What a consumer has set aside, for health checks. */
export interface FailingEvents {
  readonly events: number;
  /** Of one of them. */
  readonly type: string;
  readonly error: string;
}

/**
 * Events of a consumer that wait for another try, or for a decision to be carried out.
 *
 * @returns `failing` all of them, undefined when there are none; `due` those whose time has come, the most urgent first,
 *   at most as many as the limit says
 */
export async function findWaitingEvents(
  database: Queryable,
  consumer: string,
  limit: number,
): Promise<{ readonly failing: FailingEvents | undefined; readonly due: readonly FailedEvent[] }> {
  const { rows } = await database.query<FailedEventRow & { waiting: bigint; is_due: boolean }>({
    name: 'find-waiting-events',
    text: `select ${COLUMNS}, count(*) over () as waiting, next_try_at <= now() as is_due
           from operations.failed_events
           where projection = $1 and next_try_at is not null
           order by next_try_at limit $2`,
    values: [consumer, Math.max(limit, 1)],
  });
  const [first] = rows;
  return {
    failing: first && { events: Number(first.waiting), type: first.type, error: first.error },
    due: rows.filter((row) => row.is_due).map(recordOf<FailedEvent>),
  };
}

/**
 * Keeps operators from deciding about the event until the transaction ends.
 *
 * @returns false when it was decided upon since it was found, and is to be looked at again
 */
export async function lockFailedEvent(
  transaction: Queryable,
  { consumer, position, status }: FailedEvent,
): Promise<boolean> {
  const { rows } = await transaction.query({
    name: 'lock-failed-event',
    text: `select 1 from operations.failed_events
           where projection = $1 and position = $2 and status = $3 for update`,
    values: [consumer, position, status],
  });
  return rows.length > 0;
}

/** Notes that nothing is left to be done about an event: it was handled, or the decision about it was carried out. */
export async function settleFailedEvent(
  database: Queryable,
  { consumer, position }: FailedEvent,
): Promise<void> {
  await database.query({
    name: 'settle-failed-event',
    text: `update operations.failed_events
           set status = case status when 'failing' then 'resolved' else status end,
               decided_at = coalesce(decided_at, now()), next_try_at = null
           where projection = $1 and position = $2`,
    values: [consumer, position],
  });
}

/**
 * Has every event of the consumer that waits tried at once: another version, or mended settings, may handle it. Forgets
 * those that were handled a month ago.
 */
export async function retryAllFailedEvents(database: Queryable, consumer: string): Promise<void> {
  await database.query({
    name: 'retry-all-failed-events',
    text: `update operations.failed_events set next_try_at = now()
           where projection = $1 and next_try_at > now()`,
    values: [consumer],
  });
  await database.query({
    name: 'forget-resolved-events',
    text: `delete from operations.failed_events
           where projection = $1 and status = 'resolved' and next_try_at is null
             and decided_at < now() - interval '30 days'`,
    values: [consumer],
  });
}

/**
 * Has the leaders try an event again at once.
 *
 * @returns the consumers in which it fails
 */
export async function requestRetry(
  database: Queryable,
  position: LogPosition,
): Promise<readonly string[]> {
  const { rows } = await database.query<{ consumer: string }>({
    text: `update operations.failed_events set next_try_at = now()
           where position = $1 and status = 'failing' returning projection as consumer`,
    values: [position],
  });
  return rows.map(({ consumer }) => consumer);
}

/**
 * Leaves an event out of every consumer in which it fails, and of those in which it will, now and in every rebuild. The
 * leaders carry it out: later events of the stream follow.
 *
 * @returns the consumers in which it fails now; nothing was decided when there are none
 */
export async function skipFailedEvent(
  database: Queryable,
  position: LogPosition,
  decision: { readonly by: string; readonly reason: string },
): Promise<readonly string[]> {
  const { rows } = await database.query<{ consumer: string }>({
    text: `update operations.failed_events
           set status = 'skipped', decided_at = now(), decided_by = $2, reason = $3, next_try_at = now()
           where position = $1 and status = 'failing' returning projection as consumer`,
    values: [position, decision.by, decision.reason],
  });
  return rows.map(({ consumer }) => consumer);
}

/**
 * Newest first; those that fail before all others.
 *
 * @param consumer of all of them when left out
 */
export async function listFailedEvents(
  database: Queryable,
  consumer?: string,
  limit = 100,
): Promise<readonly FailedEvent[]> {
  const { rows } = await database.query<FailedEventRow>({
    text: `select ${COLUMNS} from operations.failed_events where $1::text is null or projection = $1
           order by (status = 'failing') desc, last_failed_at desc limit $2`,
    values: [consumer ?? null, limit],
  });
  return rows.map(recordOf<FailedEvent>);
}

/** How many events of one type fail in one consumer for one reason. */
export interface FailingEventCount {
  readonly consumer: string;
  readonly type: string;
  /** The kind of fault. */
  readonly reason: string;
  readonly count: number;
}

/** What fails now, in all consumers. */
export async function countFailingEvents(
  database: Queryable,
): Promise<readonly FailingEventCount[]> {
  const { rows } = await database.query<Omit<FailingEventCount, 'count'> & { count: bigint }>({
    name: 'count-failing-events',
    text: `select projection as consumer, type, split_part(error, ':', 1) as reason, count(*) as count
           from operations.failed_events where next_try_at is not null and status <> 'skipped'
           group by 1, 2, 3`,
  });
  return rows.map((row) => ({ ...row, count: Number(row.count) }));
}
