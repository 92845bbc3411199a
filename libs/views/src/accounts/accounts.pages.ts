import { recordOf } from '@app/postgres';
import type { ColumnsOf, Queryable } from '@app/postgres';
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
 * @throws DatabaseUnavailable
 */
export async function pageOfAccounts(
  database: Queryable,
  request: AccountPageRequest,
): Promise<readonly ListedAccount[]> {
  const { addressPrefix, order, limit } = request;
  if (addressPrefix !== undefined) {
    const page = await pageOfFewMatches(database, request, addressPrefix);
    if (page !== undefined) return page;
  }
  const values: unknown[] = [];
  const bind = (value: unknown) => `$${values.push(value)}`;
  const conditions = conditionsOf(request, bind);
  if (addressPrefix !== undefined) {
    conditions.push(`lower(address) like lower(${bind(likePrefix(addressPrefix))})`);
  }
  // Without a name: the plan that fits depends on the values.
  const { rows } = await database.query<ListedRow>({
    text: `select ${COLUMNS} from read_model.accounts ${where(conditions)}
           ${inOrder(order)} limit ${bind(limit)}`,
    values,
  });
  return rows.map(recordOf<ListedAccount>);
}

/**
 * So many rows are gathered and sorted in some 20 ms. Of more, a search by time finds a page as quickly, unless
 * they were all registered in one stretch of time at the far end: that may take some 100 ms per million accounts.
 */
const MOST_MATCHES_SORTED = 4_000;

/**
 * The page by way of the addresses, when few begin so. How many do is counted instead of being left to the
 * planner: where its estimate for a few is too high it searches all accounts by their time.
 *
 * @returns undefined when more begin so; searching by time finds a page of them soon
 */
async function pageOfFewMatches(
  database: Queryable,
  request: AccountPageRequest,
  addressPrefix: string,
): Promise<readonly ListedAccount[] | undefined> {
  const { order, limit } = request;
  const values: unknown[] = [likePrefix(addressPrefix), MOST_MATCHES_SORTED + 1];
  const bind = (value: unknown) => `$${values.push(value)}`;
  const { rows } = await database.query<MatchRow>({
    text: `with matching as materialized (
             select ${COLUMNS} from read_model.accounts where lower(address) like lower($1)
             order by lower(address) using ~<~ limit $2)
           select matches.total, page.*
           from (select count(*) as total from matching) as matches
           left join lateral (
             select * from matching ${where(conditionsOf(request, bind))}
             ${inOrder(order)} limit ${bind(limit)}) as page on true
           ${inOrder(order)}`,
    values,
  });
  if (rows[0] === undefined || rows[0].total > MOST_MATCHES_SORTED) return undefined;
  return rows
    .filter((row): row is MatchRow & ListedRow => row.account_id !== null)
    .map(recordOf<ListedAccount>);
}

const COLUMNS = 'account_id, address, status, registered_at, activated_at';

/** Everything that the request asks for beside the beginning of the address. */
function conditionsOf(request: AccountPageRequest, bind: (value: unknown) => string): string[] {
  const { accountId, status, registeredFrom, registeredTo, after, order } = request;
  const conditions: string[] = [];
  if (accountId) conditions.push(`account_id = ${bind(accountId)}`);
  if (status) conditions.push(`status = ${bind(status)}`);
  if (registeredFrom) conditions.push(`registered_at >= ${bind(registeredFrom)}`);
  if (registeredTo) conditions.push(`registered_at < ${bind(registeredTo)}`);
  if (after) {
    const beyond = order === 'asc' ? '>' : '<';
    const place = `${bind(after.registeredAt)}, ${bind(after.accountId)}`;
    conditions.push(`(registered_at, account_id) ${beyond} (${place})`);
  }
  return conditions;
}

function where(conditions: readonly string[]): string {
  return conditions.length > 0 ? `where ${conditions.join(' and ')}` : '';
}

function inOrder(order: 'asc' | 'desc'): string {
  return `order by registered_at ${order}, account_id ${order}`;
}

/**
 * One look-up by key, also of an account whose person was forgotten.
 *
 * @param accountId UUID
 * @throws DatabaseUnavailable
 */
export async function findListedAccount(
  database: Queryable,
  accountId: string,
): Promise<ListedAccount | undefined> {
  const { rows } = await database.query<ListedRow>({
    name: 'find-listed-account',
    text: `select ${COLUMNS} from read_model.accounts where account_id = $1`,
    values: [accountId],
  });
  return rows[0] && recordOf<ListedAccount>(rows[0]);
}

type ListedRow = ColumnsOf<ListedAccount>;

/** All but the total is null when nothing matches. */
interface MatchRow extends Omit<ListedRow, 'account_id'> {
  readonly total: bigint;
  readonly account_id: string | null;
}

function likePrefix(prefix: string): string {
  return `${prefix.replace(/[\\%_]/g, '\\$&')}%`;
}
