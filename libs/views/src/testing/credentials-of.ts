import type { Queryable } from '@app/postgres';
import { findCredentials } from '../accounts/accounts.queries.js';
import type { AccountCredentials } from '../accounts/accounts.queries.js';

/** What Basic Auth would be told of one account. */
export async function credentialsOf(
  database: Queryable,
  accountId: string,
): Promise<AccountCredentials | undefined> {
  const [found] = await findCredentials(database, [accountId]);
  return found;
}
