import { claimNumbered, type Account } from './account.js';
import {
  ActivationCodeIncorrect,
  type ActivationCodeExhausted,
  type ActivationCodeExpired,
} from './account-errors.js';
import type { AccountEvent, ActivationRefused, Instant } from './account-events.js';
import { guessesLeftAt, standingRefusal } from './activate-account.js';
import { guessesLeft } from './activation-budgets.js';
import type { ActivationPolicy } from './activation-policy.js';

export type ActivationOutcome =
  | { readonly activatedAt: Instant }
  | ActivationCodeIncorrect
  | ActivationCodeExpired
  | ActivationCodeExhausted;

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
  for (const event of events) {
    if (event.type === 'AccountActivated') return { activatedAt: event.data.activatedAt };
    if (event.type === 'ActivationRefused') return refusalOutcome(state, event, policy);
  }
  throw new Error('no activation was decided');
}

function refusalOutcome(
  state: Account,
  { data: { issueNumber, claimNumber, reason, refusedAt } }: ActivationRefused,
  policy: ActivationPolicy,
): ActivationOutcome {
  const claim = state.status === 'pending' ? claimNumbered(state, claimNumber) : undefined;
  if (state.status !== 'pending' || !state.code || !claim) throw notInState(issueNumber);
  const { code } = state;
  // The last guess at four-digit codes was followed by a long one.
  const isReplaced = code.issueNumber === issueNumber + 1 && code.form === 'long';
  if (reason === 'incorrect' && isReplaced) return new ActivationCodeIncorrect(0);
  if (code.issueNumber !== issueNumber) throw notInState(issueNumber);
  if (reason === 'incorrect') {
    const leftOnCode = guessesLeftAt(code, claim, policy);
    return new ActivationCodeIncorrect(
      code.form === 'long'
        ? leftOnCode
        : Math.min(leftOnCode, guessesLeft(state, policy, refusedAt)),
    );
  }
  const refusal = standingRefusal(state, code, claim, policy, refusedAt);
  if (refusal === undefined) throw new Error(`the policy knows no refusal: ${reason}`);
  return refusal;
}

function notInState(issueNumber: number): Error {
  return new Error(`the account is not in the state that the refusal on issue ${issueNumber} left`);
}
