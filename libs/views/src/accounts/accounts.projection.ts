import { accountIdOfStream, accountStreamPrefix, isErased } from '@app/accounts';
import type { AccountEvent, PersonalText } from '@app/accounts';
import { column, rowProjection } from '@app/consumers';
import type { Fold, RowOf } from '@app/consumers';
import type { ListedAccount } from './accounts.queries.js';

const columns = {
  accountId: column<string>('uuid'),
  address: column<string | null>('text'),
  passwordHash: column<string | null>('text'),
  registrationNumber: column<number>('int'),
  status: column<ListedAccount['status']>('text'),
  registeredAt: column<Date>('timestamptz'),
  activatedAt: column<Date | null>('timestamptz'),
};

type AccountRow = RowOf<typeof columns>;

/** Like the account itself, the row ignores facts that cannot follow its state. */
const fold: Fold<AccountEvent, AccountRow> = {
  AccountRegistered: (row, data, accountId) =>
    isTaken(row)
      ? undefined
      : {
          accountId,
          address: shown(data.address),
          passwordHash: shown(data.passwordHash),
          registrationNumber: data.registrationNumber ?? 1,
          status: 'pending',
          registeredAt: new Date(data.registeredAt),
          activatedAt: null,
        },
  RegistrationRenewed: (row, { passwordHash }) =>
    row?.status === 'pending'
      ? {
          ...row,
          passwordHash: shown(passwordHash),
          registrationNumber: row.registrationNumber + 1,
        }
      : undefined,
  PasswordHashUpgraded: (row, { passwordHash }) =>
    isTaken(row) ? { ...row, passwordHash: shown(passwordHash) } : undefined,
  AccountActivated: (row, { activatedAt }) =>
    row?.status === 'pending'
      ? { ...row, status: 'active', activatedAt: new Date(activatedAt) }
      : undefined,
  RegistrationLapsed: (row) => (row?.status === 'pending' ? forgotten(row, 'lapsed') : undefined),
  AccountErased: (row) => (row && row.status !== 'erased' ? forgotten(row, 'erased') : undefined),
};

/** Keeps `read_model.accounts`. */
export const accountsProjection = rowProjection({
  name: 'accounts',
  streamNamePrefixes: [accountStreamPrefix],
  table: 'accounts',
  columns,
  key: ['accountId'],
  streamId: accountIdOfStream,
  begins: ({ revision }) => revision === 0n,
  fold,
});

/** Whether the address has an account. */
function isTaken(row: AccountRow | undefined): row is AccountRow {
  return row?.status === 'pending' || row?.status === 'active';
}

/** Null once it was erased: a row holds no personal data that the log does not. */
function shown(text: PersonalText): string | null {
  return isErased(text) ? null : text;
}

/** The row stays: its numbers go on when the address is registered anew. */
function forgotten(row: AccountRow, status: 'lapsed' | 'erased'): AccountRow {
  return { ...row, status, address: null, passwordHash: null, activatedAt: null };
}
