import type { LogPosition } from '@app/event-store';
import { recordOf } from '@app/postgres';
import type { ColumnsOf, Queryable } from '@app/postgres';
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
  const { rows } = await database.query<ColumnsOf<StoredRebuild>>({
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

/** What a row says of a rebuild. */
interface StoredRebuild extends Omit<
  RebuildRecord,
  'fraction' | 'secondsLeft' | 'before' | 'after'
> {
  readonly position: LogPosition | undefined;
  readonly target: LogPosition | undefined;
  readonly rowsBefore: bigint | undefined;
  readonly rowsAfter: bigint | undefined;
  readonly checksumBefore: string | undefined;
  readonly checksumAfter: string | undefined;
  readonly seconds: number;
  readonly alive: boolean;
}

function toRecord(row: ColumnsOf<StoredRebuild>): RebuildRecord {
  const stored = recordOf<StoredRebuild>(row);
  const { rowsBefore, checksumBefore, rowsAfter, checksumAfter, seconds, alive } = stored;
  const running = stored.finishedAt === undefined;
  const fraction = fractionOf(stored);
  return {
    ...stored,
    state: running && !alive ? 'abandoned' : stored.state,
    fraction,
    secondsLeft:
      running && alive && fraction > 0 ? (seconds * (1 - fraction)) / fraction : undefined,
    before: digestOf(rowsBefore, checksumBefore),
    after: digestOf(rowsAfter, checksumAfter),
  };
}

/** Positions are places in a file, so that their ratio says roughly how much of it was read. */
function fractionOf({ state, position, target }: StoredRebuild): number {
  if (state === 'switched' || state === 'different') return 1;
  if (position === undefined || target === undefined || target <= 0n) return 0;
  return Math.min(1, Number(position) / Number(target));
}

function digestOf(rows: bigint | undefined, checksum: string | undefined): TableDigest | undefined {
  return rows === undefined || checksum === undefined ? undefined : { rows, checksum };
}
