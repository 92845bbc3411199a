import type { LogPosition } from '@app/event-store';
import { recordOf } from '@app/postgres';
import type { ColumnsOf, Queryable } from '@app/postgres';

export interface ListedCall {
  readonly position: LogPosition;
  readonly at: Date;
  readonly keyId: string;
  /** What operators call the key; undefined for one that is not known. */
  readonly label: string | undefined;
  readonly operation: string;
  readonly outcome: string;
  readonly accountIds: readonly string[];
  readonly filters: readonly string[];
  readonly subjectKeyId: string | undefined;
  readonly requestId: string;
  readonly callerRequestId: string | undefined;
}

export interface AuditPageRequest {
  readonly keyId: string | undefined;
  readonly accountId: string | undefined;
  readonly from: Date | undefined;
  /** Before this time. */
  readonly to: Date | undefined;
  readonly limit: number;
  /** The last call of the page before. */
  readonly after: { readonly at: Date; readonly position: LogPosition } | undefined;
}

/**
 * One page of calls that operators made, newest first.
 *
 * @throws DatabaseUnavailable
 */
export async function pageOfAudit(
  database: Queryable,
  { keyId, accountId, from, to, limit, after }: AuditPageRequest,
): Promise<readonly ListedCall[]> {
  const conditions: string[] = [];
  const values: unknown[] = [];
  const bind = (value: unknown) => `$${values.push(value)}`;
  if (accountId) conditions.push(`account_ids @> array[${bind(accountId)}]::uuid[]`);
  if (keyId) conditions.push(`key_id = ${bind(keyId)}`);
  if (from) conditions.push(`at >= ${bind(from)}`);
  if (to) conditions.push(`at < ${bind(to)}`);
  if (after) conditions.push(`(at, position) < (${bind(after.at)}, ${bind(after.position)})`);
  // The fence keeps the planner from walking back in time in search of an account that was seldom looked at.
  const fence = accountId ? 'offset 0' : '';
  const { rows } = await database.query<ColumnsOf<ListedCall>>({
    text: `select position, at, call.key_id, label, operation, outcome, account_ids, filters, subject_key_id,
                  request_id, caller_request_id
           from (select * from read_model.audit
                 ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''} ${fence}) as call
             left join operations.admin_keys as key on key.key_id = call.key_id
           order by at desc, position desc
           limit ${bind(limit)}`,
    values,
  });
  return rows.map(recordOf<ListedCall>);
}
