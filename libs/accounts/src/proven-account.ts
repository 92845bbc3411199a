import { claimNumbered, isRegistered, type Account, type PendingAccount } from './account.js';
import {
  AccountAlreadyActive,
  AccountNotRegistered,
  CredentialsSuperseded,
} from './account-errors.js';
import type { Claim } from './claims.js';

/**
 * The account that may be activated with these credentials, and the claim that they belong to.
 *
 * A caller who knows only the password of a claim that ended learns nothing more, not even that the account is active.
 *
 * @param provenClaim the claim whose password the caller proved to know
 * @throws AccountNotRegistered, CredentialsSuperseded, AccountAlreadyActive
 */
export function provenPendingAccount(
  state: Account,
  provenClaim: number,
): { readonly account: PendingAccount; readonly claim: Claim } {
  if (!isRegistered(state)) throw new AccountNotRegistered();
  if (state.status === 'active') {
    if (state.claim.number !== provenClaim) throw new CredentialsSuperseded();
    throw new AccountAlreadyActive(state.activatedAt);
  }
  const claim = claimNumbered(state, provenClaim);
  if (claim === undefined) throw new CredentialsSuperseded();
  return { account: state, claim };
}
