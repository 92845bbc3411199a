import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { mostClaims, normalizedPassword } from '@app/accounts';
import { LRUCache } from 'lru-cache';

/** What a password is right or wrong for. */
export interface StoredCredentials {
  readonly accountId: string;
  readonly claimNumber: number;
  readonly passwordHash: string;
  /** Whether the caller's network chose the password. */
  readonly isOfCallersNetwork: boolean;
}

type ClaimOfAccount = Omit<StoredCredentials, 'isOfCallersNetwork'>;

const MOST_REMEMBERED = 10_000;
const KEY_BYTES = 32;

interface Verified {
  /** Stands for the stored hash and its claim: another one makes the entry worthless. */
  readonly binding: Buffer;
  readonly proof: Buffer;
  readonly until: number;
  readonly isProven: boolean;
}

/**
 * Remembers for a short time which passwords were right, or chosen for an account here, so that calls of one client after
 * another cost one hash together. Holds neither passwords nor hashes, only keyed digests that mean nothing outside of this
 * process. What the read model says is still asked at each call: a password that was replaced, anywhere,
 * is refused at once.
 */
export class VerifiedCredentials {
  private readonly key = randomBytes(KEY_BYTES);
  /** The newest of each claim, of the accounts that called last: one claim's proof does not push out another's. */
  private readonly verified = new LRUCache<string, readonly Verified[]>({ max: MOST_REMEMBERED });

  /**
   * @param lifetimeMs for how long a password is remembered, in milliseconds; 0 for not at all
   * @param monotonicMs a clock that is never set back
   */
  constructor(
    private readonly lifetimeMs: number,
    private readonly monotonicMs: () => number = () => performance.now(),
  ) {}

  /**
   * Whether this password was found right for (`proven`), or only hashed into (`chosen`), exactly these credentials a short
   * time ago.
   */
  standingOf(credentials: ClaimOfAccount, password: string): 'proven' | 'chosen' | undefined {
    const binding = this.bindingOf(credentials);
    const proof = this.proofOf(binding, password);
    const entries = this.verified.get(credentials.accountId) ?? [];
    const entry = entries.find((one) => timingSafeEqual(one.binding, binding));
    if (entry === undefined || this.monotonicMs() >= entry.until) return undefined;
    if (!timingSafeEqual(entry.proof, proof)) return undefined;
    return entry.isProven ? 'proven' : 'chosen';
  }

  /** Whether some password of this account is remembered, no matter for how long that counts. */
  knows(accountId: string): boolean {
    return this.verified.has(accountId);
  }

  /**
   * The password is right for these credentials.
   *
   * @param isProven false for one that was just chosen: nothing was settled for it
   */
  remember(credentials: ClaimOfAccount, password: string, isProven = true): void {
    if (this.lifetimeMs === 0) return;
    const { accountId } = credentials;
    const binding = this.bindingOf(credentials);
    const now = this.monotonicMs();
    const others = (this.verified.get(accountId) ?? []).filter(
      (one) => one.until > now && !timingSafeEqual(one.binding, binding),
    );
    const proof = this.proofOf(binding, password);
    const made = { binding, proof, until: now + this.lifetimeMs, isProven };
    this.verified.set(accountId, [...others.slice(-(mostClaims - 1)), made]);
  }

  /** Accounts with passwords that are remembered, for metrics. */
  get size(): number {
    return this.verified.size;
  }

  private bindingOf({ accountId, claimNumber, passwordHash }: ClaimOfAccount): Buffer {
    return this.digest(`${accountId}\0${claimNumber}\0${passwordHash}`);
  }

  private proofOf(binding: Buffer, password: string): Buffer {
    return this.digest(`${binding.toString('hex')}\0${normalizedPassword(password)}`);
  }

  private digest(text: string): Buffer {
    return createHmac('sha256', this.key).update(text, 'utf8').digest();
  }
}
