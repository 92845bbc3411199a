import { accountIdOfStream, accountStreamPrefix, claimsAfter, isErased } from '@app/accounts';
import type { AccountEvent, PersonalText, RegistrationRenewed } from '@app/accounts';
import { column, rowProjection } from '@app/consumers';
import type { Fold, RowOf } from '@app/consumers';
import type { ListedAccount, StoredClaim } from './accounts.queries.js';

const columns = {
  accountId: column<string>('uuid'),
  address: column<string | null>('text'),
  networkKey: column<string | null>('text'),
  /** JSON of `StoredClaim`s. */
  claims: column<string | null>('text'),
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
          networkKey: shown(data.networkKey),
          claims: withClaim(null, data, data.registrationNumber ?? 1),
          registrationNumber: data.registrationNumber ?? 1,
          status: 'pending',
          registeredAt: new Date(data.registeredAt),
          activatedAt: null,
        },
  RegistrationRenewed: (row, data) =>
    row?.status === 'pending'
      ? {
          ...row,
          address: shown(data.address),
          claims: withClaim(row.claims, data, row.registrationNumber + 1),
          registrationNumber: row.registrationNumber + 1,
        }
      : undefined,
  PasswordHashUpgraded: (row, { claimNumber, passwordHash }) => {
    if (!isTaken(row) || isErased(passwordHash)) return undefined;
    if (row.claims === null) return row;
    const claims = claimsIn(row.claims).map((claim) =>
      claim.number === claimNumber ? { ...claim, passwordHash } : claim,
    );
    return { ...row, claims: JSON.stringify(claims) };
  },
  AccountActivated: (row, { claimNumber, activatedAt }) => {
    if (row?.status !== 'pending') return undefined;
    const claims = claimsIn(row.claims).filter(({ number }) => number === claimNumber);
    if (row.claims !== null && claims.length === 0) return undefined;
    return {
      ...row,
      address: claims[0]?.address ?? row.address,
      networkKey: null,
      claims: row.claims === null ? null : JSON.stringify(claims),
      status: 'active',
      activatedAt: new Date(activatedAt),
    };
  },
  AccountFreed: (row) =>
    row?.status === 'pending' && row.claims !== null ? { ...row, claims: '[]' } : undefined,
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

function claimsIn(stored: string | null): readonly StoredClaim[] {
  return stored === null ? [] : (JSON.parse(stored) as readonly StoredClaim[]);
}

/** None when a claim of the person was erased: then all are, with the one key. */
function withClaim(
  stored: string | null,
  {
    network,
    address,
    passwordHash,
  }: Pick<RegistrationRenewed['data'], 'network' | 'address' | 'passwordHash'>,
  number: number,
): string | null {
  if (isErased(address) || isErased(passwordHash)) return null;
  return JSON.stringify(claimsAfter(claimsIn(stored), { number, network, address, passwordHash }));
}

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
  return { ...row, status, address: null, networkKey: null, claims: null, activatedAt: null };
}
