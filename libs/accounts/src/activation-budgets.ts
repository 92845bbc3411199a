import type { CountedCode, PendingAccount } from './account.js';
import type { Instant } from './account-events.js';
import type { CodeForm } from './activation-code.js';
import {
  codeBudgetWindowMs,
  guessBudgetWindowMs,
  DAY,
  HOUR,
  type ActivationPolicy,
} from './activation-policy.js';

type GuessedAt = Pick<PendingAccount, 'wrongGuessesAt'>;

/** At most `limit` within any stretch of `windowMs`: a sliding window, open at its older end. */
interface Budget {
  readonly limit: number;
  readonly windowMs: number;
}

/**
 * First instant at which a network may have a new code issued; in the past when it may at once. What one network
 * asked for leaves the others theirs; only the pause between two codes is the address'.
 */
export function newCodeAllowedFrom(
  { codesIssued }: Pick<PendingAccount, 'codesIssued'>,
  network: string,
  policy: ActivationPolicy,
): Instant {
  const own = codesIssued.filter((code) => code.network === network);
  return Math.max(
    allowedFrom(instantsOf(codesIssued), [{ limit: 1, windowMs: policy.resendIntervalMs }]),
    allowedFrom(instantsOf(own), [
      { limit: policy.codesPerHour, windowMs: HOUR },
      { limit: policy.codesPerDay, windowMs: codeBudgetWindowMs },
    ]),
  );
}

function instantsOf(codes: readonly CountedCode[]): Instant[] {
  return codes.map(({ at }) => at);
}

/**
 * First instant at which the address is not contested: it has a guess at a four-digit code left. In the past when
 * it has one now.
 */
export function contestedUntil(account: GuessedAt, policy: ActivationPolicy): Instant {
  return allowedFrom(account.wrongGuessesAt, guessBudgets(policy));
}

/** What a code that is issued now has to look like. */
export function formOfNextCode(
  account: GuessedAt,
  policy: ActivationPolicy,
  now: Instant,
): CodeForm {
  return now < contestedUntil(account, policy) ? 'long' : 'short';
}

/** Whether a refusal at `now` goes on record: at a four-digit code always, at long ones so often a day. */
export function isOnRecord(
  { code, longRefusalsAt }: Pick<PendingAccount, 'code' | 'longRefusalsAt'>,
  policy: ActivationPolicy,
  now: Instant,
): boolean {
  const budget = { limit: policy.recordedLongGuessesPerDay, windowMs: DAY };
  return code?.form !== 'long' || now >= allowedFrom(longRefusalsAt, [budget]);
}

/** Guesses at four-digit codes that the address has left at `now`; its newest code may allow fewer. */
export function guessesLeft(account: GuessedAt, policy: ActivationPolicy, now: Instant): number {
  const left = guessBudgets(policy).map(
    ({ limit, windowMs }) =>
      limit - account.wrongGuessesAt.filter((instant) => instant > now - windowMs).length,
  );
  return Math.min(...left);
}

function guessBudgets(policy: ActivationPolicy): Budget[] {
  return [
    { limit: policy.guessesPerDay, windowMs: DAY },
    { limit: policy.guessesPerMonth, windowMs: guessBudgetWindowMs },
  ];
}

function allowedFrom(past: readonly Instant[], budgets: readonly Budget[]): Instant {
  const newestFirst = [...past].sort((one, other) => other - one);
  return Math.max(
    ...budgets.map(({ limit, windowMs }) => {
      const blocking = newestFirst[limit - 1];
      return blocking === undefined ? -Infinity : blocking + windowMs;
    }),
  );
}
