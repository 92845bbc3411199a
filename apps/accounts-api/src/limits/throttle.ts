import { performance } from 'node:perf_hooks';
import { countCalls, removeFullBuckets } from './buckets.js';
import type {
  BucketCall,
  BucketDemand,
  BucketMark,
  BucketOutcome,
  EmptyBucket,
} from './buckets.js';
import { BucketNames } from '@app/account-secrets';
import { Batcher } from '@app/postgres';
import type { Queryable } from '@app/postgres';
import { LRUCache } from 'lru-cache';
import type { ClientNetworks } from '../client-address/network.js';
import type { Limit, NetworkLimits } from './limits.js';

/** One caller who is counted under a limit. */
export interface Counted {
  readonly limit: Limit;
  /** Who calls: an account, a network. Never stored as it is. */
  readonly caller: string;
  /** The account id or inbox that is concerned: what has one can be ended by operators. */
  readonly of?: string;
  /** While this mark stands, the limit's calls again count; a limit without does not count the call then. */
  readonly whileMarked?: Mark;
}

/** Remembers something of a caller for a while. */
export interface Mark {
  /** Fixed: it is part of the name of every mark. */
  readonly name: string;
  /** Never stored as it is. */
  readonly caller: string;
  /** As with what is counted. */
  readonly of?: string;
  readonly lastsMs: number;
}

/** What a call may do without. */
export interface TakeOptions<Name extends string> {
  /** By name, what is counted together or not at all. */
  readonly allowances?: Readonly<Record<Name, readonly Counted[]>>;
  /** Stand from now on, if the call is counted. */
  readonly marks?: readonly Mark[];
  /** Of what the same caller was counted for before: settled by the same statement, whether this call is counted or not. */
  readonly settling?: Outcome | undefined;
}

/** What the outcome of a call means for what was taken. */
export interface Outcome {
  /** Calls that turned out not to count. */
  readonly giveBack?: readonly Counted[];
  /** Limits that begin anew. */
  readonly refill?: readonly Counted[];
  readonly marks?: readonly Mark[];
}

