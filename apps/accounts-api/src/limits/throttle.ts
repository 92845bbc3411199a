import { createHmac, hkdfSync } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { giveBackToBuckets, removeFullBuckets, takeFromBuckets } from './buckets.js';
import type { BucketDemand } from './buckets.js';
import type { Queryable } from '@app/postgres';
import { LRUCache } from 'lru-cache';
import { refillMsOf } from './limits.js';
import type { Limit } from './limits.js';

/** One caller who is counted under a limit. */
export interface Counted {
  readonly limit: Limit;
  /** Who calls: an account, a network. Never stored as it is. */
  readonly caller: string;
}

/** The caller has used up a limit. */
export class LimitExceeded extends Error {
  constructor(
    /** The limit that takes longest to have room again. */
    readonly limit: Limit,
    readonly retryAfterSeconds: number,
    /** False when this process answered from memory, because it had only just asked. */
    readonly isNew: boolean,
  ) {
    super(`the limit ${limit.name} is used up`);
    this.name = 'LimitExceeded';
  }
}

/** Injection token of the configured limits. */
export const LIMITS = Symbol('Limits');

const KEY_BYTES = 32;
const BUCKET_NAME_BYTES = 18;
/** For so long a process does not ask again about a bucket that was empty: a flood costs no statements. */
const REMEMBER_EMPTY_MS = 1_000;
const MOST_REMEMBERED = 10_000;

/**
 * Counts calls in buckets that all processes share. When the buckets cannot be reached it refuses every
 * call: an attacker who makes the database fail must not switch the limits off.
 */
export class Throttle {
  private readonly key: Buffer;
  /** Buckets that were found empty a moment ago; times are those of `performance.now()`. */
  private readonly empty = new LRUCache<string, { askAgainAt: number; freeAt: number }>({
    max: MOST_REMEMBERED,
  });

  /** @param secret the same in all processes; names buckets, so that these reveal nothing of the callers */
  constructor(
    private readonly database: Queryable,
    secret: Buffer,
  ) {
    this.key = Buffer.from(hkdfSync('sha256', secret, '', 'throttle/v1', KEY_BYTES));
  }

  /**
   * Counts one call for each, or for none when one has no room left.
   *
   * @throws LimitExceeded, DatabaseUnavailable
   */
  async take(counted: readonly Counted[]): Promise<void> {
    const byKey = new Map(counted.map((one) => [this.bucketOf(one), one]));
    const now = performance.now();
    for (const [key, { limit }] of byKey) {
      const known = this.empty.get(key);
      if (known && known.askAgainAt > now) {
        throw new LimitExceeded(limit, (known.freeAt - now) / 1_000, false);
      }
    }
    const empty = await takeFromBuckets(this.database, demandsOf(byKey));
    const [longest] = [...empty].sort((one, other) => other.retryInMs - one.retryInMs);
    if (longest === undefined) return;
    for (const { key, retryInMs } of empty) this.remember(key, retryInMs);
    const limit = byKey.get(longest.key)?.limit;
    if (limit === undefined) throw new Error('a bucket that was not asked for is empty');
    throw new LimitExceeded(limit, longest.retryInMs / 1_000, true);
  }

  /**
   * Undoes `take` for a call that turned out not to count.
   *
   * @throws DatabaseUnavailable
   */
  async giveBack(counted: readonly Counted[]): Promise<void> {
    const byKey = new Map(counted.map((one) => [this.bucketOf(one), one]));
    for (const key of byKey.keys()) this.empty.delete(key);
    await giveBackToBuckets(this.database, demandsOf(byKey));
  }

  /** Removes buckets that are full again. To be called now and then. */
  async tidyUp(): Promise<void> {
    await removeFullBuckets(this.database);
  }

  private bucketOf({ limit, caller }: Counted): string {
    return createHmac('sha256', this.key)
      .update(`${limit.name}\0${caller}`, 'utf8')
      .digest()
      .toString('base64url', 0, BUCKET_NAME_BYTES);
  }

  private remember(key: string, retryInMs: number): void {
    const now = performance.now();
    const askAgainAt = now + Math.min(retryInMs, REMEMBER_EMPTY_MS);
    this.empty.set(key, { askAgainAt, freeAt: now + retryInMs });
  }
}

function demandsOf(byKey: ReadonlyMap<string, Counted>): BucketDemand[] {
  return [...byKey].map(([key, { limit }]) => ({
    key,
    capacity: limit.perHour,
    refillMs: refillMsOf(limit),
  }));
}
