import { isNoticeToBeSent, type Account } from './account.js';
import type { AccountEvent, Instant } from './account-events.js';

export interface RecordOwnerNoticeUndeliverable {
  readonly type: 'RecordOwnerNoticeUndeliverable';
  readonly noticeNumber: number;
  /** Short and without personal data: it is kept for good. */
  readonly reason: string;
  /** Calls made to the provider. */
  readonly attempts: number;
  readonly now: Instant;
}

/** Nothing when the notice was sent after all, is given up already, or no longer matters. */
export function recordOwnerNoticeUndeliverable(
  { noticeNumber, reason, attempts, now }: RecordOwnerNoticeUndeliverable,
  state: Account,
): AccountEvent[] {
  if (!isNoticeToBeSent(state, noticeNumber)) return [];
  return [
    {
      type: 'OwnerNoticeUndeliverable',
      data: { noticeNumber, reason, attempts, abandonedAt: now },
    },
  ];
}
