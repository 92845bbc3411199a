import {
  codeExpiry,
  triesOf,
  type Account,
  type ActivationCode,
  type PendingAccount,
} from './account.js';
import {
  ActivationAttemptsExhausted,
  ActivationCodeExhausted,
  ActivationCodeExpired,
  ActivationCodeMissing,
} from './account-errors.js';
import type { AccountEvent, ActivationRefused, Instant } from './account-events.js';
import { guessAllowedFrom } from './activation-budgets.js';
import { isSameCode } from './activation-code.js';
import type { ActivationPolicy } from './activation-policy.js';
import type { Claim } from './claims.js';
import { provenPendingAccount } from './proven-account.js';

export interface ActivateAccount {
  readonly type: 'ActivateAccount';
  /** The claim whose password the caller proved to know. */
  readonly provenClaim: number;
  readonly guess: string;
  /**
   * The newest issue's code, derived anew; left out when the account has no code, or when the key of its
   * code is no more.
   */
  readonly expected: { readonly issueNumber: number; readonly code: string } | undefined;
  readonly now: Instant;
}

/**
 * Compares the guess with the newest code, if anything may be compared at all.
 *
 * The caller appends the events before it answers, or parallel guesses would exceed their budget.
 * So a refusal worth recording is returned as an event, and `activationOutcome` reads it afterwards.
 *
 * @throws AccountNotRegistered, CredentialsSuperseded, AccountAlreadyActive, ActivationCodeMissing;
 *   ActivationAttemptsExhausted, ActivationCodeExhausted, ActivationCodeExpired when already recorded
 */
export function activateAccount(
  command: ActivateAccount,
  state: Account,
  policy: ActivationPolicy,
): AccountEvent[] {
  const { expected, guess, now } = command;
  const { account, claim } = provenPendingAccount(state, command.provenClaim);
  const { code } = account;
  if (code === undefined || code.delivery.status === 'undeliverable') {
    throw new ActivationCodeMissing();
  }

  const refusal = standingRefusal(account, code, claim, policy, now);
  if (refusal !== undefined) {
    const reason = refusal instanceof ActivationCodeExpired ? 'expired' : 'exhausted';
    if (triesOf(code, claim.network).refusals.includes(reason)) throw refusal;
    return [refused(code, claim, reason, now)];
  }

  if (expected === undefined) throw new ActivationCodeMissing();
  if (expected.issueNumber !== code.issueNumber) {
    throw new Error(`the expected code must be that of issue ${code.issueNumber}`);
  }
  return isSameCode(guess, expected.code)
    ? [
        {
          type: 'AccountActivated',
          data: { issueNumber: code.issueNumber, claimNumber: claim.number, activatedAt: now },
        },
      ]
    : [refused(code, claim, 'incorrect', now)];
}

/** Why no guess of this claim on this code is compared at `now`, if none is. */
export function standingRefusal(
  account: PendingAccount,
  code: ActivationCode,
  { network }: Pick<Claim, 'network'>,
  policy: ActivationPolicy,
  now: Instant,
): ActivationAttemptsExhausted | ActivationCodeExhausted | ActivationCodeExpired | undefined {
  const allowedFrom = guessAllowedFrom(account, policy);
  if (now < allowedFrom) return new ActivationAttemptsExhausted(allowedFrom);
  if (triesOf(code, network).wrongGuesses >= policy.guessesPerCode)
    return new ActivationCodeExhausted();
  const expiry = codeExpiry(code, policy);
  if (now >= expiry) return new ActivationCodeExpired(expiry);
  return undefined;
}

function refused(
  { issueNumber }: ActivationCode,
  { number: claimNumber }: Claim,
  reason: ActivationRefused['data']['reason'],
  refusedAt: Instant,
): ActivationRefused {
  return { type: 'ActivationRefused', data: { issueNumber, claimNumber, reason, refusedAt } };
}
