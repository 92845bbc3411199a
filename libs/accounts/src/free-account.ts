import { isRegistered, type Account } from './account.js';
import { AccountAlreadyActive, AccountNotRegistered } from './account-errors.js';
import type { AccountEvent, Instant } from './account-events.js';

/** An operator ends what strangers did to a pending address, so that its owner can begin anew. */
export interface FreeAccount {
  readonly type: 'FreeAccount';
  readonly now: Instant;
}

/**
 * No claim of a pending address is known to be its owner's: all end, and the owner registers again.
 * Wrong guesses stay counted, or freeing would grant further ones.
 *
 * @throws AccountNotRegistered, AccountAlreadyActive
 */
export function freeAccount({ now }: FreeAccount, state: Account): AccountEvent[] {
  if (!isRegistered(state)) throw new AccountNotRegistered();
  if (state.status === 'active') throw new AccountAlreadyActive(state.activatedAt);
  return [{ type: 'AccountFreed', data: { claims: state.claims.length, freedAt: now } }];
}
