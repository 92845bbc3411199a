import type { Queryable, Statement } from '@app/postgres';
import { PasswordCheck } from '../basic-auth/password-check.js';
import { VerifiedCredentials } from '../basic-auth/verified-credentials.js';
import { limitSettings, limitsOf } from '../limits/limits.js';
import type { Limits } from '../limits/limits.js';
import { Throttle } from '../limits/throttle.js';
import type { ExampleAccounts } from './example-accounts.js';

/** What the statement that counts calls is given for each of them. */
export interface CountedCall {
  readonly giveBack?: readonly Demand[];
  readonly refill?: readonly string[];
  readonly marksBefore?: readonly { readonly key: string }[];
  readonly demands?: readonly Demand[];
  readonly marks?: readonly { readonly key: string }[];
}

interface Demand {
  readonly key: string;
  readonly capacity: number;
  readonly part: string;
  readonly mark?: string;
  readonly marked_capacity?: number;
}

/** Buckets that never flow back, and marks that last, kept in memory by what the statement is given. */
export class ExampleBuckets implements Queryable {
  readonly taken = new Map<string, number>();
  readonly marks = new Set<string>();
  /** Statements so far. */
  asked = 0;
  fault: Error | undefined;

  async query<Row>({ values = [] }: Statement) {
    this.asked++;
    if (this.fault) throw this.fault;
    const calls = JSON.parse(String(values[0])) as readonly CountedCall[];
    const rows: readonly unknown[] = calls.flatMap((call, index) =>
      this.count(call).map(({ key, part }) => ({
        call: index + 1,
        key,
        part,
        retry_in_ms: 90_000,
      })),
    );
    return { rows: rows as readonly Row[], rowCount: rows.length };
  }

  private count(call: CountedCall) {
    const { giveBack = [], refill = [], marksBefore = [], demands = [], marks = [] } = call;
    for (const { key } of this.thatCount(giveBack)) this.add(key, -1);
    for (const key of refill) this.taken.delete(key);
    for (const { key } of marksBefore) this.marks.add(key);
    const counted = this.thatCount(demands);
    const empty = counted.filter(({ key, capacity }) => (this.taken.get(key) ?? 0) >= capacity);
    const refused = new Set(empty.map(({ part }) => part));
    if (refused.has('')) return empty;
    for (const { key, part } of counted) if (!refused.has(part)) this.add(key, 1);
    for (const { key } of marks) this.marks.add(key);
    return empty;
  }

  private thatCount(demands: readonly Demand[]) {
    return demands.flatMap(({ key, capacity, part, mark, marked_capacity: markedCapacity }) => {
      const isMarked = mark !== undefined && this.marks.has(mark);
      const now = isMarked ? markedCapacity : capacity;
      return now === undefined ? [] : [{ key, part, capacity: now }];
    });
  }

  private add(key: string, calls: number): void {
    this.taken.set(key, (this.taken.get(key) ?? 0) + calls);
  }

  /** Calls that count at the moment, over all buckets. */
  get total(): number {
    return [...this.taken.values()].reduce((sum, taken) => sum + taken, 0);
  }
}

/** The limits of the settings' defaults, some of them changed. */
export function exampleLimits(
  change: Partial<Record<keyof ReturnType<typeof limitSettings>, number>> = {},
): Limits {
  const presets = Object.entries(limitSettings(true)).map(([name, setting]) => [
    name,
    setting.parse(undefined),
  ]);
  const settings = Object.fromEntries(presets) as Parameters<typeof limitsOf>[0];
  return limitsOf({ ...settings, ...change });
}

export function examplePasswordCheck(
  accounts: ExampleAccounts,
  {
    buckets = new ExampleBuckets(),
    limits = exampleLimits(),
    cacheMs = 0,
    verified = new VerifiedCredentials(cacheMs, () => accounts.now),
  }: {
    buckets?: Queryable;
    limits?: Limits;
    cacheMs?: number;
    verified?: VerifiedCredentials;
  } = {},
): PasswordCheck {
  return new PasswordCheck(
    accounts.passwordHasher,
    limits,
    new Throttle(buckets, Buffer.alloc(32)),
    verified,
    accounts.upgrades,
    accounts.securityEvents,
  );
}
