import type { PendingAccount } from './account.js';
import type { Instant } from './account-events.js';
import {
  codeBudgetWindowMs,
  guessBudgetWindowMs,
  DAY,
  HOUR,
  type ActivationPolicy,
} from './activation-policy.js';

/** At most `limit` within any stretch of `windowMs`: a sliding window, open at its older end. */
interface Budget {
  readonly limit: number;
  readonly windowMs: number;
}

/** First instant at which a new code may be issued; in the past when it may be at once. */
export function newCodeAllowedFrom(
  account: Pick<PendingAccount, 'codesIssuedAt'>,
  policy: ActivationPolicy,
): Instant {
  return allowedFrom(account.codesIssuedAt, [
    { limit: 1, windowMs: policy.resendIntervalMs },
    { limit: policy.codesPerHour, windowMs: HOUR },
    { limit: policy.codesPerDay, windowMs: codeBudgetWindowMs },
  ]);
}

/** First instant at which the address has a guess left; in the past when it has one now. */
export function guessAllowedFrom(account: PendingAccount, policy: ActivationPolicy): Instant {
  return allowedFrom(account.wrongGuessesAt, guessBudgets(policy));
}

/** Guesses that the address has left at `now`, if it had any; its newest code may allow fewer. */
export function guessesLeft(
  account: PendingAccount,
  policy: ActivationPolicy,
  now: Instant,
): number {
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