/** A client under the limits of all its networks. */
export function countedBy(limits: NetworkLimits, networks: ClientNetworks): Counted[] {
  const { host, site, network } = networks;
  return [
    { limit: limits.host, caller: host },
    ...(site === undefined ? [] : [{ limit: limits.site, caller: site }]),
    { limit: limits.network, caller: network },
  ];
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

/** For so long a process does not ask again about a bucket that was empty: a flood costs no statements. */
const REMEMBER_EMPTY_MS = 1_000;
const MOST_REMEMBERED = 10_000;
/** What is put off waits no longer for a statement that it can go with. */
const PUT_OFF_FOR_MS = 1_000;

/**
 * Counts calls in buckets that all processes share. When the buckets cannot be reached it refuses every
 * call: an attacker who makes the database fail must not switch the limits off.
 */
export class Throttle {
  private readonly names: BucketNames;
  /** One at a time: statements at the same time would wait for each other's buckets. */
  private readonly calls: Batcher<BucketCall, readonly EmptyBucket[]>;
  /** Buckets that were found empty a moment ago; times are those of `performance.now()`. */
  private readonly empty = new LRUCache<string, { askAgainAt: number; freeAt: number }>({
    max: MOST_REMEMBERED,
  });
  /** Each settles an outcome that was put off; undefined while there is none. */
  private putOff:
    | { readonly settle: (() => Promise<void>)[]; readonly timer: NodeJS.Timeout }
    | undefined;

  /** @param secret the same in all processes; names buckets, so that these reveal nothing of the callers */
  constructor(
    private readonly database: Queryable,
    secret: Buffer,
  ) {
    this.names = new BucketNames(secret);
    this.calls = new Batcher((calls) => countCalls(database, calls), 1);
  }

  /**
   * Counts one call for each, or for none when one has no room left.
   *
   * @returns the allowances that are used up; the call was counted without them
   * @throws LimitExceeded, DatabaseUnavailable
   */
  async take<Name extends string = never>(
    counted: readonly Counted[],
    { allowances, marks = [], settling }: TakeOptions<Name> = {},
  ): Promise<ReadonlySet<Name>> {
    const needed = this.demandsOf(counted);
    const byKey = new Map(counted.map((one, index) => [needed[index]?.key, one]));
    const groups = Object.entries<readonly Counted[]>(allowances ?? {});
    const now = performance.now();
    for (const [key = '', { limit, whileMarked }] of byKey) {
      const known = whileMarked ? undefined : this.empty.get(key);
      if (known && known.askAgainAt > now) {
        if (settling) await this.settle(settling);
        throw new LimitExceeded(limit, (known.freeAt - now) / 1_000, false);
      }
    }
    void this.settlePutOff();
    const allowed = groups.flatMap(([group, ofGroup]) => this.demandsOf(ofGroup, group));
    const empty = await this.calls.ask({
      demands: [...needed, ...allowed],
      marks: this.marksOf(marks),
      settled: settling && this.outcomeOf(settling),
    });
    const atFault = empty.filter(({ group }) => group === undefined);
    const [longest] = atFault.sort((one, other) => other.retryInMs - one.retryInMs);
    if (longest === undefined) return new Set(empty.map(({ group }) => group as Name));
    for (const { key, retryInMs } of atFault) this.remember(key, retryInMs);
    const limit = byKey.get(longest.key)?.limit;
    if (limit === undefined) throw new Error('a bucket that was not asked for is empty');
    throw new LimitExceeded(limit, longest.retryInMs / 1_000, true);
  }

  /**
   * To be called when the outcome of a call is known that `take` has counted.
   *
   * @throws DatabaseUnavailable
   */
  async settle(outcome: Outcome): Promise<void> {
    void this.settlePutOff();
    await this.calls.ask({ settled: this.outcomeOf(outcome) });
  }

  /**
   * The same for an outcome that nobody waits for: it goes with the next statement, before what that counts, or alone
   * after a second. A process that is killed before leaves the call counted.
   *
   * @throws DatabaseUnavailable
   */
  settleSoon(outcome: Outcome): Promise<void> {
    return new Promise((resolve, reject) => {
      this.putOff ??= {
        settle: [],
        timer: setTimeout(() => void this.settlePutOff(), PUT_OFF_FOR_MS),
      };
      this.putOff.settle.push(() => this.settle(outcome).then(resolve, reject));
    });
  }

  /** Settles what was put off. To be called when no more calls come. */
  async settlePutOff(): Promise<void> {
    if (this.putOff === undefined) return;
    const { settle, timer } = this.putOff;
    this.putOff = undefined;
    clearTimeout(timer);
    await Promise.all(settle.map((one) => one()));
  }

  /** Removes buckets that are full again. To be called now and then. */
  async tidyUp(): Promise<void> {
    await removeFullBuckets(this.database);
  }

  private outcomeOf({ giveBack = [], refill = [], marks = [] }: Outcome): BucketOutcome {
    const given = this.demandsOf(giveBack);
    const refilled = refill.map((one) => this.bucketOf(one));
    for (const key of [...given.map(({ key }) => key), ...refilled]) this.empty.delete(key);
    return { giveBack: given, refill: refilled, marks: this.marksOf(marks) };
  }

  private bucketOf({ limit, caller, of }: Counted): string {
    return this.names.nameOf(limit.name, caller, of);
  }

  private nameOfMark({ name, caller, of }: Mark): string {
    return this.names.nameOf(name, caller, of);
  }

  private demandsOf(counted: readonly Counted[], group?: string): BucketDemand[] {
    return counted.map((one) => {
      const { limit, whileMarked } = one;
      return {
        key: this.bucketOf(one),
        capacity: limit.calls,
        refillMs: limit.periodMs / limit.calls,
        ...(group !== undefined && { group }),
        ...(whileMarked && {
          whileMarked: {
            mark: this.nameOfMark(whileMarked),
            ...(limit.callsAgain !== undefined && { capacity: limit.callsAgain }),
          },
        }),
      };
    });
  }

  private marksOf(marks: readonly Mark[]): BucketMark[] {
    return marks.map((mark) => ({ key: this.nameOfMark(mark), lastsMs: mark.lastsMs }));
  }

  private remember(key: string, retryInMs: number): void {
    const now = performance.now();
    const askAgainAt = now + Math.min(retryInMs, REMEMBER_EMPTY_MS);
    this.empty.set(key, { askAgainAt, freeAt: now + retryInMs });
  }
}
