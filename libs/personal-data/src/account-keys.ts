import { hkdfSync, randomBytes } from 'node:crypto';
import type { KeyRing } from '@app/account-secrets';
import type { Queryable } from '@app/read-model';
import { SealBroken, open, seal } from './seal.js';

/** The key of one account, and thereby everything that was encrypted with it, is no longer there. */
export class AccountKeyMissing extends Error {
  constructor(readonly accountId: string) {
    super(`the key of account ${accountId} does not exist: its personal data cannot be read`);
    this.name = 'AccountKeyMissing';
  }
}

/** A stored key cannot be unwrapped: the key-encryption key is another one, or the row was changed. */
export class AccountKeyUnreadable extends Error {
  constructor(accountId: string, keyEncryptionKeyId: string) {
    super(
      `the key of account ${accountId} cannot be unwrapped with the key-encryption key ` +
        `${keyEncryptionKeyId} of PERSONAL_DATA_KEYS`,
    );
    this.name = 'AccountKeyUnreadable';
  }
}

const KEY_BYTES = 32;
const NO_SALT = Buffer.alloc(0);
/** So many keys stay in memory; the oldest are forgotten first. */
const MOST_CACHED = 10_000;
const REWRAP_BATCH = 500;

interface WrappedKeyRow {
  readonly account_id: string;
  readonly wrapped_key: Buffer;
  readonly key_encryption_key_id: string;
}

/**
 * One AES-256 key per account, kept in PostgreSQL beside the log and wrapped (AES-256-GCM) by a
 * key-encryption key of the configuration. What cannot be deleted from the log becomes unreadable when
 * its account's key is deleted here.
 */
export class AccountKeys {
  private readonly cached = new Map<string, Buffer>();

  constructor(
    private readonly database: Queryable,
    private readonly keyEncryptionKeys: KeyRing,
  ) {}

  /**
   * The account's key; makes one when there is none. Of several processes that make one at a time, all
   * get the same.
   *
   * @throws ReadModelUnavailable, AccountKeyUnreadable
   */
  async obtain(accountId: string): Promise<Buffer> {
    const existing = (await this.find([accountId])).get(accountId);
    if (existing) return existing;
    const { id, key: keyEncryptionKey } = this.keyEncryptionKeys.current;
    const wrapped = seal(
      randomBytes(KEY_BYTES),
      wrappingKeyOf(keyEncryptionKey),
      wrappedFor(accountId),
    );
    await this.database.query({
      name: 'add-account-key',
      text: `insert into personal_data.account_keys (account_id, wrapped_key, key_encryption_key_id)
             values ($1, $2, $3) on conflict (account_id) do nothing`,
      values: [accountId, wrapped, id],
    });
    const made = (await this.find([accountId])).get(accountId);
    if (made === undefined) throw new AccountKeyMissing(accountId);
    return made;
  }

  /**
   * The keys that exist, by account id.
   *
   * @throws ReadModelUnavailable, AccountKeyUnreadable, UnknownKey
   */
  async find(accountIds: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
    const found = new Map<string, Buffer>();
    const missing = new Set<string>();
    for (const accountId of accountIds) {
      const key = this.cached.get(accountId);
      if (key) found.set(accountId, key);
      else missing.add(accountId);
    }
    if (missing.size === 0) return found;
    const { rows } = await this.database.query<WrappedKeyRow>({
      name: 'find-account-keys',
      text: `select account_id, wrapped_key, key_encryption_key_id
             from personal_data.account_keys where account_id = any($1::uuid[])`,
      values: [[...missing]],
    });
    for (const row of rows) {
      const key = this.unwrap(row);
      this.remember(row.account_id, key);
      found.set(row.account_id, key);
    }
    return found;
  }

  /**
   * Wraps every key anew that is not under the current key-encryption key, so that the one before can be
   * removed. Any number of processes may do it at a time; each row is done once.
   *
   * @param signal ends it between two batches
   * @returns how many keys were wrapped anew
   * @throws ReadModelUnavailable, AccountKeyUnreadable, UnknownKey: a key-encryption key was removed too soon
   */
  async rewrapAll(signal: AbortSignal): Promise<number> {
    let done = 0;
    while (!signal.aborted) {
      const rewrapped = await this.rewrapSome();
      done += rewrapped;
      if (rewrapped === 0) break;
    }
    return done;
  }

  private async rewrapSome(): Promise<number> {
    const { id, key: keyEncryptionKey } = this.keyEncryptionKeys.current;
    const wrappingKey = wrappingKeyOf(keyEncryptionKey);
    const { rows } = await this.database.query<WrappedKeyRow>({
      name: 'find-account-keys-to-rewrap',
      text: `select account_id, wrapped_key, key_encryption_key_id
             from personal_data.account_keys where key_encryption_key_id <> $1 limit $2`,
      values: [id, REWRAP_BATCH],
    });
    if (rows.length === 0) return 0;
    const wrapped = rows.map((row) =>
      seal(this.unwrap(row), wrappingKey, wrappedFor(row.account_id)),
    );
    await this.database.query({
      name: 'rewrap-account-keys',
      // Only what is still as it was read, locked in one order by all who do this at a time.
      text: `with locked as (
               select account_id from personal_data.account_keys
               where account_id = any($1::uuid[]) order by account_id for update
             )
             update personal_data.account_keys as stored
             set wrapped_key = rewrapped.wrapped_key, key_encryption_key_id = $4
             from unnest($1::uuid[], $2::bytea[], $3::bytea[])
               as rewrapped (account_id, before, wrapped_key)
             where stored.account_id = rewrapped.account_id
               and stored.account_id in (select account_id from locked)
               and stored.wrapped_key = rewrapped.before`,
      values: [rows.map((row) => row.account_id), rows.map((row) => row.wrapped_key), wrapped, id],
    });
    return rows.length;
  }

  private unwrap({ account_id, wrapped_key, key_encryption_key_id }: WrappedKeyRow): Buffer {
    const keyEncryptionKey = this.keyEncryptionKeys.get(key_encryption_key_id);
    try {
      return open(wrapped_key, wrappingKeyOf(keyEncryptionKey), wrappedFor(account_id));
    } catch (error) {
      if (!(error instanceof SealBroken)) throw error;
      throw new AccountKeyUnreadable(account_id, key_encryption_key_id);
    }
  }

  private remember(accountId: string, key: Buffer): void {
    this.cached.set(accountId, key);
    if (this.cached.size <= MOST_CACHED) return;
    const [oldest] = this.cached.keys();
    if (oldest !== undefined) this.cached.delete(oldest);
  }
}

/** AES-256 takes exactly 32 bytes; a key of the configuration may have more. */
function wrappingKeyOf(keyEncryptionKey: Buffer): Buffer {
  const purpose = 'personal-data/account-key/v1';
  return Buffer.from(hkdfSync('sha256', keyEncryptionKey, NO_SALT, purpose, KEY_BYTES));
}

function wrappedFor(accountId: string): string {
  return `account-key/${accountId}`;
}
