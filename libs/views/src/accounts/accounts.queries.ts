import { accountStreamName } from '@app/accounts';
import type { Claim } from '@app/accounts';
import type { ColumnsOf, Queryable } from '@app/postgres';

/** An account as its owner and operators may see it. */
export interface AccountView {
  readonly accountId: string;
  /** As typed by the person. */
  readonly address: string;
  readonly status: 'pending' | 'active';
  readonly registeredAt: Date;
  readonly activatedAt: Date | undefined;
}

/** An account as operators may see it: also one whose person was forgotten. */
export interface ListedAccount extends Omit<AccountView, 'address' | 'status'> {
  /** Undefined once the person was forgotten. */
  readonly address: string | undefined;
  readonly status: 'pending' | 'active' | 'lapsed' | 'erased';
}

/** A claim as Basic Auth needs it. */
export type StoredClaim = Readonly<
  Record<'network' | 'address' | 'passwordHash', string> & Pick<Claim, 'number'>
>;

/** What Basic Auth needs to know of an account. */
export interface AccountCredentials extends AccountView {
  /** Names the networks of the claims; undefined for an active account. */
  readonly networkKey: string | undefined;
  /** The newest last; of an active account the one that was proven. */
  readonly claims: readonly StoredClaim[];
}

/**
 * A look-up by key for each. An account whose person was forgotten has none, and neither has one that is set aside because of
 * an event that fails: that may be the one which changed the password.
 *
 * @param accountIds UUIDs
 * @returns for each, in the same order
 * @throws DatabaseUnavailable
 */
export async function findCredentials(
  database: Queryable,
  accountIds: readonly string[],
): Promise<readonly (AccountCredentials | undefined)[]> {
  const { rows } = await database.query<CredentialsRow>({
    name: 'find-credentials',
    text: `select found.*
           from unnest($1::uuid[], $2::text[]) as asked (account, stream),
                read_model.credentials_of(account, stream) as found`,
    values: [accountIds, accountIds.map(accountStreamName)],
  });
  const found = new Map(rows.map((row) => [row.account_id, toCredentials(row)]));
  return accountIds.map((accountId) => found.get(accountId));
}

/**
 * The highest bcrypt cost among the hashes of all accounts, by an index; undefined when there is none.
 *
 * @throws DatabaseUnavailable
 */
export async function findHighestHashCost(database: Queryable): Promise<number | undefined> {
  const { rows } = await database.query<{ cost: number | null }>({
    name: 'find-highest-hash-cost',
    text: 'select read_model.highest_cost_in_use() as cost',
  });
  return rows[0]?.cost ?? undefined;
}

/**
 * Takes a forgotten person out of the row at once; the projection follows when it gets there. A
 * person who registered the address later is left alone.
 *
 * @param upToRegistration the newest registration of the person
 * @throws DatabaseUnavailable
 */
export async function blankAccount(
  database: Queryable,
  accountId: string,
  upToRegistration: number,
): Promise<void> {
  await database.query({
    name: 'blank-account',
    text: 'select read_model.blank_account($1, $2)',
    values: [accountId, upToRegistration],
  });
}

interface CredentialsRow extends ColumnsOf<Omit<AccountCredentials, 'claims'>> {
  /** JSON. */
  readonly claims: string;
}

function toCredentials(row: CredentialsRow): AccountCredentials {
  return {
    accountId: row.account_id,
    address: row.address,
    status: row.status,
    registeredAt: row.registered_at,
    activatedAt: row.activated_at ?? undefined,
    networkKey: row.network_key ?? undefined,
    claims: JSON.parse(row.claims) as readonly StoredClaim[],
  };
}
