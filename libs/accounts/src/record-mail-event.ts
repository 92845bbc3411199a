import { isRegistered, type Account } from './account.js';
import type { AccountEvent, Instant } from './account-events.js';

/** What the provider can report of a mail it has accepted. */
export type MailEventKind =
  | 'delivered'
  | 'bounced-permanently'
  | 'bounced-transiently'
  | 'reported-as-spam';

export interface RecordMailEvent {
  readonly type: 'RecordMailEvent';
  /** The issue whose code the mail carried. */
  readonly issueNumber: number;
  readonly kind: MailEventKind;
  /** By the provider's clock. */
  readonly occurredAt: Instant;
  readonly providerEventId: string;
}

/**
 * Nothing when the same thing is on record already, and nothing about a mail that was never sent. What
 * becomes of older codes' mails, or of mails to an account that is active by now, is recorded as well.
 */
export function recordMailEvent(command: RecordMailEvent, state: Account): AccountEvent[] {
  const { issueNumber, providerEventId } = command;
  if (!isRegistered(state)) return [];
  if (issueNumber < 1 || issueNumber > state.lastIssueNumber) return [];
  return state.mailEventIds.includes(providerEventId) ? [] : [factOf(command)];
}

function factOf({ issueNumber, kind, occurredAt, providerEventId }: RecordMailEvent): AccountEvent {
  switch (kind) {
    case 'delivered':
      return {
        type: 'ActivationMailDelivered',
        data: { issueNumber, deliveredAt: occurredAt, providerEventId },
      };
    case 'bounced-permanently':
    case 'bounced-transiently':
      return {
        type: 'ActivationMailBounced',
        data: {
          issueNumber,
          kind: kind === 'bounced-permanently' ? 'permanent' : 'transient',
          bouncedAt: occurredAt,
          providerEventId,
        },
      };
    case 'reported-as-spam':
      return {
        type: 'ActivationMailReportedAsSpam',
        data: { issueNumber, reportedAt: occurredAt, providerEventId },
      };
  }
}
