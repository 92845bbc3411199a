import { beforeEach, describe, expect, it } from '@jest/globals';
import { CredentialsSuperseded, defaultActivationPolicy } from '@app/accounts';
import { ActivateAccountCommand } from '../activate-account/activate-account.handler.js';
import { RegisterAccountCommand } from '../register-account/register-account.handler.js';
import { ExampleAccounts, exampleAddress, exampleContext } from '../testing/example-accounts.js';
import { ActivationQuery } from './activation.query.js';

const network = 'home';

describe('How far an activation is', () => {
  let accounts: ExampleAccounts;
  let query: ActivationQuery;

  beforeEach(async () => {
    accounts = new ExampleAccounts();
    query = new ActivationQuery(accounts.accounts, defaultActivationPolicy);
    await register();
  });

  const register = () =>
    accounts.register.execute(
      new RegisterAccountCommand(exampleAddress, 'first password', exampleContext),
    );

  it('is read from the history: a wrong code shows at once', async () => {
    await accounts.mailed();
    const guess = new ActivateAccountCommand(
      accounts.proven(1),
      await accounts.wrongCode(),
      exampleContext,
    );
    await accounts.activate.execute(guess).catch(() => undefined);
    expect(await query.now(accounts.proven(1))).toMatchObject({
      codeState: 'sent',
      codeExpiresAt: accounts.now + 60_000,
      attemptsLeft: 2,
    });
  });

  it('is over when the account is active, whatever the read model says', async () => {
    const code = await accounts.code();
    await accounts.activate.execute(
      new ActivateAccountCommand(accounts.proven(1), code, exampleContext),
    );
    expect(await query.now(accounts.proven(1))).toEqual({ activatedAt: accounts.now });
  });

  it('is not shown with the password of a claim that was replaced meanwhile, but with the one that replaced it', async () => {
    await register();
    await expect(query.now(accounts.proven(1))).rejects.toBeInstanceOf(CredentialsSuperseded);
    const again = { ...accounts.proven(1), proveAgain: async () => 2 };
    expect(await query.now(again)).toMatchObject({ codeState: 'issued' });
  });

  it('is waited for until the mail was handed over', async () => {
    let isAnswered = false;
    const waiting = query.whenSent(accounts.proven(1), network).finally(() => (isAnswered = true));
    await query.now(accounts.proven(1));
    expect(isAnswered).toBe(false);
    await accounts.mailed();
    expect(await waiting).toMatchObject({ codeState: 'sent' });
  });

  it('is waited for by eight calls of a network at a time, and by none when the process stops', async () => {
    const eight = Array.from({ length: 8 }, () => query.whenSent(accounts.proven(1), network));
    expect(await query.whenSent(accounts.proven(1), network)).toMatchObject({
      codeState: 'issued',
    });
    const other = query.whenSent(accounts.proven(1), 'elsewhere');
    query.onModuleDestroy();
    for (const found of await Promise.all([...eight, other])) {
      expect(found).toMatchObject({ codeState: 'issued' });
    }
    expect(await query.whenSent(accounts.proven(1), network)).toMatchObject({
      codeState: 'issued',
    });
  });
});
