import type { LogPosition } from '@app/event-store';
import type { Queryable } from '@app/postgres';
import type { TableDigest } from './aside-table.js';

export type RebuildState =
  | 'building'
  | 'comparing'
  | 'switched'
  | 'different'
  | 'failed'
  | 'abandoned';

/** One rebuild of a projection's rows: how far it is, or what became of it. */
export interface RebuildRecord {
  readonly rebuildId: string;
  readonly projection: string;
  /** `abandoned`: its process is gone; the rows that were there before go on serving. */
  readonly state: RebuildState;
  readonly startedAt: Date;
  readonly startedBy: string;
  readonly finishedAt: Date | undefined;
  readonly events: bigint;
  readonly eventsPerSecond: number;
  /** How much of the log has been worked through, from 0 to 1. An estimate by position. */
  readonly fraction: number;
  /** In seconds; undefined while nothing can be said. */
  readonly secondsLeft: number | undefined;
  readonly before: TableDigest | undefined;
  readonly after: TableDigest | undefined;
  readonly error: string | undefined;
}

/** Advisory lock that a rebuild holds as long as its process lives. */
export function rebuildLock(projection: string): string {
  return `rebuild of ${projection}`;
}

export async function insertRebuild(
  database: Queryable,
  rebuild: { readonly rebuildId: string; readonly projection: string; readonly startedBy: string },
): Promise<void> {
  await database.query({
    text: `insert into operations.rebuilds (rebuild_id, projection, state, started_by)
           values ($1, $2, 'building', $3)`,
    values: [rebuild.rebuildId, rebuild.projection, rebuild.startedBy],
  });
}

/** The caller holds the lock, so no other rebuild is under way. */
export async function markAbandoned(database: Queryable, projection: string): Promise<void> {
  await database.query({
    text: `update operations.rebuilds set state = 'abandoned', finished_at = updated_at
           where projection = $1 and finished_at is null`,
    values: [projection],
  });
}

export async function saveRebuildProgress(
  database: Queryable,
  rebuildId: string,
  progress: {
    readonly state: 'building' | 'comparing';
    readonly events: number;
    readonly eventsPerSecond: number;
    readonly position: LogPosition | undefined;
    readonly target: LogPosition;
  },
): Promise<void> {
  await database.query({
    text: `update operations.rebuilds
           set state = $2, events = $3, events_per_second = $4, position = $5, target = $6,
               updated_at = now()
           where rebuild_id = $1`,
    values: [
      rebuildId,
      progress.state,
      progress.events,
      progress.eventsPerSecond,
      progress.position,
      progress.target,
    ],
  });
}

export async function saveRebuildOutcome(
  database: Queryable,
  rebuildId: string,
  outcome: {
    readonly state: 'switched' | 'different' | 'failed';
    readonly comparedAt?: LogPosition;
    readonly before?: TableDigest;
    readonly after?: TableDigest;
    readonly error?: string;
  },
): Promise<void> {
  const { before, after } = outcome;
  await database.query({
    text: `update operations.rebuilds
           set state = $2, compared_at = $3, rows_before = $4, checksum_before = $5, rows_after = $6,
               checksum_after = $7, error = $8, updated_at = now(), finished_at = now()
           where rebuild_id = $1`,
    values: [
      rebuildId,
      outcome.state,
      outcome.comparedAt,
      before?.rows,
      before?.checksum,
      after?.rows,
      after?.checksum,
      outcome.error,
    ],
  });
}

/** The newest rebuild of each projection. */
export async function newestRebuilds(
  database: Queryable,
): Promise<ReadonlyMap<string, RebuildRecord>> {
  const { rows } = await database.query<RebuildRow>({
    text: `select distinct on (projection) *,
                  extract(epoch from updated_at - started_at)::float8 as seconds,
                  exists (select 1 from pg_locks
                          where locktype = 'advisory' and granted
                            and database = (select oid from pg_database where datname = current_database())
                            and (classid::bigint << 32) | objid::bigint
                                = hashtextextended('rebuild of ' || projection, 0)) as alive
           from operations.rebuilds order by projection, started_at desc`,
  });
  return new Map(rows.map((row) => [row.projection, toRecord(row)]));
}

interface RebuildRow {
  readonly rebuild_id: string;
  readonly projection: string;
  readonly state: RebuildState;
  readonly started_at: Date;
  readonly started_by: string;
  readonly finished_at: Date | null;
  readonly events: bigint;
  readonly events_per_second: number;
  readonly position: bigint | null;
  readonly target: bigint | null;
  readonly rows_before: bigint | null;
  readonly rows_after: bigint | null;
  readonly checksum_before: string | null;
  readonly checksum_after: string | null;
  readonly error: string | null;
  readonly seconds: number;
  readonly alive: boolean;
}

function toRecord(row: RebuildRow): RebuildRecord {
  const running = row.finished_at === null;
  const fraction = fractionOf(row);
  return {
    rebuildId: row.rebuild_id,
    projection: row.projection,
    state: running && !row.alive ? 'abandoned' : row.state,
    startedAt: row.started_at,
    startedBy: row.started_by,
    finishedAt: row.finished_at ?? undefined,
    events: row.events,
    eventsPerSecond: row.events_per_second,
    fraction,
    secondsLeft:
      running && row.alive && fraction > 0 ? (row.seconds * (1 - fraction)) / fraction : undefined,
    before: digestOf(row.rows_before, row.checksum_before),
    after: digestOf(row.rows_after, row.checksum_after),
    error: row.error ?? undefined,
  };
}

/** Positions are places in a file, so that their ratio says roughly how much of it was read. */
function fractionOf({ state, position, target }: RebuildRow): number {
  if (state === 'switched' || state === 'different') return 1;
  if (position === null || target === null || target <= 0n) return 0;
  return Math.min(1, Number(position) / Number(target));
}

function digestOf(rows: bigint | null, checksum: string | null): TableDigest | undefined {
  return rows === null || checksum === null ? undefined : { rows, checksum };
}
