import type { Queryable } from '@app/postgres';

/** One call's share of a limit. */
export interface BucketDemand {
  /** Names limit and caller. */
  readonly key: string;
  /** Calls that fit into the bucket when it is full. */
  readonly capacity: number;
  /** How long it takes until one more call fits in, in milliseconds. */
  readonly refillMs: number;
  /** While this mark stands, the call sees a bucket of that capacity; left out, the call does not count. */
  readonly whileMarked?: { readonly mark: string; readonly capacity?: number };
  /** Left out, the call needs it; else the buckets of one name are taken from together or not at all. */
  readonly group?: string;
}

/** Remembers for a while that something happened. Stands beside the buckets, under a name like theirs. */
export interface BucketMark {
  readonly key: string;
  readonly lastsMs: number;
}

/** A bucket that has nothing left. */
export interface EmptyBucket {
  readonly key: string;
  /** The group that was left out for it; undefined when nothing was taken. */
  readonly group: string | undefined;
  /** From when on one more call fits in, in milliseconds from now. */
  readonly retryInMs: number;
}

/** The demands that count now; six parameters from this one on are their columns. A group without a name is needed. */
const countedDemands = (first: number) => `
  select d.key, part, make_interval(secs => refill_ms / 1000) as refill,
         make_interval(secs => refill_ms / 1000
           * case when marked.key is null then capacity else marked_capacity end) as capacity
  from set_config('synchronous_commit', 'off', true),
       unnest($${first}::text[], $${first + 1}::float8[], $${first + 2}::float8[], $${first + 3}::text[],
           $${first + 4}::float8[], $${first + 5}::text[])
         as d (key, refill_ms, capacity, mark, marked_capacity, part)
       left join throttling.buckets as marked on marked.key = d.mark and marked.full_at > now()
  where marked.key is null or marked_capacity is not null`;

/**
 * Locked in the order of the keys, so that two statements rarely wait for each other in a circle: only where a bucket came into
 * being meanwhile. PostgreSQL ends one of them then, and it is repeated.
 */
const known = (keys: string) => `
  select key, full_at from throttling.buckets where key = any(${keys}) order by key for update`;

/** What an outcome does to the buckets that are known; nine parameters from this one on. */
const settled = (first: number) => `
  settled_demand as (${countedDemands(first)}
  ), given as (
    update throttling.buckets as bucket set full_at = full_at - refill
    from settled_demand as demand where bucket.key = demand.key and bucket.key in (select key from known)
  ), refilled as (
    delete from throttling.buckets
    where key = any($${first + 8}::text[]) and key in (select key from known)
  ), settled_mark as (
    insert into throttling.buckets (key, full_at)
    select key, now() + make_interval(secs => lasts_ms / 1000)
    from unnest($${first + 6}::text[], $${first + 7}::float8[]) as m (key, lasts_ms)
    where (select count(*) from known) >= 0
    on conflict (key) do update set full_at = excluded.full_at
  )`;

/**
 * Takes one call out of each bucket, or out of none when one of them is empty; an empty bucket of a group keeps only
 * its group from being taken. One statement, by the
 * server's clock, so that any number of processes share the buckets and calls at the same time cannot take
 * more than there is.
 *
 * The commit does not wait for the disk: a crash of the server gives back what was taken in the last
 * moment.
 *
 * @param marks stand from now on, if the calls are taken
 * @param outcome of another call, settled by the same statement whether these calls are taken or not; of other buckets
 * @returns the buckets at fault; none when the calls were taken
 * @throws DatabaseUnavailable
 */
