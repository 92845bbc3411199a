import { KeyRing, sentinelOf } from '@app/account-secrets';
import type { NamedKey } from '@app/account-secrets';
import type { Queryable } from '@app/postgres';

/** A process was given other secrets than those that the data was made with. Names settings, never a value. */
export class SecretsDoNotMatch extends Error {
  constructor(
    /** One sentence for each setting, which begins with its name. */
    readonly faults: readonly string[],
  ) {
    super(faults.join('\n'));
    this.name = 'SecretsDoNotMatch';
  }
}

/** By the names of their settings. */
export type Secrets = Readonly<Record<string, KeyRing | Buffer>>;

interface Sentinel {
  readonly setting: string;
  readonly key_id: string;
  readonly sentinel: Buffer;
}

/**
 * Compares the secrets of this process with the sentinels that the database keeps of those it was filled with, and
 * adds a sentinel for each key that is new. A key ring may have lost keys and got others; one of those before must
 * be left in it.
 *
 * @throws SecretsDoNotMatch nothing was added
 * @throws DatabaseUnavailable
 */
export async function requireSecrets(database: Queryable, secrets: Secrets): Promise<void> {
  let faults = await faultsOf(database, secrets);
  if (faults.length === 0) {
    await addSentinels(database, secrets);
    // Another process may have begun at the same moment, with other secrets.
    faults = await faultsOf(database, secrets);
  }
  faults.push(...(await wrappingKeysMissing(database, secrets)));
  if (faults.length > 0) throw new SecretsDoNotMatch(faults);
}

async function addSentinels(database: Queryable, secrets: Secrets): Promise<void> {
  const all = Object.entries(secrets).flatMap(([setting, secret]) =>
    keysOf(secret).map(({ id, key }) => ({ setting, id, sentinel: sentinelOf(setting, id, key) })),
  );
  await database.query({
    text: `insert into operations.secret_sentinels (setting, key_id, sentinel)
           select * from unnest($1::text[], $2::text[], $3::bytea[]) on conflict do nothing`,
    values: [
      all.map(({ setting }) => setting),
      all.map(({ id }) => id),
      all.map(({ sentinel }) => sentinel),
    ],
  });
}

async function faultsOf(database: Queryable, secrets: Secrets): Promise<string[]> {
  const { rows: sentinels } = await database.query<Sentinel>({
    text: 'select setting, key_id, sentinel from operations.secret_sentinels order by setting, key_id',
  });
  return Object.entries(secrets).flatMap(([setting, secret]) => {
    const known = sentinels.filter((sentinel) => sentinel.setting === setting);
    const keys = keysOf(secret);
    const isOther = ({ id, key }: NamedKey) =>
      known.some(
        ({ key_id, sentinel }) => key_id === id && !sentinel.equals(sentinelOf(setting, id, key)),
      );
    const others = keys.filter(isOther).map(({ id }) => id);
    if (others.length > 0) {
      const which = others[0] === '' ? '' : ` under the id ${others.join(', ')}`;
      return [
        `${setting} has another key${which} than the one that this database was filled with: put that one back ${SEE}`,
      ];
    }
    const before = known.map(({ key_id }) => key_id);
    if (before.length === 0 || keys.some(({ id }) => before.includes(id))) return [];
    return [
      `${setting} has none of the keys that this database was filled with (${before.join(', ')}): put one back behind the new one ${SEE}`,
    ];
  });
}

/** A ring that lost a key too soon: what is wrapped with it could not be read. */
async function wrappingKeysMissing(database: Queryable, secrets: Secrets): Promise<string[]> {
  const setting = 'PERSONAL_DATA_KEYS';
  const ring = secrets[setting];
  if (!(ring instanceof KeyRing)) return [];
  const { rows } = await database.query<{ key_id: string }>({
    text: `select key_id from operations.secret_sentinels
           where setting = $1 and not key_id = any($2::text[]) and exists (
             select from personal_data.account_keys where key_encryption_key_id = key_id)`,
    values: [setting, ring.all.map(({ id }) => id)],
  });
  return rows.map(
    ({ key_id }) =>
      `${setting} lacks the key ${key_id}, which keys of accounts are wrapped with: put it back behind the new one ${SEE}`,
  );
}

const SEE = '(docs/operations.md, "Secrets that do not match")';

/** A single key has the empty id. */
function keysOf(secret: KeyRing | Buffer): readonly NamedKey[] {
  return secret instanceof KeyRing ? secret.all : [{ id: '', key: secret }];
}
