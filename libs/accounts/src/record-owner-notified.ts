import { isNoticeToBeSent, type Account } from './account.js';
import type { AccountEvent, Instant } from './account-events.js';

export interface RecordOwnerNotified {
  readonly type: 'RecordOwnerNotified';
  readonly noticeNumber: number;
  /** When the e-mail provider accepted the message. */
  readonly sentAt: Instant;
  readonly providerMessageId: string;
}

/** Nothing when it is recorded already, was given up, or a newer notice has taken its place. */
export function recordOwnerNotified(
  { noticeNumber, sentAt, providerMessageId }: RecordOwnerNotified,
  state: Account,
): AccountEvent[] {
  if (!isNoticeToBeSent(state, noticeNumber)) return [];
  return [{ type: 'OwnerNotified', data: { noticeNumber, sentAt, providerMessageId } }];
}
