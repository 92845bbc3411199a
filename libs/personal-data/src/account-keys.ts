import { hkdfSync, randomBytes } from 'node:crypto';
import type { KeyRing } from '@app/account-secrets';
import { accountStreamName } from '@app/accounts';
import type { LogPosition } from '@app/event-store';
import { Batcher, StatementRefused } from '@app/postgres';
import type { Queryable, Statement, StatementResult } from '@app/postgres';
import { LRUCache } from 'lru-cache';
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
  constructor(
    readonly accountId: string,
    readonly keyEncryptionKeyId: string,
  ) {
    super(
      `the key of account ${accountId} cannot be unwrapped with the key-encryption key ` +
        `${keyEncryptionKeyId} of PERSONAL_DATA_KEYS`,
    );
    this.name = 'AccountKeyUnreadable';
  }
}

/** No account's key can be unwrapped: the configuration has another key-encryption key under this id. */
export class KeyEncryptionKeyWrong extends Error {
  constructor(readonly keyEncryptionKeyId: string) {
    super(
      `no key of an account can be unwrapped with the key-encryption key ${keyEncryptionKeyId} of ` +
        `PERSONAL_DATA_KEYS: it is not the one that they were wrapped with`,
    );
    this.name = 'KeyEncryptionKeyWrong';
  }
}

/** The caller wants to seal data of a person whose key was destroyed meanwhile: asking again is safe. */
export class AccountKeyDestroyed extends Error {
  constructor(readonly accountId: string) {
    super(`the key of account ${accountId} was destroyed: nothing more can be sealed with it`);
    this.name = 'AccountKeyDestroyed';
  }
}

/**
 * Names one key of an account: each person who registers its address after another was forgotten has a key
 * of a later generation, which is the number of their first registration.
 */
export function keyIdOf(accountId: string, generation: number): string {
  return generation === 1 ? accountId : `${accountId}/${generation}`;
}

const KEY_BYTES = 32;
const NO_SALT = Buffer.alloc(0);
/** So many keys stay in memory, those that were used last. */
const MOST_CACHED = 10_000;
/** Keys that another process destroyed are forgotten here after this time at the latest. */
const CACHED_FOR_MS = 60_000;
const REWRAP_BATCH = 500;
/** So many keys are tried before a key-encryption key is called wrong: single rows may be damaged. */
const KEYS_TRIED = 20;

interface KeyPlace {
  readonly accountId: string;
  readonly generation: number;
}

const BEFORE_ALL_KEYS: KeyPlace = {
  accountId: '00000000-0000-0000-0000-000000000000',
  generation: 0,
};

interface WrappedKeyRow {
  readonly account_id: string;
  readonly generation: number;
  readonly wrapped_key: Buffer;
  readonly key_encryption_key_id: string;
}

/** A server, and a position of the log from after that server was asked for the first time. */
export interface SeenServer {
  readonly server: string;
  readonly position: LogPosition;
}

/** What was found out of an account that may be new. */
export interface BegunAccount {
  /** Its first key was made: PostgreSQL knows nothing of it. */
  readonly isNew: boolean;
  /** Which server said so: another one since it was started anew. Undefined where none was asked. */
  readonly server?: string;
}

/** Asks whether an account is new, with the key that it has then. */
interface Beginning {
  readonly accountId: string;
  readonly wrapped: Buffer;
  readonly id: string;
  readonly seen: SeenServer | undefined;
}

interface BegunRow {
  readonly number: bigint;
  readonly server: string;
  readonly is_new: boolean;
  readonly generation: number | null;
  readonly wrapped_key: Buffer | null;
  readonly key_encryption_key_id: string | null;
}

/** A table of the read model is lost, and about to be built again. */
const NO_SUCH_TABLE = '42P01';

/**
 * One AES-256 key per account and person, kept in PostgreSQL beside the log and wrapped (AES-256-GCM) by a
 * key-encryption key of the configuration. What cannot be deleted from the log becomes unreadable when its
 * key is destroyed here.
 */
export class AccountKeys {
  /** By the id of a key-encryption key: fulfilled once it has unwrapped something, or had nothing to unwrap. */
  private readonly proofs = new Map<string, Promise<void>>();
  /** By the id of the key. */
  private readonly cached = new LRUCache<string, { readonly key: Buffer; readonly until: number }>({
    max: MOST_CACHED,
  });

