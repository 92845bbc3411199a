import { beforeEach, describe, expect, it } from '@jest/globals';
import { InvalidAddress } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import { EventStoreUnavailable } from '@app/event-store';
import { ActivateAccountCommand } from '../activate-account/activate-account.handler.js';
import { ExampleAccounts, exampleAddress, exampleContext } from '../testing/example-accounts.js';
import { RegisterAccountCommand } from './register-account.handler.js';

const MINUTE = 60_000;

describe('Registering an account', () => {
  let accounts: ExampleAccounts;

  beforeEach(() => {
    accounts = new ExampleAccounts();
  });

  const register = (password = 'first password', address = exampleAddress) =>
    accounts.register.execute(new RegisterAccountCommand(address, password, exampleContext));

  const types = async () => (await accounts.history()).map(({ type }) => type);

  it('registers a new address and issues its first code', async () => {
    await register();
    const history = await accounts.history();
    expect(history).toMatchObject([
      {
        type: 'AccountRegistered',
        data: {
          address: exampleAddress,
          passwordHash: 'hash of first password',
          registeredAt: accounts.now,
        },
      },
      {
        type: 'ActivationCodeIssued',
        data: { issueNumber: 1, keyId: 'k1', issuedAt: accounts.now },
      },
    ]);
  });

  it('records the client and the request', async () => {
    await register();
    for (const { metadata } of await accounts.recorded()) {
      expect(metadata).toMatchObject({
        actor: 'anonymous',
        $correlationId: exampleContext.requestId,
        $causationId: exampleContext.requestId,
      });
    }
  });

  it('renews a pending address: the new password, and a new code when the last is old enough', async () => {
    await register();
    accounts.now += MINUTE;
    await register('second password');
    expect((await accounts.history()).slice(2)).toMatchObject([
      { type: 'RegistrationRenewed', data: { passwordHash: 'hash of second password' } },
      { type: 'ActivationCodeIssued', data: { issueNumber: 2 } },
    ]);
  });

  it('takes every spelling of an address for the same', async () => {
    const { accountId } = await register();
    expect(await register('first password', 'ada@EXAMPLE.ORG')).toMatchObject({ accountId });
    expect(await types()).toEqual([
      'AccountRegistered',
      'ActivationCodeIssued',
      'RegistrationRenewed',
    ]);
  });

  it('answers the same, for the same work, whether the address is new, pending or active', async () => {
    const { accountId } = accounts;
    const fresh = await register();
    const pending = await register();
    const account = accounts.proven(2);
    const guess = await accounts.code();
    await accounts.activate.execute(new ActivateAccountCommand(account, guess, exampleContext));
    const before = (await accounts.history()).length;
    const active = await register('third password');
    const activeAgain = await register('third password');

    for (const answer of [fresh, pending, active, activeAgain]) {
      expect(answer).toEqual({ accountId, written: expect.objectContaining({ accountId }) });
      expect(typeof answer.written?.position).toBe('bigint');
    }
    expect(accounts.passwordHasher.hashed).toBe(4);
    const after = await accounts.history();
    // The refusal and the notice, once: repeated requests must not make the stream grow.
    expect(after).toHaveLength(before + 2);
    expect(after[before]).toMatchObject({ type: 'RegistrationRefused' });
    expect(JSON.stringify(after.slice(before))).not.toContain('third password');
  });

  it('does and logs before the beat all that depends on what the address has', async () => {
    const { uniformAnswers, logged } = accounts;
    const loggedByThen: number[] = [];
    const wait = uniformAnswers.atTheBeat.bind(uniformAnswers);
    uniformAnswers.atTheBeat = async (work) => {
      const result = await wait(work);
      loggedByThen.push(logged.length);
      return result;
    };
    await register();
    accounts.now += MINUTE;
    await register('second password');
    expect(loggedByThen).toEqual([1, 2]);
    expect(logged).toHaveLength(2);
  });

  it('lets the client read its own registration at once', async () => {
    const { written } = await register();
    await accounts.readYourWrites.settle(accounts.accountId, undefined);
    expect(accounts.progress.waitedFor).toEqual([written?.position]);
  });

  it('is decided anew when another client was faster', async () => {
    await Promise.all(Array.from({ length: 10 }, (_, index) => register(`password ${index}`)));
    const all = await types();
    expect(all.filter((type) => type === 'AccountRegistered')).toHaveLength(1);
    expect(all.filter((type) => type === 'RegistrationRenewed')).toHaveLength(9);
    expect(all.filter((type) => type === 'ActivationCodeIssued')).toHaveLength(1);
  });

  it('reads nothing of an address without an account, and decides as on an empty stream', async () => {
    await register();
    expect([accounts.store.reads, accounts.store.appends]).toEqual([0, 1]);
    const byReading = new ExampleAccounts();
    byReading.known.add(byReading.accountId);
    await byReading.register.execute(
      new RegisterAccountCommand(exampleAddress, 'first password', exampleContext),
    );
    expect(byReading.store.reads).toBe(1);
    const secrets = /"(network|networkKey|nonce)":"[^"]+"/g;
    const withoutRandom = (history: readonly AccountEvent[]) =>
      JSON.parse(JSON.stringify(history).replaceAll(secrets, '"$1":"random"')) as unknown;
    const decided = withoutRandom(await accounts.history());
    expect(decided).toEqual(withoutRandom(await byReading.history()));
  });

  it('reads an address of which something is known', async () => {
    await register();
    accounts.now += MINUTE;
    await register('second password');
    expect([accounts.store.reads, accounts.store.appends]).toEqual([1, 2]);
  });

  it('reads after a conflict, when an address that nothing was known of has a history', async () => {
    await accounts.registered('hash of another password');
    const { reads } = accounts.store;
    await register();
    expect(accounts.store.reads - reads).toBe(1);
    expect(await types()).toEqual([
      'AccountRegistered',
      'ActivationCodeIssued',
      'RegistrationRenewed',
    ]);
  });

  it('remembers the password that was chosen for a claim, and none that nothing came of', async () => {
    const { accountId, verified } = accounts;
    const knows = (claimNumber: number, password: string) =>
      verified.standingOf(
        { accountId, claimNumber, passwordHash: `hash of ${password}` },
        password,
      ) === 'chosen';
    await register();
    expect(knows(1, 'first password')).toBe(true);
    await register('second password');
    expect([knows(2, 'second password'), knows(2, 'first password')]).toEqual([true, false]);
    const activate = new ActivateAccountCommand(
      accounts.proven(2),
      await accounts.code(),
      exampleContext,
    );
    await accounts.activate.execute(activate);
    await register('third password');
    expect([2, 3].map((number) => knows(number, 'third password'))).toEqual([false, false]);
  });

  it('makes no key for a call that nothing comes of', async () => {
    await accounts.register.execute(
      new RegisterAccountCommand(exampleAddress, 'password', exampleContext, 'nothing'),
    );
    expect([accounts.known.size, accounts.store.appends]).toEqual([0, 0]);
  });

  it('appends nothing for what is no address', async () => {
    await expect(register('first password', 'ada')).rejects.toThrow(InvalidAddress);
    expect(accounts.store.appends).toBe(0);
  });

  it('fails while the event store is away', async () => {
    accounts.store.goAway();
    await expect(register()).rejects.toThrow(EventStoreUnavailable);
  });
});
