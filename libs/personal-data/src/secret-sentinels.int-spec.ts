import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { KeyRing } from '@app/account-secrets';
import type { Database } from '@app/postgres';
import { openDatabase } from '../../../test/support/open-database.js';
import { AccountKeys } from './account-keys.js';
import { SecretsDoNotMatch, requireSecrets } from './secret-sentinels.js';

describe('sentinels of secrets', () => {
  let database: Database;
  const secret = () => randomBytes(32);
  const ring = (setting: string, keys: Readonly<Record<string, Buffer>>) =>
    KeyRing.parse(
      Object.entries(keys)
        .map(([id, key]) => `${id}:${key.toString('base64')}`)
        .join(','),
      setting,
    );
  const faultsOf = async (secrets: Parameters<typeof requireSecrets>[1]) => {
    const error = await requireSecrets(database, secrets).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SecretsDoNotMatch);
    return (error as SecretsDoNotMatch).faults;
  };

  beforeAll(async () => {
    database = await openDatabase();
  });
  beforeEach(async () => {
    await database.query({
      text: 'truncate operations.secret_sentinels, personal_data.account_keys',
    });
  });
  afterAll(() => database.close());

  it('are made at the first start, and let the same secrets pass', async () => {
    const secrets = { ADDRESS_KEY: secret(), PASSWORD_PEPPERS: ring('P', { k1: secret() }) };
    await Promise.all([requireSecrets(database, secrets), requireSecrets(database, secrets)]);
    await requireSecrets(database, secrets);
    const { rows } = await database.query<{ sentinel: Buffer }>({
      text: 'select sentinel from operations.secret_sentinels',
    });
    expect(rows).toHaveLength(2);
    for (const { sentinel } of rows) expect(sentinel.equals(secrets.ADDRESS_KEY)).toBe(false);
  });

  it('refuse another secret by the name of its setting, and remember nothing of it', async () => {
    const kept = { ADDRESS_KEY: secret(), PASSWORD_PEPPERS: ring('P', { k1: secret() }) };
    await requireSecrets(database, kept);
    const faults = await faultsOf({
      ADDRESS_KEY: secret(),
      PASSWORD_PEPPERS: ring('P', { k1: secret(), k2: secret() }),
    });
    expect(faults).toEqual([
      expect.stringMatching(/^ADDRESS_KEY has another key than the one that this database/),
      expect.stringMatching(/^PASSWORD_PEPPERS has another key under the id k1 than the one/),
    ]);
    await requireSecrets(database, kept);
  });

  it('let one of two first starts with different secrets through', async () => {
    const results = await Promise.allSettled(
      [secret(), secret()].map((key) => requireSecrets(database, { ADDRESS_KEY: key })),
    );
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('follow a rotation: a new key in front, later without the old one', async () => {
    const [k1, k2, k3] = [secret(), secret(), secret()];
    const peppers = (keys: Readonly<Record<string, Buffer>>) => ({
      PASSWORD_PEPPERS: ring('PASSWORD_PEPPERS', keys),
    });
    await requireSecrets(database, peppers({ k1 }));
    await requireSecrets(database, peppers({ k2, k1 }));
    await requireSecrets(database, peppers({ k1 }));
    await requireSecrets(database, peppers({ k2 }));
    expect(await faultsOf(peppers({ k3 }))).toEqual([
      expect.stringMatching(/^PASSWORD_PEPPERS has none of the keys .* \(k1, k2\)/),
    ]);
    await requireSecrets(database, peppers({ k3, k2 }));
  });

  it('refuse a ring that lost a key which keys of accounts are still wrapped with', async () => {
    const [k1, k2] = [secret(), secret()];
    const settings = (keys: Readonly<Record<string, Buffer>>) => ({
      PERSONAL_DATA_KEYS: ring('PERSONAL_DATA_KEYS', keys),
    });
    await requireSecrets(database, settings({ k1 }));
    await new AccountKeys(database, settings({ k1 }).PERSONAL_DATA_KEYS).obtain(
      '00000000-0000-8000-8000-000000000001',
    );
    const both = settings({ k2, k1 });
    await requireSecrets(database, both);
    expect(await faultsOf(settings({ k2 }))).toEqual([
      expect.stringMatching(/^PERSONAL_DATA_KEYS lacks the key k1, which keys of accounts/),
    ]);
    await new AccountKeys(database, both.PERSONAL_DATA_KEYS).rewrapAll(
      new AbortController().signal,
    );
    await requireSecrets(database, settings({ k2 }));
  });
});
