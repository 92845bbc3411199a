import { createHmac, randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { KeyRing } from '@app/account-secrets';
import { normalizedPassword } from '@app/accounts';
import bcrypt from 'bcrypt';
import { bulkhead } from 'cockatiel';
import type { BulkheadPolicy } from 'cockatiel';
import { HIGHEST_BCRYPT_COST, HashingOverloaded, UnreadableHash } from './password-hasher.js';
import type { PasswordHasher, StoredHash } from './password-hasher.js';

export interface BcryptOptions {
  /** bcrypt's cost: 2^cost rounds. */
  readonly cost: number;
  readonly peppers: KeyRing;
  /** Hashes at a time; one per core keeps the machine busy and the event loop free. */
  readonly concurrency?: number;
  /** The longest time a password may wait for its turn, in milliseconds. */
  readonly longestWaitMs?: number;
}

export const LONGEST_HASH_WAIT_MS = 2_000;
/** Weight of the newest measurement in the running average of a hash's duration. */
const NEWEST_WEIGHT = 0.2;
/** Of `$2b$12$`. */
const PREFIX_LENGTH = 7;
const STORED = /^(?<version>v[12])\$(?<pepperId>[a-z0-9-]+)(?<bcryptHash>\$2b\$(?<cost>\d\d)\$.+)$/;

/**
 * bcrypt over a peppered digest: `v2$<pepper id>$2b$<cost>$…` holds
 * bcrypt(base64(HMAC-SHA-384(HMAC-SHA-384(pepper, account id), NFC(password)))). The digest is 64 ASCII
 * characters whatever the password, so that nothing beyond bcrypt's 72 bytes is lost; a stolen hash alone cannot
 * be searched, and one that was copied to another account proves nothing there. In `v1$…` the key is the pepper
 * itself: such a hash is read, and is out of date.
 *
 * Hashing runs on the thread pool, bounded to one per core. A caller that would wait longer than
 * `longestWaitMs` is refused at once instead.
 */
export class BcryptPasswordHasher implements PasswordHasher {
  private readonly bulkhead: BulkheadPolicy;
  private readonly longestWaitMs: number;
  private readonly concurrency: number;
  private waiting = 0;
  /** Every check does as much work as one of a hash of this cost. */
  private checkCost: number;

  private constructor(
    private readonly options: BcryptOptions,
    /** The hash of a random password without its cost, compared with when an account does not exist. */
    private readonly decoy: string,
    /** Running average of how long one hash takes, in milliseconds. */
    private hashMs: number,
  ) {
    this.concurrency = options.concurrency ?? availableParallelism();
    this.checkCost = options.cost;
    this.longestWaitMs = options.longestWaitMs ?? LONGEST_HASH_WAIT_MS;
    this.bulkhead = bulkhead(this.concurrency, Number.MAX_SAFE_INTEGER);
  }

  /** Makes one hash first: it is the decoy, and shows how long a hash takes on this machine. */
  static async create(options: BcryptOptions): Promise<BcryptPasswordHasher> {
    const startedAt = performance.now();
    const decoyHash = await bcrypt.hash(randomBytes(48).toString('base64'), options.cost);
    const decoy = decoyHash.slice(PREFIX_LENGTH);
    return new BcryptPasswordHasher(options, decoy, performance.now() - startedAt);
  }

  /**
   * Hashes of this cost may be compared with, whatever is made here: from now on a check costs as much for every
   * account and for none. Never less than what is made here.
   *
   * @param highest undefined when there are no hashes
   */
  expectCost(highest: number | undefined): void {
    const cost = Math.max(this.options.cost, highest ?? 0);
    // Each step doubles the work; the average would follow too late for the first callers.
    this.hashMs *= 2 ** (cost - this.checkCost);
    this.checkCost = cost;
  }

  async hash(password: string, accountId: string): Promise<string> {
    const { id, key } = this.options.peppers.current;
    const bcryptHash = await this.inTurn(() =>
      bcrypt.hash(peppered(password, key, accountId), newSalt(this.options.cost)),
    );
    return `v2$${id}${bcryptHash}`;
  }

  async verify(password: string, stored: StoredHash | undefined): Promise<boolean> {
    if (stored === undefined) {
      const { key } = this.options.peppers.current;
      await this.inTurn(() => bcrypt.compare(peppered(password, key, ''), this.decoyHash()));
      return false;
    }
    const { version, pepperId, bcryptHash, cost } = readHash(stored.passwordHash);
    const pepper = this.options.peppers.get(pepperId);
    // Another process made it lately, at a higher cost than this one knew of.
    if (cost > this.checkCost) this.expectCost(cost);
    const boundTo = version === 'v1' ? undefined : stored.accountId;
    return this.inTurn(async () => {
      const isRight = await bcrypt.compare(peppered(password, pepper, boundTo), bcryptHash);
      await this.spendDifference(cost);
      return isRight;
    });
  }

  isOutdated(storedHash: string): boolean {
    const { version, pepperId, cost } = readHash(storedHash);
    const { peppers, cost: costNow } = this.options;
    return version === 'v1' || cost < costNow || pepperId !== peppers.current.id;
  }

  /**
   * A hash of a lower cost is compared sooner, which would reveal an existing, old account. Each step of the
   * cost doubles the work, so one hash of each cost from there on makes up for it exactly.
   */
  private async spendDifference(cost: number): Promise<void> {
    for (let step = cost; step < this.checkCost; step++) {
      await bcrypt.hash('', newSalt(step));
    }
  }

  private decoyHash(): string {
    return `$2b$${String(this.checkCost).padStart(2, '0')}$${this.decoy}`;
  }

  /** bcrypt's cost of a check. */
  get costOfChecks(): number {
    return this.checkCost;
  }

  /** Passwords hashed or waiting to be, for metrics. */
  get load(): number {
    return this.waiting;
  }

  assertRoom(): void {
    const expectedWaitMs =
      (Math.max(0, this.waiting - this.concurrency + 1) * this.hashMs) / this.concurrency;
    if (expectedWaitMs > this.longestWaitMs) {
      throw new HashingOverloaded(Math.ceil(expectedWaitMs / 1_000));
    }
  }

  private async inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    this.assertRoom();
    this.waiting++;
    try {
      return await this.bulkhead.execute(async () => {
        const startedAt = performance.now();
        const result = await work();
        const tookMs = performance.now() - startedAt;
        this.hashMs += NEWEST_WEIGHT * (tookMs - this.hashMs);
        return result;
      });
    } finally {
      this.waiting--;
    }
  }
}

/**
 * Synchronous, because it takes microseconds: on the thread pool it would queue behind the hashes of other
 * callers.
 */
function newSalt(cost: number): string {
  return bcrypt.genSaltSync(cost);
}

/** @throws UnreadableHash */
function readHash(storedHash: string): {
  readonly version: string;
  readonly pepperId: string;
  readonly bcryptHash: string;
  readonly cost: number;
} {
  const { version, pepperId, bcryptHash, cost } = STORED.exec(storedHash)?.groups ?? {};
  if (version === undefined || pepperId === undefined || bcryptHash === undefined) {
    throw new UnreadableHash('its format is not known');
  }
  if (Number(cost) > HIGHEST_BCRYPT_COST) throw new UnreadableHash('its cost is too high');
  return { version, pepperId, bcryptHash, cost: Number(cost) };
}

/** @param accountId left out for hashes of `v1` */
function peppered(password: string, pepper: Buffer, accountId?: string): string {
  const key = accountId === undefined ? pepper : hmac(pepper, accountId);
  return hmac(key, normalizedPassword(password)).toString('base64');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha384', key).update(text, 'utf8').digest();
}