export async function takeFromBuckets(
  database: Queryable,
  demands: readonly BucketDemand[],
  marks: readonly BucketMark[] = [],
  outcome?: BucketOutcome,
): Promise<readonly EmptyBucket[]> {
  const { rows } = await database.query<EmptyRow>({
    name: outcome ? 'settle-and-take-from-buckets' : 'take-from-buckets',
    text: `with demand as (${countedDemands(1)}
           ), known as (${known(outcome ? '$1::text[] || $9::text[] || $17::text[]' : '$1::text[]')}
           ), ${outcome ? `${settled(9)}, ` : ''}wanted as (
             select key, part, refill, capacity,
                    greatest(coalesce(full_at, now()), now()) + refill - capacity - now() as retry_in
             from demand left join known using (key)
           ), refused as (
             select part from wanted group by part having max(retry_in) > interval '0'
           ), possible as (
             select * from wanted
             where not exists (
               select from refused where part = '' or part = wanted.part)
           ), taken as (
             insert into throttling.buckets as bucket (key, full_at)
             select key, now() + refill from possible
             order by key
             on conflict (key) do update
               set full_at = greatest(bucket.full_at, now()) + (excluded.full_at - now())
               -- Checked again for a bucket that came into being meanwhile.
               where greatest(bucket.full_at, now()) + (excluded.full_at - now())
                     <= now() + (select capacity from demand where demand.key = excluded.key)
             returning key
           ), marked as (
             insert into throttling.buckets (key, full_at)
             select key, now() + make_interval(secs => lasts_ms / 1000)
             from unnest($7::text[], $8::float8[]) as m (key, lasts_ms)
             -- After the buckets, so that two statements never lock the same rows in opposite order.
             where (select count(*) from taken) > 0
             on conflict (key) do update set full_at = excluded.full_at
           )
           select key, part, greatest(extract(epoch from retry_in), 0)::float8 * 1000 as retry_in_ms
           from wanted
           where retry_in > interval '0'
              or (key in (select key from possible) and key not in (select key from taken))`,
    values: [
      ...columns(demands),
      ...markColumns(marks),
      ...(outcome ? outcomeColumns(outcome) : []),
    ],
  });
  return rows.map(({ key, part, retry_in_ms: retryInMs }) => ({
    key,
    group: part === '' ? undefined : part,
    retryInMs,
  }));
}

interface EmptyRow {
  readonly key: string;
  readonly part: string;
  readonly retry_in_ms: number;
}

/** What becomes of buckets when the outcome of a call is known. */
export interface BucketOutcome {
  /** Undoes `takeFromBuckets` for these. */
  readonly giveBack?: readonly BucketDemand[];
  /** Keys of buckets that are full again. */
  readonly refill?: readonly string[];
  /** Stand from now on. */
  readonly marks?: readonly BucketMark[];
}

/** @throws DatabaseUnavailable */
export async function settleBuckets(database: Queryable, outcome: BucketOutcome): Promise<void> {
  await database.query({
    name: 'settle-buckets',
    text: `with known as (${known('$1::text[] || $9::text[]')}), ${settled(1)} select`,
    values: outcomeColumns(outcome),
  });
}

const MOST_REMOVED = 5_000;

/**
 * Removes full buckets, which are the same as none. Buckets in use are left alone.
 *
 * @throws DatabaseUnavailable
 */
export async function removeFullBuckets(database: Queryable): Promise<void> {
  let removed: number;
  do {
    const { rowCount } = await database.query({
      name: 'remove-full-buckets',
      text: `delete from throttling.buckets where key in (
               select key from throttling.buckets
               where full_at < now() order by key limit $1 for update skip locked)`,
      values: [MOST_REMOVED],
    });
    removed = rowCount;
  } while (removed === MOST_REMOVED);
}

/** In the order of the keys, so that two statements never lock the same rows in opposite order. */
function columns(demands: readonly BucketDemand[]): unknown[] {
  const ordered = [...demands].sort((one, other) => (one.key < other.key ? -1 : 1));
  return [
    ordered.map(({ key }) => key),
    ordered.map(({ refillMs }) => refillMs),
    ordered.map(({ capacity }) => capacity),
    ordered.map(({ whileMarked }) => whileMarked?.mark ?? null),
    ordered.map(({ whileMarked }) => whileMarked?.capacity ?? null),
    ordered.map(({ group }) => group ?? ''),
  ];
}

function outcomeColumns({ giveBack = [], refill = [], marks = [] }: BucketOutcome): unknown[] {
  return [...columns(giveBack), ...markColumns(marks), refill];
}

function markColumns(marks: readonly BucketMark[]): unknown[] {
  return [marks.map(({ key }) => key), marks.map(({ lastsMs }) => lastsMs)];
}
