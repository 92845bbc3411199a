import { recordOf } from '@app/postgres';
import type { ColumnsOf, Database } from '@app/postgres';
import { hashOfSecret, isSecretOf, newKeyText } from './key-text.js';
import type { KeyText } from './key-text.js';
import { isScope, scopes } from './scopes.js';
import type { Scope } from './scopes.js';

/** A key that was proven, and what it may do. */
export interface ProvenKey {
  readonly keyId: string;
  readonly scopes: ReadonlySet<Scope>;
  /** undefined for one without an end, that of the configuration. */
  readonly expiresAt: Date | undefined;
}

/** What an operator asks a key for. */
export interface NewKey {
  readonly label: string;
  readonly scopes: readonly Scope[];
  /** From now; 90, or until the issuer's own key ends, when left out. */
  readonly expiresInDays?: number | undefined;
}

export interface AdminKeyView {
  readonly keyId: string;
  readonly label: string;
  readonly scopes: readonly string[];
  readonly origin: 'configuration' | 'operator';
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly expiresAt: Date | undefined;
  readonly revokedAt: Date | undefined;
  readonly revokedBy: string | undefined;
}

export interface IssuedKey extends AdminKeyView {
  /** `id.secret`; shown this once and stored nowhere. */
  readonly key: string;
}

const DEFAULT_DAYS = 90;

/** The key is the last valid one that manages keys. */
export class LastManagingKey extends Error {
  constructor() {
    super('No other valid key has the scope keys:manage. Make one first.');
    this.name = 'LastManagingKey';
  }
}

/** Compared with when there is no such key, so that a missing one takes as long as a wrong one. */
const NO_SECRET = hashOfSecret('');

/** The keys of the admin API, in PostgreSQL. Every check asks the database: a revocation acts at once. */
export class AdminKeys {
  constructor(private readonly database: Database) {}

  /**
   * The key, when it exists, is not expired or revoked, and the secret is right.
   *
   * @throws DatabaseUnavailable
   */
  async prove({ keyId, secret }: KeyText): Promise<ProvenKey | undefined> {
    const { rows } = await this.database.query<
      Pick<KeyRow, 'scopes' | 'expires_at'> & { readonly secret_sha256: Buffer }
    >({
      name: 'prove-admin-key',
      text: `select secret_sha256, scopes, expires_at from operations.admin_keys
             where key_id = $1 and revoked_at is null and (expires_at is null or expires_at > now())`,
      values: [keyId],
    });
    const [row] = rows;
    const right = isSecretOf(secret, row?.secret_sha256 ?? NO_SECRET);
    if (row === undefined || !right) return undefined;
    return {
      keyId,
      scopes: new Set(row.scopes.filter(isScope)),
      expiresAt: row.expires_at ?? undefined,
    };
  }

  /**
   * @param notAfter when the issuer's own key ends
   * @returns undefined when the wanted key would outlast it
   */
  async issue(
    { label, scopes, expiresInDays }: NewKey,
    createdBy: string,
    notAfter: Date | undefined,
  ): Promise<IssuedKey | undefined> {
    const { keyId, secret } = newKeyText();
    const { rows } = await this.database.query<KeyRow>({
      text: `insert into operations.admin_keys
               (key_id, secret_sha256, label, scopes, origin, created_by, expires_at)
             select $1, $2, $3, $4, 'operator', $5,
                    least(now() + make_interval(days => coalesce($6, ${DEFAULT_DAYS})), $7)
             where $6::int is null or $7::timestamptz is null
                or now() + make_interval(days => $6) <= $7
             returning ${VIEW_COLUMNS}`,
      values: [
        keyId,
        hashOfSecret(secret),
        label,
        [...new Set(scopes)],
        createdBy,
        expiresInDays,
        notAfter,
      ],
    });
    return rows[0] && { ...recordOf<AdminKeyView>(rows[0]), key: `${keyId}.${secret}` };
  }

  /** Newest first, revoked and expired ones included. */
  async list(): Promise<readonly AdminKeyView[]> {
    const { rows } = await this.database.query<KeyRow>({
      text: `select ${VIEW_COLUMNS} from operations.admin_keys order by created_at desc, key_id`,
    });
    return rows.map(recordOf<AdminKeyView>);
  }

  /**
   * @returns undefined when there is no such key; a key that was revoked before stays as it was
   * @throws LastManagingKey
   */
  async revoke(keyId: string, revokedBy: string): Promise<AdminKeyView | undefined> {
    return this.database.inTransaction(async (transaction) => {
      // Locked, so that of two keys that are revoked at once one stays.
      const { rows: managing } = await transaction.query<{ key_id: string }>({
        text: `select key_id from operations.admin_keys
               where 'keys:manage' = any(scopes) and revoked_at is null
                 and (expires_at is null or expires_at > now())
               order by key_id for update`,
      });
      if (managing.length === 1 && managing[0]?.key_id === keyId) throw new LastManagingKey();
      const { rows } = await transaction.query<KeyRow>({
        text: `update operations.admin_keys
               set revoked_at = coalesce(revoked_at, now()), revoked_by = coalesce(revoked_by, $2)
               where key_id = $1 returning ${VIEW_COLUMNS}`,
        values: [keyId, revokedBy],
      });
      return rows[0] && recordOf<AdminKeyView>(rows[0]);
    });
  }

  /**
   * Makes the key of the configuration valid, with every scope, and revokes those that stood there before.
   * One that an operator revoked comes back: who sets the configuration decides about it.
   *
   * @param record puts on record what changes, before it does
   * @throws what `record` throws; nothing has changed then
   */
  async adoptConfigured(
    configured: KeyText | undefined,
    record: (operation: 'issue-key' | 'revoke-key', keyId: string) => Promise<void>,
  ): Promise<void> {
    await this.database.inTransaction(async (transaction) => {
      const { rows: revoked } = await transaction.query<Pick<KeyRow, 'key_id'>>({
        text: `update operations.admin_keys
               set revoked_at = now(), revoked_by = 'configuration'
               where origin = 'configuration' and revoked_at is null
                 and (key_id, secret_sha256) is distinct from ($1::text, $2::bytea)
               returning key_id`,
        values: [configured?.keyId, configured && hashOfSecret(configured.secret)],
      });
      for (const { key_id } of revoked) await record('revoke-key', key_id);
      if (configured === undefined) return;
      const { rows: issued } = await transaction.query<Pick<KeyRow, 'key_id'>>({
        text: `insert into operations.admin_keys as known
                 (key_id, secret_sha256, label, scopes, origin, created_by)
               values ($1, $2, 'key of the configuration', $3, 'configuration', 'configuration')
               on conflict (key_id) do update
                 set scopes = excluded.scopes, secret_sha256 = excluded.secret_sha256,
                     revoked_at = null, revoked_by = null
                 where known.origin = 'configuration'
                   and (known.scopes, known.secret_sha256, known.revoked_at)
                     is distinct from (excluded.scopes, excluded.secret_sha256, null)
               returning key_id`,
        values: [configured.keyId, hashOfSecret(configured.secret), [...scopes]],
      });
      for (const { key_id } of issued) await record('issue-key', key_id);
    });
  }
}

type KeyRow = ColumnsOf<AdminKeyView>;

const VIEW_COLUMNS =
  'key_id, label, scopes, origin, created_at, created_by, expires_at, revoked_at, revoked_by';
