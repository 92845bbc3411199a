import { describe, expect, it } from '@jest/globals';
import type { SeenServer } from '@app/personal-data';
import { NewAccounts } from './new-accounts.js';

/** What each look-up was given, over a server that is exchanged now and then. */
function exampleAccounts() {
  const seen: (SeenServer | undefined)[] = [];
  const database = { server: 'first' };
  const accounts = new NewAccounts({
    begin: async (_, given) => {
      seen.push(given);
      return { isNew: given?.server === database.server, server: database.server };
    },
  });
  const register = (position: bigint | undefined) =>
    accounts.begin('an account', async (isNew) => ({
      isNew,
      appended: position === undefined ? undefined : { revision: 0n, position },
    }));
  return { database, seen, register };
}

describe('An account is taken for new', () => {
  it('only once something was recorded while the server was in use', async () => {
    const { seen, register } = exampleAccounts();
    expect(await register(undefined)).toMatchObject({ isNew: false });
    expect(await register(1_000n)).toMatchObject({ isNew: false });
    expect(await register(2_000n)).toMatchObject({ isNew: true });
    expect(await register(3_000n)).toMatchObject({ isNew: true });
    const first = { server: 'first', position: 1_000n };
    expect(seen).toEqual([undefined, undefined, first, first]);
  });

  it('not by what was recorded while another server was in use', async () => {
    const { database, seen, register } = exampleAccounts();
    await register(1_000n);
    database.server = 'promoted';
    expect(await register(2_000n)).toMatchObject({ isNew: false });
    expect(await register(3_000n)).toMatchObject({ isNew: true });
    expect(seen.at(-1)).toEqual({ server: 'promoted', position: 2_000n });
  });

  it('not by a registration that failed', async () => {
    const { database, seen, register } = exampleAccounts();
    const failed = new NewAccounts({ begin: async () => ({ isNew: false, ...database }) });
    const deciding = failed.begin('an account', () => Promise.reject(new Error('refused')));
    await expect(deciding).rejects.toThrow('refused');
    await register(undefined);
    await register(undefined);
    expect(seen).toEqual([undefined, undefined]);
  });
});
