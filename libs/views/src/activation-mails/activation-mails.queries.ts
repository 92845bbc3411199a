import { recordOf } from '@app/postgres';
import type { ColumnsOf, Queryable } from '@app/postgres';

export const mailStatuses = ['issued', 'sent', 'undeliverable', 'obsolete'] as const;
export type MailStatus = (typeof mailStatuses)[number];

export interface ActivationMailView {
  readonly accountId: string;
  readonly issueNumber: number;
  readonly status: MailStatus;
  readonly issuedAt: Date;
  readonly sentAt: Date | undefined;
  readonly providerMessageId: string | undefined;
  readonly abandonedAt: Date | undefined;
  readonly reason: string | undefined;
  /** Calls made to the provider, of mails that were given up. */
  readonly attempts: number | undefined;
}

export interface ActivationMailPageRequest {
  readonly status: MailStatus | undefined;
  readonly limit: number;
  /** The last mail of the page before. */
  readonly after:
    | { readonly issuedAt: Date; readonly accountId: string; readonly issueNumber: number }
    | undefined;
}

/**
 * One page of mails, newest issue first.
 *
 * @throws DatabaseUnavailable
 */
export async function pageOfActivationMails(
  database: Queryable,
  { status, limit, after }: ActivationMailPageRequest,
): Promise<readonly ActivationMailView[]> {
  const conditions: string[] = [];
  const values: unknown[] = [];
  const bind = (value: unknown) => `$${values.push(value)}`;
  if (status) conditions.push(`status = ${bind(status)}`);
  if (after) {
    const place = [after.issuedAt, after.accountId, after.issueNumber].map(bind).join(', ');
    conditions.push(`(issued_at, account_id, issue_number) < (${place})`);
  }
  const { rows } = await database.query<ColumnsOf<ActivationMailView>>({
    text: `select account_id, issue_number, status, issued_at, sent_at, provider_message_id,
                  abandoned_at, reason, attempts
           from read_model.activation_mails
           ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''}
           order by issued_at desc, account_id desc, issue_number desc
           limit ${bind(limit)}`,
    values,
  });
  return rows.map(recordOf<ActivationMailView>);
}
