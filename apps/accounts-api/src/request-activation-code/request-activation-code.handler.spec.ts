import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  AccountAlreadyActive,
  ActivationCodeRequestedTooSoon,
  CredentialsSuperseded,
} from '@app/accounts';
import { ActivateAccountCommand } from '../activate-account/activate-account.handler.js';
import { RegisterAccountCommand } from '../register-account/register-account.handler.js';
import { ExampleAccounts, exampleAddress, exampleContext } from '../testing/example-accounts.js';
import { RequestActivationCodeCommand } from './request-activation-code.handler.js';

describe('Asking for a new code', () => {
  let accounts: ExampleAccounts;

  beforeEach(async () => {
    accounts = new ExampleAccounts();
    await register();
    await accounts.mailed();
  });

  const register = () =>
    accounts.register.execute(
      new RegisterAccountCommand(exampleAddress, 'first password', exampleContext),
    );
  const request = (claimNumber = 1) =>
    accounts.requestCode.execute(
      new RequestActivationCodeCommand(accounts.proven(claimNumber), exampleContext),
    );

  it('issues one with a nonce of its own, half a minute after the last', async () => {
    accounts.now += 30_000;
    const { written } = await request();
    const issues = (await accounts.history()).filter(
      (event) => event.type === 'ActivationCodeIssued',
    );
    expect(issues.map(({ data }) => data.issueNumber)).toEqual([1, 2]);
    const [first, second] = issues.map(({ data }) => data.nonce);
    expect(second).toMatch(/^[0-9a-f]{32}$/);
    expect(second).not.toBe(first);
    expect((await accounts.recorded()).at(-1)).toMatchObject({
      revision: written?.revision,
      position: written?.position,
      metadata: { actor: 'account', $causationId: exampleContext.requestId },
    });
  });

  it('says when the next may be asked for, and the same when the inbox is full of mails that others caused', async () => {
    accounts.now += 30_000;
    const full = accounts.requestCode.execute(
      new RequestActivationCodeCommand(accounts.proven(1), exampleContext, true),
    );
    expect(await full).toMatchObject({ newCodeAllowedAt: accounts.now + 30_000 });
    expect(await request()).toMatchObject({ newCodeAllowedAt: accounts.now + 30_000 });
  });

  it('is refused earlier, with the instant from which it is not', async () => {
    const allowedFrom = accounts.now + 30_000;
    accounts.now += 29_999;
    const refusal = request();
    await expect(refusal).rejects.toBeInstanceOf(ActivationCodeRequestedTooSoon);
    await expect(refusal).rejects.toMatchObject({ retryAt: allowedFrom });
  });

  it('issues one for many calls at a time', async () => {
    accounts.now += 30_000;
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => request()));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('is refused when the account is active', async () => {
    const guess = await accounts.code();
    await accounts.activate.execute(
      new ActivateAccountCommand(accounts.proven(1), guess, exampleContext),
    );
    accounts.now += 30_000;
    await expect(request()).rejects.toBeInstanceOf(AccountAlreadyActive);
  });

  it('is refused with the password of a registration that was renewed', async () => {
    await register();
    accounts.now += 30_000;
    await expect(request(1)).rejects.toBeInstanceOf(CredentialsSuperseded);
    await expect(request(2)).resolves.toMatchObject({ written: expect.anything() });
  });
});