  /** Up to which generation the keys of an account were destroyed: for good. */
  private readonly destroyed = new LRUCache<string, number>({ max: MOST_CACHED });

  /** Under way, by the ids of the keys: consumers of a process come upon an event at the same moment. */
  private readonly lookUps = new Map<string, Promise<ReadonlyMap<string, Buffer>>>();

  private readonly beginnings = new Batcher((begun: readonly Beginning[]) => this.beginEach(begun));

  constructor(
    private readonly database: Queryable,
    private readonly keyEncryptionKeys: KeyRing,
    /** Milliseconds, by a clock that never goes back. */
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * The account's key of a generation; makes one when there is none. Of several processes that make one at
   * a time, all get the same.
   *
   * @throws DatabaseUnavailable, AccountKeyUnreadable, AccountKeyDestroyed
   * @throws KeyEncryptionKeyWrong: a key that was wrapped now would be lost when the configuration is mended
   */
  async obtain(accountId: string, generation = 1): Promise<Buffer> {
    const keyId = keyIdOf(accountId, generation);
    const known = this.recall(keyId);
    if (known) return known;
    // Reading a history caches its key, so a key that is not cached is mostly of a new account.
    const { made, wrapped, id } = await this.newKey(keyId);
    const { rowCount } = await this.database.query({
      name: 'add-account-key',
      text: `insert into personal_data.account_keys
               (account_id, generation, wrapped_key, key_encryption_key_id)
             values ($1, $2, $3, $4) on conflict (account_id, generation) do nothing`,
      values: [accountId, generation, wrapped, id],
    });
    if (rowCount === 1) {
      this.remember(keyId, made);
      return made;
    }
    const existing = (await this.find([keyId])).get(keyId);
    if (existing === undefined) throw new AccountKeyDestroyed(accountId);
    return existing;
  }

  /**
   * Makes the first key of an account that is known to be new, or fetches the keys of one that is not. New is an account
   * of which PostgreSQL has neither a key nor a row, nor an event that cannot be read or handled. A key that was lost could be
   * missing together with the row, so the rows must have come past a position that the log reached after the server
   * had begun: whatever was recorded while another server had the keys lies before it.
   *
   * @param seen undefined makes no key
   * @throws DatabaseUnavailable, UnknownKey, KeyEncryptionKeyWrong
   */
  async begin(accountId: string, seen: SeenServer | undefined): Promise<BegunAccount> {
    if (this.recall(accountId)) return { isNew: false };
    const { made, wrapped, id } = await this.newKey(accountId);
    const rows = await this.beginnings.ask({ accountId, wrapped, id, seen });
    const [first] = rows;
    if (first === undefined) return { isNew: false };
    const { server, is_new: isNew } = first;
    if (isNew) this.remember(accountId, made);
    for (const row of rows.filter(hasKey)) {
      const stored = { ...row, account_id: accountId };
      // A damaged one is named when it is needed.
      if (!isNew && this.canUnwrap(stored)) this.keep(stored);
    }
    const gone = rows.flatMap((row) => (hasKey(row) ? [] : (row.generation ?? [])));
    if (gone.length > 0) this.destroyed.set(accountId, Math.max(...gone), { ttl: CACHED_FOR_MS });
    return { isNew, server };
  }

  private async beginEach(begun: readonly Beginning[]): Promise<readonly (readonly BegunRow[])[]> {
    const rows = await this.rowsOf<BegunRow>({
      name: 'begin-accounts',
      // In the order of the accounts, so that two processes never wait for each other's keys.
      text: `select asked.number, server, is_new, generation, wrapped_key, key_encryption_key_id
             from (select * from unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::bigint[])
                     with ordinality as call (account, stream, first_key, wrapped_by, seen_server, seen_position, number)
                   order by account, number) as asked,
                  personal_data.begin_account(
                    account, stream, first_key, wrapped_by, seen_server, seen_position)`,
      values: [
        begun.map(({ accountId }) => accountId),
        begun.map(({ accountId }) => accountStreamName(accountId)),
        begun.map(({ wrapped }) => wrapped),
        begun.map(({ id }) => id),
        begun.map(({ seen }) => seen?.server ?? null),
        begun.map(({ seen }) => seen?.position ?? null),
      ],
    });
    return begun.map((_, index) => rows.filter(({ number }) => number === BigInt(index + 1)));
  }

  /** None when a table that is asked for is lost. */
  private async rowsOf<Row>(statement: Statement): Promise<StatementResult<Row>['rows']> {
    try {
      return (await this.database.query<Row>(statement)).rows;
    } catch (error) {
      if (error instanceof StatementRefused && error.sqlState === NO_SUCH_TABLE) return [];
      throw error;
    }
  }

  private async newKey(keyId: string) {
    const { id, key: keyEncryptionKey } = this.keyEncryptionKeys.current;
    await this.requireKeyEncryptionKey(id);
    const made = randomBytes(KEY_BYTES);
    const wrapped = seal(made, wrappingKeyOf(keyEncryptionKey), wrappedFor(keyId));
    return { made, wrapped, id };
  }

  /**
   * Destroys the account's keys up to a generation, for good, and the snapshot that is sealed with one of them. A row
   * stays behind that says so. Doing it again changes nothing. Other processes forget what they remember of them within a minute.
   *
   * @throws DatabaseUnavailable
   */
  async destroy(accountId: string, upToGeneration: number): Promise<void> {
    await this.database.query({
      name: 'destroy-account-keys',
      text: `with before as (
               delete from personal_data.account_keys where account_id = $1 and generation < $2
             )
             insert into personal_data.account_keys as stored (account_id, generation, destroyed_at)
             values ($1, $2, now())
             on conflict (account_id, generation) do update
               set wrapped_key = null, key_encryption_key_id = null,
                   destroyed_at = coalesce(stored.destroyed_at, excluded.destroyed_at)`,
      values: [accountId, upToGeneration],
    });
    await this.database.query({
      name: 'delete-account-snapshot',
      text: `delete from personal_data.account_snapshots
             where account_id = $1 and generation <= $2`,
      values: [accountId, upToGeneration],
    });
    for (const keyId of [...this.cached.keys()]) {
      const place = placeOfKey(keyId);
      if (place.accountId === accountId && place.generation <= upToGeneration) {
        this.cached.delete(keyId);
      }
    }
  }

  /**
   * Which of these keys were destroyed on purpose.
   *
   * @throws DatabaseUnavailable
   */
  async findDestroyed(keyIds: readonly string[]): Promise<ReadonlySet<string>> {
    if (keyIds.every((keyId) => this.isKnownDestroyed(keyId))) return new Set(keyIds);
    const places = keyIds.map(placeOfKey);
    const { rows } = await this.database.query<{ account_id: string; generation: number }>({
      name: 'find-destroyed-account-keys',
      text: `select account_id, max(generation) as generation from personal_data.account_keys
             where account_id = any($1::uuid[]) and destroyed_at is not null group by account_id`,
      values: [[...new Set(places.map(({ accountId }) => accountId))]],
    });
    const upTo = new Map(rows.map((row) => [row.account_id, row.generation]));
    const isDestroyed = (keyId: string) => {
      const { accountId, generation } = placeOfKey(keyId);
      return generation <= (upTo.get(accountId) ?? 0);
    };
    return new Set(keyIds.filter(isDestroyed));
  }

  /**
   * The keys that exist, by their ids.
   *
   * @throws DatabaseUnavailable, AccountKeyUnreadable, UnknownKey
   */
  async find(keyIds: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
    const found = new Map<string, Buffer>();
    const missing = new Set<string>();
    for (const keyId of keyIds) {
      const known = this.recall(keyId);
      if (known) found.set(keyId, known);
      else if (!this.isKnownDestroyed(keyId)) missing.add(keyId);
    }
    if (missing.size === 0) return found;
    const asked = [...missing].join();
    const underWay = this.lookUps.get(asked);
    const shared = underWay && (await underWay);
    // A key that is not among those may have been made since.
    if (shared?.size === missing.size) return new Map([...found, ...shared]);
    const lookUp = this.lookUp(missing).finally(() => this.lookUps.delete(asked));
    this.lookUps.set(asked, lookUp);
    return new Map([...found, ...(await lookUp)]);
  }

  private async lookUp(missing: ReadonlySet<string>): Promise<ReadonlyMap<string, Buffer>> {
    const found = new Map<string, Buffer>();
    const { rows } = await this.database.query<WrappedKeyRow>({
      name: 'find-account-keys',
      text: `select account_id, generation, wrapped_key, key_encryption_key_id
             from personal_data.account_keys
             where account_id = any($1::uuid[]) and destroyed_at is null`,
      values: [[...new Set([...missing].map((keyId) => placeOfKey(keyId).accountId))]],
    });
    for (const row of rows) {
      const keyId = keyIdOf(row.account_id, row.generation);
      if (missing.has(keyId)) found.set(keyId, this.keep(row));
    }
    return found;
  }

  private keep(row: WrappedKeyRow): Buffer {
    const key = this.unwrap(row);
    this.remember(keyIdOf(row.account_id, row.generation), key);
    return key;
  }

  /**
   * Makes sure that a key-encryption key unwraps what is said to be wrapped with it, single damaged rows
   * excepted. Asks once in the life of a process, however many ask at that time, and again after a failure.
   *
   * @throws KeyEncryptionKeyWrong, UnknownKey, DatabaseUnavailable
   */
  async requireKeyEncryptionKey(id = this.keyEncryptionKeys.current.id): Promise<void> {
    const proof = this.proofs.get(id) ?? this.prove(id);
    this.proofs.set(id, proof);
    try {
      await proof;
    } catch (error) {
      if (this.proofs.get(id) === proof) this.proofs.delete(id);
      throw error;
    }
  }

  private async prove(id: string): Promise<void> {
    const { rows } = await this.database.query<WrappedKeyRow>({
      name: 'find-keys-of-key-encryption-key',
      text: `select account_id, generation, wrapped_key, key_encryption_key_id
             from personal_data.account_keys where key_encryption_key_id = $1 limit $2`,
      values: [id, KEYS_TRIED],
    });
    if (rows.length > 0 && !rows.some((row) => this.canUnwrap(row))) {
      throw new KeyEncryptionKeyWrong(id);
    }
  }

  /**
   * Wraps every key anew that is not under the current key-encryption key, so that the one before can be
   * removed. Any number of processes may do it at a time; each row is done once.
   *
   * @param signal ends it between two batches
   * @returns how many keys were wrapped anew
   * @throws AccountKeyUnreadable the first of the keys that are damaged, after all others were done
   * @throws KeyEncryptionKeyWrong the current one is not what it was: nothing was done
   * @throws DatabaseUnavailable, UnknownKey: a key-encryption key was removed too soon
   */
  async rewrapAll(signal: AbortSignal): Promise<number> {
    await this.requireKeyEncryptionKey();
    let done = 0;
    // Another pass finds keys that were made under the previous key during this one.
    for (;;) {
      const { rewrapped, damaged } = await this.rewrapEach(signal);
      done += rewrapped;
      if (rewrapped > 0 && !signal.aborted) continue;
      if (damaged)
        throw new AccountKeyUnreadable(damaged.account_id, damaged.key_encryption_key_id);
      return done;
    }
  }

  private async rewrapEach(
    signal: AbortSignal,
  ): Promise<{ readonly rewrapped: number; readonly damaged: WrappedKeyRow | undefined }> {
    let rewrapped = 0;
    let damaged: WrappedKeyRow | undefined;
    let after: KeyPlace = BEFORE_ALL_KEYS;
    while (!signal.aborted) {
      const rows = await this.findToRewrap(after);
      const last = rows.at(-1);
      if (last === undefined) break;
      after = { accountId: last.account_id, generation: last.generation };
      const readable = rows.filter((row) => this.canUnwrap(row));
      damaged ??= rows.find((row) => !readable.includes(row));
      await this.rewrap(readable);
      rewrapped += readable.length;
    }
    return { rewrapped, damaged };
  }

  private async findToRewrap(after: KeyPlace): Promise<readonly WrappedKeyRow[]> {
    const { rows } = await this.database.query<WrappedKeyRow>({
      name: 'find-account-keys-to-rewrap',
      text: `select account_id, generation, wrapped_key, key_encryption_key_id
             from personal_data.account_keys
             where key_encryption_key_id <> $1 and (account_id, generation) > ($3::uuid, $4::int)
             order by account_id, generation limit $2`,
      values: [this.keyEncryptionKeys.current.id, REWRAP_BATCH, after.accountId, after.generation],
    });
    return rows;
  }

  private async rewrap(rows: readonly WrappedKeyRow[]): Promise<void> {
    if (rows.length === 0) return;
    const { id, key: keyEncryptionKey } = this.keyEncryptionKeys.current;
    const wrappingKey = wrappingKeyOf(keyEncryptionKey);
    const wrapped = rows.map((row) =>
      seal(this.unwrap(row), wrappingKey, wrappedFor(keyIdOf(row.account_id, row.generation))),
    );
    await this.database.query({
      name: 'rewrap-account-keys',
      // Only rows that are unchanged since they were read; all processes lock them in one order.
      text: `with locked as (
               select account_id from personal_data.account_keys
               where account_id = any($1::uuid[]) order by account_id, generation for update
             )
             update personal_data.account_keys as stored
             set wrapped_key = rewrapped.wrapped_key, key_encryption_key_id = $4
             from unnest($1::uuid[], $2::bytea[], $3::bytea[], $5::int[])
               as rewrapped (account_id, before, wrapped_key, generation)
             where stored.account_id = rewrapped.account_id
               and stored.generation = rewrapped.generation
               and stored.account_id in (select account_id from locked)
               and stored.wrapped_key = rewrapped.before`,
      values: [
        rows.map((row) => row.account_id),
        rows.map((row) => row.wrapped_key),
        wrapped,
        id,
        rows.map((row) => row.generation),
      ],
    });
  }

  private canUnwrap(row: WrappedKeyRow): boolean {
    try {
      this.unwrap(row);
      return true;
    } catch (error) {
      if (error instanceof AccountKeyUnreadable) return false;
      throw error;
    }
  }

  private unwrap(row: WrappedKeyRow): Buffer {
    const { account_id, generation, wrapped_key, key_encryption_key_id } = row;
    const place = wrappedFor(keyIdOf(account_id, generation));
    const keyEncryptionKey = this.keyEncryptionKeys.get(key_encryption_key_id);
    try {
      return open(wrapped_key, wrappingKeyOf(keyEncryptionKey), place);
    } catch (error) {
      if (!(error instanceof SealBroken)) throw error;
      throw new AccountKeyUnreadable(account_id, key_encryption_key_id);
    }
  }

  private isKnownDestroyed(keyId: string): boolean {
    const { accountId, generation } = placeOfKey(keyId);
    return generation <= (this.destroyed.get(accountId) ?? 0);
  }

  private recall(keyId: string): Buffer | undefined {
    const cached = this.cached.get(keyId);
    return cached && this.now() < cached.until ? cached.key : undefined;
  }

  private remember(keyId: string, key: Buffer): void {
    // A short buffer is mostly a part of 8 KB that live as long as it does.
    const own = Buffer.alloc(key.length, key);
    this.cached.set(keyId, { key: own, until: this.now() + CACHED_FOR_MS });
  }
}

/** Derived once for each key of the configuration: that costs more than unwrapping a key with it. */
const wrappingKeys = new WeakMap<Buffer, Buffer>();

/** AES-256 takes exactly 32 bytes; a key of the configuration may have more. */
function wrappingKeyOf(keyEncryptionKey: Buffer): Buffer {
  const known = wrappingKeys.get(keyEncryptionKey);
  if (known) return known;
  const purpose = 'personal-data/account-key/v1';
  const derived = Buffer.from(hkdfSync('sha256', keyEncryptionKey, NO_SALT, purpose, KEY_BYTES));
  wrappingKeys.set(keyEncryptionKey, derived);
  return derived;
}

function hasKey<Row extends BegunRow>(row: Row): row is Row & Omit<WrappedKeyRow, 'account_id'> {
  return row.wrapped_key !== null;
}

function wrappedFor(keyId: string): string {
  return `account-key/${keyId}`;
}

function placeOfKey(keyId: string): KeyPlace {
  const [accountId = '', generation = '1'] = keyId.split('/');
  return { accountId, generation: Number(generation) };
}
