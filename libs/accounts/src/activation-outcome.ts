import { claimNumbered, triesOf, type Account } from './account.js';
import {
  ActivationCodeIncorrect,
  type ActivationAttemptsExhausted,
  type ActivationCodeExhausted,
  type ActivationCodeExpired,
} from './account-errors.js';
import type { AccountEvent, ActivationRefused, Instant } from './account-events.js';
import { standingRefusal } from './activate-account.js';
import { guessesLeft } from './activation-budgets.js';
import type { ActivationPolicy } from './activation-policy.js';

export type ActivationOutcome =
  | { readonly activatedAt: Instant }
  | ActivationCodeIncorrect
  | ActivationCodeExpired
  | ActivationCodeExhausted
  | ActivationAttemptsExhausted;

/**
 * What the events that `ActivateAccount` decided mean to the caller. Call it only after they were
 * appended; the errors are returned, not thrown.
 *
 * @param state the account after `events`
 * @param policy the one that `events` were decided by
 */
export function activationOutcome(
  state: Account,
  events: readonly AccountEvent[],
  policy: ActivationPolicy,
): ActivationOutcome {
  const event = events.at(-1);
  if (event?.type === 'AccountActivated') return { activatedAt: event.data.activatedAt };
  if (event?.type === 'ActivationRefused') return refusalOutcome(state, event, policy);
  throw new Error('no activation was decided');
}

function refusalOutcome(
  state: Account,
  { data: { issueNumber, claimNumber, reason, refusedAt } }: ActivationRefused,
  policy: ActivationPolicy,
): ActivationOutcome {
  const claim = state.status === 'pending' ? claimNumbered(state, claimNumber) : undefined;
  if (state.status !== 'pending' || state.code?.issueNumber !== issueNumber || !claim) {
    throw new Error(
      `the account is not in the state that the refusal on issue ${issueNumber} left`,
    );
  }
  if (reason === 'incorrect') {
    const leftOnCode = policy.guessesPerCode - triesOf(state.code, claim.network).wrongGuesses;
    const attemptsLeft = Math.min(leftOnCode, guessesLeft(state, policy, refusedAt));
    return new ActivationCodeIncorrect(attemptsLeft);
  }
  const refusal = standingRefusal(state, state.code, claim, policy, refusedAt);
  if (refusal === undefined) throw new Error(`the policy knows no refusal: ${reason}`);
  return refusal;
}
