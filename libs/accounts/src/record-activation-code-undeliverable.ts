import { isCodeToBeSent, type Account } from './account.js';
import type { AccountEvent, Instant } from './account-events.js';

export interface RecordActivationCodeUndeliverable {
  readonly type: 'RecordActivationCodeUndeliverable';
  readonly issueNumber: number;
  /** Short and without personal data: it is kept for good. */
  readonly reason: string;
  /** Calls made to the provider. */
  readonly attempts: number;
  readonly now: Instant;
}

/** Nothing when the issue was sent after all, is given up already, or no longer matters. */
export function recordActivationCodeUndeliverable(
  { issueNumber, reason, attempts, now }: RecordActivationCodeUndeliverable,
  state: Account,
): AccountEvent[] {
  if (!isCodeToBeSent(state, issueNumber)) return [];
  return [
    {
      type: 'ActivationCodeUndeliverable',
      data: { issueNumber, reason, attempts, abandonedAt: now },
    },
  ];
}
