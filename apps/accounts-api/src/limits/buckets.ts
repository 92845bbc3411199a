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

/** What becomes of buckets when the outcome of a call is known. */
export interface BucketOutcome {
  /** Undoes for these what a call took. */
  readonly giveBack?: readonly BucketDemand[];
  /** Keys of buckets that are full again. */
  readonly refill?: readonly string[];
  /** Stand from now on. */
  readonly marks?: readonly BucketMark[];
}

/** What one call takes out of buckets, or settles of what it took before. */
export interface BucketCall {
  readonly demands?: readonly BucketDemand[];
  /** Stand from now on, if the call is counted. */
  readonly marks?: readonly BucketMark[];
  /** Comes before the demands, whether these are taken or not; of other buckets. */
  readonly settled?: BucketOutcome | undefined;
}

/**
 * Takes one call out of each of its buckets, or out of none when one of them is empty; an empty bucket of a group keeps only
 * its group from being taken. Calls are counted one after the other, by one statement and the
 * server's clock, so that any number of processes share the buckets and calls at the same time cannot take
 * more than there is.
 *
 * The commit does not wait for the disk: a crash of the server gives back what was taken in the last
 * moment.
 *
 * @returns for each call the buckets at fault; none when all of its buckets were taken
 * @throws DatabaseUnavailable
 */
export async function countCalls(
  database: Queryable,
  calls: readonly BucketCall[],
): Promise<readonly (readonly EmptyBucket[])[]> {
  const { rows } = await database.query<EmptyRow>({
    name: 'count-calls',
    text: 'select call, key, part, retry_in_ms from throttling.count_calls($1, $2)',
    values: [JSON.stringify(calls.map(requestOf)), [...new Set(calls.flatMap(keysOf))]],
  });
  return calls.map((_, index) =>
    rows
      .filter(({ call }) => call === index + 1)
      .map(({ key, part, retry_in_ms: retryInMs }) => ({
        key,
        group: part === '' ? undefined : part,
        retryInMs,
      })),
  );
}

interface EmptyRow {
  readonly call: number;
  readonly key: string;
  readonly part: string;
  readonly retry_in_ms: number;
}

/** Without what is empty: each step that is named is made. */
function requestOf({ demands = [], marks = [], settled = {} }: BucketCall) {
  const { giveBack = [], refill = [], marks: marksBefore = [] } = settled;
  const steps = {
    giveBack: giveBack.map(demandOf),
    refill,
    marksBefore: marksBefore.map(markOf),
    demands: demands.map(demandOf),
    marks: marks.map(markOf),
  };
  return Object.fromEntries(Object.entries(steps).filter(([, step]) => step.length > 0));
}

function demandOf({ key, capacity, refillMs, whileMarked, group = '' }: BucketDemand) {
  return {
    key,
    capacity,
    refill_ms: refillMs,
    part: group,
    ...(whileMarked && { mark: whileMarked.mark, marked_capacity: whileMarked.capacity }),
  };
}

function markOf({ key, lastsMs }: BucketMark) {
  return { key, lasts_ms: lastsMs };
}

function keysOf({ demands = [], marks = [], settled = {} }: BucketCall): readonly string[] {
  const { giveBack = [], refill = [], marks: marksBefore = [] } = settled;
  return [...[...demands, ...marks, ...giveBack, ...marksBefore].map(({ key }) => key), ...refill];
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
