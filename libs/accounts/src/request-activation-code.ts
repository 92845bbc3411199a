import type { Account } from './account.js';
import { ActivationCodeRequestedTooSoon } from './account-errors.js';
import type { AccountEvent, ActivationCodeIssued, Instant } from './account-events.js';
import { formOfNextCode, newCodeAllowedFrom } from './activation-budgets.js';
import type { CodeForm } from './activation-code.js';
import type { ActivationPolicy } from './activation-policy.js';
import { provenPendingAccount } from './proven-account.js';

export interface RequestActivationCode {
  readonly type: 'RequestActivationCode';
  /** The claim whose password the caller proved to know. */
  readonly provenClaim: number;
  /** Calls from everywhere caused as many mails to the inbox as it gets in a day: no code is issued. */
  readonly isInboxFull?: boolean;
  /** 16 random bytes, lower-case hexadecimal. */
  readonly nonce: string;
  /** Names the master key to derive the code from. */
  readonly keyId: string;
  readonly now: Instant;
}

/**
 * @throws AccountNotRegistered, CredentialsSuperseded, AccountAlreadyActive,
 *   ActivationCodeRequestedTooSoon
 */
export function requestActivationCode(
  command: RequestActivationCode,
  state: Account,
  policy: ActivationPolicy,
): AccountEvent[] {
  const { account, claim } = provenPendingAccount(state, command.provenClaim);
  const allowedFrom = newCodeAllowedFrom(account, claim.network, policy);
  if (command.now < allowedFrom) throw new ActivationCodeRequestedTooSoon(allowedFrom);
  if (command.isInboxFull) return [];
  const form = formOfNextCode(account, policy, command.now);
  return [nextCode(command, claim.number, account.lastIssueNumber, form)];
}

/**
 * @param claimNumber of the claim that asks for it
 * @param lastIssueNumber of the newest code; 0 before the first
 */
export function nextCode(
  { nonce, keyId, now }: Pick<RequestActivationCode, 'nonce' | 'keyId' | 'now'>,
  claimNumber: number,
  lastIssueNumber: number,
  form: CodeForm,
): ActivationCodeIssued {
  return {
    type: 'ActivationCodeIssued',
    data: { issueNumber: lastIssueNumber + 1, nonce, keyId, issuedAt: now, claimNumber, form },
  };
}
