import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { normalizedPassword } from '@app/accounts';
import { LRUCache } from 'lru-cache';

/** What a password is right or wrong for. */
export interface StoredCredentials {
  readonly accountId: string;
  readonly registrationNumber: number;
  readonly passwordHash: string;
}

const MOST_REMEMBERED = 10_000;
const KEY_BYTES = 32;

interface Verified {
  /** Stands for the stored hash and its registration: another one makes the entry worthless. */
  readonly binding: Buffer;
  readonly proof: Buffer;
  readonly until: number;
}

/**
 * Remembers for a short time which passwords were right, so that calls of one client after another cost one
 * hash together. Holds neither passwords nor hashes, only keyed digests that mean nothing outside of this
 * process. What the read model says is still asked at each call: a password that was replaced, anywhere,
 * is refused at once.
 */
export class VerifiedCredentials {
  private readonly key = randomBytes(KEY_BYTES);
  /** The newest per account, of the accounts that called last. */
  private readonly verified = new LRUCache<string, Verified>({ max: MOST_REMEMBERED });

  /**
   * @param lifetimeMs for how long a password is remembered, in milliseconds; 0 for not at all
   * @param monotonicMs a clock that is never set back
   */
  constructor(
    private readonly lifetimeMs: number,
    private readonly monotonicMs: () => number = () => performance.now(),
  ) {}

  /** Whether this password was found right for exactly these credentials a short time ago. */
  has(credentials: StoredCredentials, password: string): boolean {
    const entry = this.verified.get(credentials.accountId);
    const binding = this.bindingOf(credentials);
    const proof = this.proofOf(binding, password);
    if (entry === undefined) return false;
    if (this.monotonicMs() >= entry.until || !timingSafeEqual(entry.binding, binding)) {
      this.verified.delete(credentials.accountId);
      return false;
    }
    return timingSafeEqual(entry.proof, proof);
  }

  /** Whether some password of this account was found right, no matter for how long that counts. */
  knows(accountId: string): boolean {
    return this.verified.has(accountId);
  }

  /** The password is right for these credentials. */
  remember(credentials: StoredCredentials, password: string): void {
    if (this.lifetimeMs === 0) return;
    const { accountId } = credentials;
    const binding = this.bindingOf(credentials);
    const until = this.monotonicMs() + this.lifetimeMs;
    this.verified.set(accountId, { binding, proof: this.proofOf(binding, password), until });
  }

  /** Passwords that are remembered, for metrics. */
  get size(): number {
    return this.verified.size;
  }

  private bindingOf({ accountId, registrationNumber, passwordHash }: StoredCredentials): Buffer {
    return this.digest(`${accountId}\0${registrationNumber}\0${passwordHash}`);
  }

  private proofOf(binding: Buffer, password: string): Buffer {
    return this.digest(`${binding.toString('hex')}\0${normalizedPassword(password)}`);
  }

  private digest(text: string): Buffer {
    return createHmac('sha256', this.key).update(text, 'utf8').digest();
  }
}
