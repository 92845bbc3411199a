import type { Queryable, Statement } from '@app/postgres';
import { PasswordCheck } from '../basic-auth/password-check.js';
import { VerifiedCredentials } from '../basic-auth/verified-credentials.js';
import { limitSettings, limitsOf } from '../limits/limits.js';
import type { Limits } from '../limits/limits.js';
import { Throttle } from '../limits/throttle.js';
import type { ExampleAccounts } from './example-accounts.js';

/** Buckets that never flow back, and marks that last, kept in memory by what the two statements are given. */
export class ExampleBuckets implements Queryable {
  readonly taken = new Map<string, number>();
  readonly marks = new Set<string>();
  /** Statements so far. */
  asked = 0;
  fault: Error | undefined;

  async query<Row>({ name, values = [] }: Statement) {
    this.asked++;
    if (this.fault) throw this.fault;
    if (name === 'settle-and-take-from-buckets') this.change(values.slice(8), false);
    const rows: readonly unknown[] = this.change(values, name !== 'settle-buckets');
    return { rows: rows as readonly Row[], rowCount: rows.length };
  }

  private change(values: readonly unknown[], isTake: boolean) {
    const [keys, , capacities, whileMarked, markedCapacities, groups, marks, , refilled = []] =
      values as [
        string[],
        number[],
        number[],
        (string | null)[],
        (number | null)[],
        string[],
        string[],
        number[],
        string[]?,
      ];
    const counted = keys.flatMap((key, index) => {
      const mark = whileMarked[index] ?? null;
      const isMarked = mark !== null && this.marks.has(mark);
      const capacity = isMarked ? markedCapacities[index] : capacities[index];
      const group = groups[index] ?? '';
      return capacity === null || capacity === undefined ? [] : [{ key, capacity, group }];
    });
    const takenFrom = (key: string) => this.taken.get(key) ?? 0;
    const empty = isTake ? counted.filter(({ key, capacity }) => takenFrom(key) >= capacity) : [];
    const refused = new Set(empty.map(({ group }) => group));
    if (!refused.has('')) {
      for (const { key, group } of counted) {
        if (!refused.has(group)) this.taken.set(key, takenFrom(key) + (isTake ? 1 : -1));
      }
      for (const mark of marks) this.marks.add(mark);
    }
    for (const key of isTake ? [] : refilled) this.taken.delete(key);
    return empty.map(({ key, group }) => ({ key, part: group, retry_in_ms: 90_000 }));
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
