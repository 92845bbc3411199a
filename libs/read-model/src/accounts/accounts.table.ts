import { accountIdOfStream, accountStreamPrefix } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import type { LogPosition, StreamRevision } from '@app/event-store';
import type { Queryable } from '../database.js';
import { plainArray } from '../plain-array.js';
import { liveTable } from '../projection.js';
import type { BatchProjection, ProjectedEvent } from '../projection.js';
import { accountsProjection, columnOf } from './accounts.projection.js';
import type { ListedAccount } from './accounts.queries.js';

const typesThatChangeRows: ReadonlySet<string> = new Set<AccountEvent['type']>([
  'AccountRegistered',
  'RegistrationRenewed',
  'PasswordHashUpgraded',
  'AccountActivated',
  'RegistrationLapsed',
  'AccountErased',
]);

/** So few facts are written sooner by the prepared statements of `accountsProjection`. */
const FEW = 16;

/**
 * The rows of `read_model.accounts` built from many facts at once, in one statement: what `accountsProjection`
 * writes fact by fact.
 */
export const accountsTable: BatchProjection<AccountEvent> = {
  name: 'accounts',
  streamNamePrefixes: [accountStreamPrefix],
  table: 'accounts',
  eventTypes: typesThatChangeRows,
  async write(transaction, table, events) {
    const facts = events.filter(({ event }) => changesRow(event));
    if (facts.length <= FEW && table === LIVE) {
      for (const fact of facts) {
        const statement = accountsProjection.project(fact);
        if (statement) await transaction.query(statement);
      }
      return;
    }
    const rows = await rowsBefore(transaction, table, facts);
    const changed = new Set<string>();
    for (const fact of facts) {
      const accountId = accountIdOfStream(fact.streamName);
      const row = afterFact(accountId, rows.get(accountId), fact);
      if (row === undefined) continue;
      rows.set(accountId, row);
      changed.add(accountId);
    }
    if (changed.size > 0) await upsert(transaction, table, rowsOf(changed, rows));
  },
};

const LIVE = liveTable(accountsTable);

interface AccountRow {
  readonly accountId: string;
  address: string | null;
  readonly registeredAt: string;
  passwordHash: string | null;
  registrationNumber: number;
  status: ListedAccount['status'];
  activatedAt: string | null;
  revision: StreamRevision;
  position: LogPosition;
}

type Fact = ProjectedEvent<AccountEvent>;

function changesRow({ type }: AccountEvent): boolean {
  return typesThatChangeRows.has(type);
}

/**
 * The row after one more fact, changed in place; nothing where the fact changes no row. Each case says what
 * the statement of the same case in accounts.projection.ts says.
 */
function afterFact(
  accountId: string,
  row: AccountRow | undefined,
  { event, revision, position }: Fact,
): AccountRow | undefined {
  if (event.type === 'AccountRegistered') {
    if (row && (isTaken(row) || row.revision >= revision)) return undefined;
    return {
      accountId,
      address: columnOf(event.data.address),
      passwordHash: columnOf(event.data.passwordHash),
      registrationNumber: event.data.registrationNumber ?? 1,
      status: 'pending',
      registeredAt: new Date(event.data.registeredAt).toISOString(),
      activatedAt: null,
      revision,
      position,
    };
  }
  if (row === undefined || row.revision >= revision) return undefined;
  switch (event.type) {
    case 'RegistrationRenewed':
      if (row.status !== 'pending') return undefined;
      row.passwordHash = columnOf(event.data.passwordHash);
      row.registrationNumber += 1;
      break;
    case 'PasswordHashUpgraded':
      if (!isTaken(row)) return undefined;
      row.passwordHash = columnOf(event.data.passwordHash);
      break;
    case 'AccountActivated':
      if (row.status !== 'pending') return undefined;
      row.status = 'active';
      row.activatedAt = new Date(event.data.activatedAt).toISOString();
      break;
    case 'RegistrationLapsed':
      if (row.status !== 'pending') return undefined;
      forgetPerson(row, 'lapsed');
      break;
    case 'AccountErased':
      if (row.status === 'erased') return undefined;
      forgetPerson(row, 'erased');
      break;
    default:
      return undefined;
  }
  row.revision = revision;
  row.position = position;
  return row;
}

