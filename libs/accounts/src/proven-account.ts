import { isRegistered, type Account, type PendingAccount } from './account.js';
import {
  AccountAlreadyActive,
  AccountNotRegistered,
  CredentialsSuperseded,
} from './account-errors.js';

/**
 * The account that may be activated with these credentials.
 *
 * A caller who knows only a replaced password learns nothing more, not even that the account is active.
 *
 * @param provenRegistration the registration whose password the caller proved to know
 * @throws AccountNotRegistered, CredentialsSuperseded, AccountAlreadyActive
 */
export function provenPendingAccount(state: Account, provenRegistration: number): PendingAccount {
  if (!isRegistered(state)) throw new AccountNotRegistered();
  if (state.registrationNumber !== provenRegistration) throw new CredentialsSuperseded();
  if (state.status === 'active') throw new AccountAlreadyActive(state.activatedAt);
  return state;
}
