import {
  codeExpiry,
  evolve,
  triesOf,
  type Account,
  type ActivationCode,
  type PendingAccount,
} from './account.js';
import {
  ActivationCodeExhausted,
  ActivationCodeExpired,
  ActivationCodeIncorrect,
  ActivationCodeMissing,
  ActivationCodeOfOtherForm,
} from './account-errors.js';
import type { AccountEvent, ActivationRefused, Instant } from './account-events.js';
import { contestedUntil, isOnRecord } from './activation-budgets.js';
import { formOf, isSameCode } from './activation-code.js';
import type { ActivationPolicy } from './activation-policy.js';
import { claimFor, type Claim } from './claims.js';
import { provenPendingAccount } from './proven-account.js';
import { nextCode } from './request-activation-code.js';

export interface ActivateAccount {
  readonly type: 'ActivateAccount';
  /** The claim whose password the caller proved to know. */
  readonly provenClaim: number;
  /** As `readActivationCode` returns it. */
  readonly guess: string;
  /**
   * The newest issue's code, derived anew; left out when the account has no code, or when the key of its
   * code is no more.
   */
  readonly expected: { readonly issueNumber: number; readonly code: string } | undefined;
  /** For the long code that may be issued: 16 random bytes, lower-case hexadecimal. */
  readonly nonce: string;
  /** Names the master key to derive that code from. */
  readonly keyId: string;
  readonly now: Instant;
}

/**
 * Compares the guess with the newest code, if anything may be compared at all. The guess that uses up what the address
 * has at four-digit codes is followed by a long code at once, whatever limits new codes have: its owner waits for nothing.
 *
 * The caller appends the events before it answers, or parallel guesses would exceed their budget.
 * So a refusal worth recording is returned as an event, and `activationOutcome` reads it afterwards. At long codes, which
 * guessing does not find, no more are recorded in a day than a stream may grow by; further ones are compared as well.
 *
 * @throws AccountNotRegistered, CredentialsSuperseded, AccountAlreadyActive, ActivationCodeMissing,
 *   ActivationCodeOfOtherForm; ActivationCodeExhausted, ActivationCodeExpired, ActivationCodeIncorrect when nothing is
 *   recorded
 */
export function activateAccount(
  command: ActivateAccount,
  state: Account,
  policy: ActivationPolicy,
): AccountEvent[] {
  const { expected, guess, now } = command;
  const { account, claim } = provenPendingAccount(state, command.provenClaim);
  const { code } = account;
  if (code === undefined) throw new ActivationCodeMissing();
  if (formOf(guess) !== code.form) throw new ActivationCodeOfOtherForm(code.form);
  if (code.delivery.status === 'undeliverable') throw new ActivationCodeMissing();

  const refusal = standingRefusal(account, code, claim, policy, now);
  if (refusal !== undefined) {
    const reason = refusal instanceof ActivationCodeExpired ? 'expired' : 'exhausted';
    const isKnown = triesOf(code, claim.network).refusals.includes(reason);
    if (isKnown || !isOnRecord(account, policy, now)) throw refusal;
    return [refused(code, claim, reason, now)];
  }

  if (expected === undefined) throw new ActivationCodeMissing();
  if (expected.issueNumber !== code.issueNumber) {
    throw new Error(`the expected code must be that of issue ${code.issueNumber}`);
  }
  if (isSameCode(guess, expected.code)) {
    const data = { issueNumber: code.issueNumber, claimNumber: claim.number, activatedAt: now };
    return [{ type: 'AccountActivated', data }];
  }
  if (!isOnRecord(account, policy, now)) {
    throw new ActivationCodeIncorrect(guessesLeftAt(code, claim, policy));
  }
  const wrong = refused(code, claim, 'incorrect', now);
  return [wrong, ...firstLongCode(command, evolve(account, wrong), policy)];
}

/** The mail goes to the claim that asked for the code which cannot be tried any more. */
function firstLongCode(
  command: ActivateAccount,
  account: Account,
  policy: ActivationPolicy,
): AccountEvent[] {
  if (account.status !== 'pending' || account.code?.form !== 'short') return [];
  if (command.now >= contestedUntil(account, policy)) return [];
  const claim = claimFor(account.claims, account.code.askedBy.network);
  return claim ? [nextCode(command, claim.number, account.lastIssueNumber, 'long')] : [];
}

/** Guesses that this claim has left at the code, whatever the address has left. */
export function guessesLeftAt(
  code: ActivationCode,
  { network }: Pick<Claim, 'network'>,
  policy: ActivationPolicy,
): number {
  return guessesAt(code, policy) - triesOf(code, network).wrongGuesses;
}

/** Wrong guesses that end this code for the network whose claim made them. */
function guessesAt({ form }: ActivationCode, policy: ActivationPolicy): number {
  return form === 'short' ? policy.guessesPerCode : policy.guessesPerLongCode;
}

/** Why no guess of this claim on this code is compared at `now`, if none is. */
export function standingRefusal(
  account: PendingAccount,
  code: ActivationCode,
  claim: Pick<Claim, 'network'>,
  policy: ActivationPolicy,
  now: Instant,
): ActivationCodeExhausted | ActivationCodeExpired | undefined {
  const isContested = code.form === 'short' && now < contestedUntil(account, policy);
  if (isContested || guessesLeftAt(code, claim, policy) <= 0) {
    return new ActivationCodeExhausted();
  }
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
