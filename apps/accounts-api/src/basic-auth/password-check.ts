import { createHash } from 'node:crypto';
import { UnknownKey } from '@app/account-secrets';
import type { RequestClient } from '@app/event-store';
import { Inject, Injectable } from '@nestjs/common';
import { PASSWORD_HASHER, UnreadableHash } from '../passwords/password-hasher.js';
import type { PasswordHasher, StoredHash } from '../passwords/password-hasher.js';
import { SecurityEvents } from '../security-events/security-events.js';
import type { ClientNetworks } from '../client-address/network.js';
import { LIMITS, LimitExceeded, Throttle, countedBy } from '../limits/throttle.js';
import type { Counted, Mark, Outcome } from '../limits/throttle.js';
import { DAY_MS } from '../limits/limits.js';
import type { Limits } from '../limits/limits.js';
import { PasswordHashUpgrades } from '../upgrade-password-hash/password-hash-upgrades.js';
import { VerifiedCredentials } from './verified-credentials.js';
import type { StoredCredentials } from './verified-credentials.js';

/** A caller's claim that this is the password of that address. */
export interface PasswordClaim {
  readonly requestId: string;
  readonly client: RequestClient;
  readonly networks: ClientNetworks;
  readonly address: string;
  /** Undefined when no account can have the address. */
  readonly accountId: string | undefined;
  readonly password: string;
  /** Takes what a right password leaves to be settled, where a later statement of the call settles it. */
  readonly settleLater?: ((outcome: Outcome) => void) | undefined;
}

/**
 * Whether a password is right, at a bounded price. A password that was right, or chosen, a moment ago costs no hash;
 * the same claim made many times at once costs one; and each network and each address has so many wrong
 * ones an hour. All of it is the same for an address without an account.
 */
@Injectable()
export class PasswordCheck {
  private readonly underWay = new Map<string, Promise<boolean>>();

  constructor(
    @Inject(PASSWORD_HASHER) private readonly passwordHasher: PasswordHasher,
    @Inject(LIMITS) private readonly limits: Limits,
    private readonly throttle: Throttle,
    private readonly verified: VerifiedCredentials,
    private readonly upgrades: PasswordHashUpgrades,
    private readonly securityEvents: SecurityEvents,
  ) {}

  /**
   * In a flood, a caller that would be refused must not cost a look-up first. An account whose password was proven
   * lately is looked up all the same: its check may cost no hash.
   *
   * @throws HashingOverloaded
   */
  assertRoomFor(accountId: string | undefined): void {
    if (accountId !== undefined && this.verified.knows(accountId)) return;
    this.passwordHasher.assertRoom();
  }

  /**
   * @param stored what the password is compared with; undefined when there is no account
   * @throws LimitExceeded, HashingOverloaded, DatabaseUnavailable
   */
  async isRight(claim: PasswordClaim, stored: StoredCredentials | undefined): Promise<boolean> {
    // Also computed for an unknown account: the digests take the same time.
    const standing = this.verified.standingOf(stored ?? NOBODY, claim.password);
    if (stored && standing === 'chosen') await this.settle(claim, stored, []);
    if (standing !== undefined) return true;
    const key = keyOf(claim, stored);
    const running = this.underWay.get(key);
    if (running !== undefined) return running;
    const check = this.check(claim, stored).finally(() => this.underWay.delete(key));
    this.underWay.set(key, check);
    return check;
  }

  /**
   * The same comparison without any count: for a caller whose password was right a moment ago.
   *
   * @throws HashingOverloaded, UnreadableHash, UnknownKey
   */
  compare(password: string, stored: StoredHash | undefined): Promise<boolean> {
    return this.passwordHasher.verify(password, stored);
  }

  private async check(
    claim: PasswordClaim,
    stored: StoredCredentials | undefined,
  ): Promise<boolean> {
    // In a flood, a caller that is refused anyway must not cost two statements.
    this.passwordHasher.assertRoom();
    const { own, ofPair, ofAddress } = this.countedFor(claim, stored);
    const counted = [...own, ofPair, ...ofAddress];
    await this.takeTurn(claim, counted);
    // Counted before the outcome is known, or calls at the same time would exceed the limit together.
    let isRight: boolean;
    try {
      isRight = await this.verify(claim, stored);
    } catch (error) {
      await this.throttle.settle({ giveBack: counted });
      throw error;
    }
    if (!isRight || stored === undefined) {
      this.securityEvents.loginFailed(claim);
      return false;
    }
    await this.settle(claim, stored, own);
    if (this.passwordHasher.isOutdated(stored.passwordHash)) {
      this.upgrades.begin(stored, claim.password, claim);
    }
    return true;
  }

  /** What follows from a right password. */
  private async settle(
    claim: PasswordClaim,
    stored: StoredCredentials,
    giveBack: readonly Counted[],
  ): Promise<void> {
    const { ofPair, ofAddress, proven } = this.countedFor(claim, stored);
    const outcome = { giveBack, refill: [ofPair, ...ofAddress], marks: [proven] };
    if (claim.settleLater) claim.settleLater(outcome);
    else await this.throttle.settle(outcome);
    this.securityEvents.loginSucceeded(claim);
    this.verified.remember(stored, claim.password);
  }

  private async takeTurn(claim: PasswordClaim, counted: readonly Counted[]): Promise<void> {
    try {
      await this.throttle.take(counted);
    } catch (error) {
      if (error instanceof LimitExceeded) this.securityEvents.loginRefused(claim, error);
      throw error;
    }
  }

  /** A hash that cannot be read must neither fail differently nor sooner than a wrong password. */
  private async verify(
    { requestId, accountId, password }: PasswordClaim,
    stored: StoredCredentials | undefined,
  ): Promise<boolean> {
    try {
      return await this.compare(password, stored);
    } catch (error) {
      if (!(error instanceof UnreadableHash) && !(error instanceof UnknownKey)) throw error;
      this.securityEvents.hashUnreadable({ requestId, accountId }, error);
      return this.passwordHasher.verify(password, undefined);
    }
  }

  private countedFor(
    { networks, accountId, address }: PasswordClaim,
    stored: StoredCredentials | undefined,
  ) {
    const whose = accountId ?? `not an account: ${address}`;
    const pair = `${whose}\0${networks.network}`;
    // A password of another claim is another password.
    const proven: Mark = {
      name: 'proven-password',
      caller: `${pair}\0${stored?.claimNumber ?? 0}`,
      lastsMs: PROVEN_FOR_MS,
    };
    return {
      own: countedBy(this.limits.failedLogins, networks),
      ofPair: { limit: this.limits.failedLoginsOfPair, caller: pair } satisfies Counted,
      // What others try never refuses a network that chose the password, or proved it.
      ofAddress: (stored?.isOfCallersNetwork
        ? []
        : [
            {
              limit: this.limits.failedLoginsOfAddress,
              caller: whose,
              whileMarked: proven,
            },
          ]) satisfies readonly Counted[],
      proven,
    };
  }
}

/** A network that proved a password is not counted with strangers for so long: 30 days. */
const PROVEN_FOR_MS = 30 * DAY_MS;

const NOBODY: StoredCredentials = {
  accountId: '',
  claimNumber: 0,
  passwordHash: '',
  isOfCallersNetwork: false,
};

/** Claims with the same key have the same answer. Lives only as long as the check. */
function keyOf(
  { networks, accountId, address, password }: PasswordClaim,
  stored: StoredCredentials | undefined,
): string {
  const whose = [networks.host, accountId ?? address, stored?.passwordHash ?? ''];
  return createHash('sha256')
    .update(JSON.stringify([...whose, password]))
    .digest('base64');
}
