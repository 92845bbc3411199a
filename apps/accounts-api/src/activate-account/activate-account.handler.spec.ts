import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  AccountAlreadyActive,
  AccountError,
  AccountNotRegistered,
  ActivationCodeExhausted,
  ActivationCodeExpired,
  ActivationCodeIncorrect,
  ActivationCodeMissing,
  CredentialsSuperseded,
} from '@app/accounts';
import type { ProvenClaim } from '../basic-auth/proven-account.js';
import { RegisterAccountCommand } from '../register-account/register-account.handler.js';
import { RequestActivationCodeCommand } from '../request-activation-code/request-activation-code.handler.js';
import { ExampleAccounts, exampleAddress, exampleContext } from '../testing/example-accounts.js';
import { ActivateAccountCommand } from './activate-account.handler.js';

const SECOND = 1_000;

describe('Activating an account', () => {
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
  const activate = (guess: string, claimNumber = 1) =>
    accounts.activate.execute(
      new ActivateAccountCommand(accounts.proven(claimNumber), guess, exampleContext),
    );
  const newCode = async () => {
    accounts.now += 3_600 * SECOND;
    await accounts.requestCode.execute(
      new RequestActivationCodeCommand(accounts.proven(1), exampleContext),
    );
    await accounts.mailed();
  };
  const refusalOf = async (guess: string, claimNumber = 1): Promise<AccountError> => {
    try {
      await activate(guess, claimNumber);
    } catch (error) {
      if (error instanceof AccountError) return error;
      throw error;
    }
    throw new Error('the account was activated');
  };
  const newest = async () => (await accounts.history()).at(-1);

  it('takes the right code: the fact is on record, and the caller can read it at once', async () => {
    accounts.now += 59_999;
    const { activatedAt, written } = await activate(await accounts.code());
    expect(activatedAt).toBe(accounts.now);
    expect(await newest()).toEqual({
      type: 'AccountActivated',
      data: { issueNumber: 1, claimNumber: 1, activatedAt },
    });
    expect((await accounts.recorded()).at(-1)?.metadata).toMatchObject({
      actor: 'account',
      $correlationId: exampleContext.requestId,
    });
    await accounts.readYourWrites.settle(accounts.accountId, undefined);
    expect(accounts.progress.waitedFor).toEqual([written?.position]);
  });

  it('takes it between the mail and the record of the mail', async () => {
    accounts = new ExampleAccounts();
    await register();
    await expect(activate(await accounts.code())).resolves.toMatchObject({
      activatedAt: accounts.now,
    });
  });

  it('refuses it after a minute, and records that once', async () => {
    accounts.now += 60_000;
    const code = await accounts.code();
    expect(await refusalOf(code)).toBeInstanceOf(ActivationCodeExpired);
    expect(await newest()).toMatchObject({
      type: 'ActivationRefused',
      data: { reason: 'expired' },
    });
    const appends = accounts.store.appends;
    expect(await refusalOf(code)).toBeInstanceOf(ActivationCodeExpired);
    expect(accounts.store.appends).toBe(appends);
  });

  it('counts wrong ones down, then refuses the right one', async () => {
    const wrong = await accounts.wrongCode();
    for (const attemptsLeft of [2, 1, 0]) {
      const refusal = await refusalOf(wrong);
      expect(refusal).toBeInstanceOf(ActivationCodeIncorrect);
      expect(refusal).toMatchObject({ attemptsLeft });
      expect(await newest()).toMatchObject({ data: { reason: 'incorrect' } });
    }
    expect(await refusalOf(await accounts.code())).toBeInstanceOf(ActivationCodeExhausted);
    expect(await newest()).toMatchObject({ data: { reason: 'exhausted' } });
  });

  it('refuses the code before the newest', async () => {
    let old = await accounts.code();
    await newCode();
    while (old === (await accounts.code())) {
      old = await accounts.code();
      await newCode();
    }
    expect(await refusalOf(old)).toBeInstanceOf(ActivationCodeIncorrect);
  });

  it('issues a long code, and takes no other, when a day’s wrong guesses are used up', async () => {
    const wrongGuess = async () => refusalOf(await accounts.wrongCode());
    for (let code = 0; code < 3; code++) {
      if (code > 0) await newCode();
      for (let guess = 0; guess < 3; guess++) await wrongGuess();
    }
    await newCode();
    const short = await accounts.code();
    expect(await wrongGuess()).toMatchObject({ attemptsLeft: 0 });
    expect(await newest()).toMatchObject({ type: 'ActivationCodeIssued', data: { form: 'long' } });
    const appends = accounts.store.appends;
    expect(await refusalOf(short)).toMatchObject({
      name: 'ActivationCodeOfOtherForm',
      form: 'long',
    });
    expect(accounts.store.appends).toBe(appends);
    await accounts.mailed();
    const { activatedAt } = await activate(await accounts.code());
    expect(activatedAt).toBe(accounts.now);
  });

  it('refuses when the mail could not be delivered, appending nothing', async () => {
    accounts = new ExampleAccounts();
    await register();
    await accounts.undeliverable();
    const appends = accounts.store.appends;
    expect(await refusalOf(await accounts.code())).toBeInstanceOf(ActivationCodeMissing);
    expect(accounts.store.appends).toBe(appends);
  });

  it('refuses a second time', async () => {
    const code = await accounts.code();
    await activate(code);
    expect(await refusalOf(code)).toBeInstanceOf(AccountAlreadyActive);
  });

  it('refuses the password of a registration that was renewed, whatever the code', async () => {
    await register();
    expect(await refusalOf(await accounts.code(), 1)).toBeInstanceOf(CredentialsSuperseded);
    await activate(await accounts.code(), 2);
    expect(await refusalOf('0000', 1)).toBeInstanceOf(CredentialsSuperseded);
  });

  it('goes on with the claim that replaced the proven one meanwhile, when the password is right for that', async () => {
    await register();
    const states: string[] = [];
    const proven: ProvenClaim = {
      ...accounts.proven(1),
      proveAgain: async ({ status }) => {
        states.push(status);
        return 2;
      },
    };
    const code = await accounts.code();
    await accounts.activate.execute(new ActivateAccountCommand(proven, code, exampleContext));
    expect(states).toEqual(['pending']);
    expect(await newest()).toMatchObject({ type: 'AccountActivated', data: { claimNumber: 2 } });
  });

  it('refuses an address without a registration', async () => {
    accounts = new ExampleAccounts();
    expect(await refusalOf('0000')).toBeInstanceOf(AccountNotRegistered);
  });

  it('succeeds once for 50 right codes at a time', async () => {
    const code = await accounts.code();
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => activate(code)));
    const refusals = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refusals).toHaveLength(49);
    for (const { reason } of refusals) expect(reason).toBeInstanceOf(AccountAlreadyActive);
  });

  it('evaluates three of 50 wrong codes at a time', async () => {
    const wrong = await accounts.wrongCode();
    const refusals = await Promise.all(Array.from({ length: 50 }, () => refusalOf(wrong)));
    const names = refusals.map(({ name }) => name);
    expect(names.filter((name) => name === 'ActivationCodeIncorrect')).toHaveLength(3);
    expect(names.filter((name) => name === 'ActivationCodeExhausted')).toHaveLength(47);
    const recorded = (await accounts.history()).filter(({ type }) => type === 'ActivationRefused');
    expect(recorded).toHaveLength(4);
  });
});