function rowsOf(
  accountIds: Iterable<string>,
  rows: ReadonlyMap<string, AccountRow>,
): readonly AccountRow[] {
  return [...accountIds].flatMap((accountId) => rows.get(accountId) ?? []);
}

/** Whether somebody has the address. */
function isTaken({ status }: AccountRow): boolean {
  return status === 'pending' || status === 'active';
}

function forgetPerson(row: AccountRow, status: 'lapsed' | 'erased'): void {
  row.status = status;
  row.address = null;
  row.passwordHash = null;
  row.activatedAt = null;
}

/**
 * A stream that begins among the facts has no row yet; the rows of the others are read, and locked: whoever is
 * forgotten meanwhile (`blankAccount`) must not come back with the row that is written.
 */
async function rowsBefore(
  transaction: Queryable,
  table: string,
  facts: readonly Fact[],
): Promise<Map<string, AccountRow>> {
  const begun = new Set<string>();
  const known = new Set<string>();
  for (const { streamName, revision } of facts) {
    if (revision === 0n) begun.add(streamName);
    else if (!begun.has(streamName)) known.add(accountIdOfStream(streamName));
  }
  if (known.size === 0) return new Map();
  const { rows } = await transaction.query<StoredRow>({
    text: `select account_id, address, password_hash, registration_number, status, registered_at,
                  activated_at, revision, position
           from ${table} where account_id = any($1::uuid[]) order by account_id for update`,
    values: [[...known]],
  });
  return new Map(rows.map((row) => [row.account_id, toRow(row)]));
}

interface StoredRow {
  readonly account_id: string;
  readonly address: string | null;
  readonly password_hash: string | null;
  readonly registration_number: number;
  readonly status: ListedAccount['status'];
  readonly registered_at: Date;
  readonly activated_at: Date | null;
  readonly revision: bigint;
  readonly position: bigint;
}

function toRow(row: StoredRow): AccountRow {
  return {
    accountId: row.account_id,
    address: row.address,
    passwordHash: row.password_hash,
    registrationNumber: row.registration_number,
    status: row.status,
    registeredAt: row.registered_at.toISOString(),
    activatedAt: row.activated_at?.toISOString() ?? null,
    revision: row.revision,
    position: row.position,
  };
}

async function upsert(
  transaction: Queryable,
  table: string,
  rows: readonly AccountRow[],
): Promise<void> {
  await transaction.query({
    text: `insert into ${table} as stored
             (account_id, address, password_hash, registration_number, status, registered_at,
              activated_at, revision, position)
           select * from unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::text[],
             $6::timestamptz[], $7::timestamptz[], $8::bigint[], $9::bigint[])
           on conflict (account_id) do update
             set address = excluded.address, password_hash = excluded.password_hash,
                 registration_number = excluded.registration_number, status = excluded.status,
                 registered_at = excluded.registered_at, activated_at = excluded.activated_at,
                 revision = excluded.revision, position = excluded.position
             where stored.revision < excluded.revision`,
    values: [
      plainArray(rows.map((row) => row.accountId)),
      rows.map((row) => row.address),
      rows.map((row) => row.passwordHash),
      plainArray(rows.map((row) => row.registrationNumber)),
      plainArray(rows.map((row) => row.status)),
      plainArray(rows.map((row) => row.registeredAt)),
      plainArray(rows.map((row) => row.activatedAt)),
      plainArray(rows.map((row) => row.revision)),
      plainArray(rows.map((row) => row.position)),
    ],
  });
}
