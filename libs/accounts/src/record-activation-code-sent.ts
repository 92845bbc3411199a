import { isCodeToBeSent, type Account } from './account.js';
import type { AccountEvent, Instant } from './account-events.js';
import type { ActivationPolicy } from './activation-policy.js';

export interface RecordActivationCodeSent {
  readonly type: 'RecordActivationCodeSent';
  readonly issueNumber: number;
  /** When the e-mail provider accepted the message: the code's time starts here. */
  readonly sentAt: Instant;
  readonly providerMessageId: string;
}

/** Nothing when it is recorded already, or when the issue no longer matters. */
export function recordActivationCodeSent(
  { issueNumber, sentAt, providerMessageId }: RecordActivationCodeSent,
  state: Account,
  policy: ActivationPolicy,
): AccountEvent[] {
  if (!isCodeToBeSent(state, issueNumber)) return [];
  const expiresAt = sentAt + policy.codeTtlMs;
  return [
    { type: 'ActivationCodeSent', data: { issueNumber, sentAt, expiresAt, providerMessageId } },
  ];
}
