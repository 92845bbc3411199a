import { isRegistered, type Account } from './account.js';
import type { AccountEvent, Instant } from './account-events.js';

export interface UpgradePasswordHash {
  readonly type: 'UpgradePasswordHash';
  /** The stored hash that the password was found to match. */
  readonly replaces: string;
  /** A new hash of the same password. */
  readonly passwordHash: string;
  readonly now: Instant;
}

/** Nothing when the hash was replaced meanwhile: the password may be another one by now. */
export function upgradePasswordHash(
  { replaces, passwordHash, now }: UpgradePasswordHash,
  state: Account,
): AccountEvent[] {
  if (!isRegistered(state)) return [];
  const claims = state.status === 'active' ? [state.claim] : state.claims;
  const claim = claims.find((one) => one.passwordHash === replaces);
  if (claim === undefined) return [];
  const data = { claimNumber: claim.number, passwordHash, upgradedAt: now };
  return [{ type: 'PasswordHashUpgraded', data }];
}
