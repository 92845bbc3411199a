import type { Queryable } from '../database.js';
import type { ListedAccount } from './accounts.queries.js';

export interface AccountPageRequest {
  readonly status: ListedAccount['status'] | undefined;
  readonly accountId: string | undefined;
  /** Addresses that begin so, whatever the case. */
  readonly addressPrefix: string | undefined;
  readonly registeredFrom: Date | undefined;
  /** Not included. */
  readonly registeredTo: Date | undefined;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  /** The last account of the page before. */
  readonly after: { readonly registeredAt: Date; readonly accountId: string } | undefined;
}

/**
 * One page of accounts by the time of their registration. Continuing after the last account of a page misses
 * none and repeats none, whatever is registered meanwhile: neither half of the place ever changes.
 *
 * @throws ReadModelUnavailable
 */
export async function pageOfAccounts(
  database: Queryable,
  request: AccountPageRequest,
): Promise<readonly ListedAccount[]> {
  const { after, order } = request;
  const conditions: string[] = [];
  const values: unknown[] = [];
  const bind = (value: unknown) => `$${values.push(value)}`;
  if (request.accountId) conditions.push(`account_id = ${bind(request.accountId)}`);
  if (request.status) conditions.push(`status = ${bind(request.status)}`);
  if (request.addressPrefix !== undefined) {
    conditions.push(`lower(address) like ${bind(likePrefix(request.addressPrefix))}`);
  }
  if (request.registeredFrom) conditions.push(`registered_at >= ${bind(request.registeredFrom)}`);
  if (request.registeredTo) conditions.push(`registered_at < ${bind(request.registeredTo)}`);
  if (after) {
    const beyond = order === 'asc' ? '>' : '<';
    const place = `${bind(after.registeredAt)}, ${bind(after.accountId)}`;
    conditions.push(`(registered_at, account_id) ${beyond} (${place})`);
  }
  // Without a name: the plan that fits depends on the values, above all on the prefix.
  const { rows } = await database.query<AccountRow>({
    text: `select account_id, address, status, registered_at, activated_at
           from read_model.accounts
           ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''}
           order by registered_at ${order}, account_id ${order}
           limit ${bind(request.limit)}`,
    values,
  });
  return rows.map(toListed);
}

/**
 * One look-up by key, also of an account whose person was forgotten.
 *
 * @param accountId UUID
 * @throws ReadModelUnavailable
 */
export async function findListedAccount(
  database: Queryable,
  accountId: string,
): Promise<ListedAccount | undefined> {
  const { rows } = await database.query<AccountRow>({
    name: 'find-listed-account',
    text: `select account_id, address, status, registered_at, activated_at
           from read_model.accounts where account_id = $1`,
    values: [accountId],
  });
  return rows[0] && toListed(rows[0]);
}

function toListed(row: AccountRow): ListedAccount {
  return {
    accountId: row.account_id,
    address: row.address ?? undefined,
    status: row.status,
    registeredAt: row.registered_at,
    activatedAt: row.activated_at ?? undefined,
  };
}

interface AccountRow {
  readonly account_id: string;
  readonly address: string | null;
  readonly status: ListedAccount['status'];
  readonly registered_at: Date;
  readonly activated_at: Date | null;
}

function likePrefix(prefix: string): string {
  return `${prefix.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
}
