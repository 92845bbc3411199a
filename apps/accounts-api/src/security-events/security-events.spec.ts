import { beforeEach, describe, expect, it } from '@jest/globals';
import { exampleLimits } from '../testing/example-password-check.js';
import { ExampleAccounts, exampleContext } from '../testing/example-accounts.js';
import { RegisterAccountCommand } from '../register-account/register-account.handler.js';
import { ActivateAccountCommand } from '../activate-account/activate-account.handler.js';
import { LimitExceeded } from '../limits/throttle.js';
import { SecurityEvents } from './security-events.js';

describe('Security events', () => {
  let accounts: ExampleAccounts;

  beforeEach(() => {
    accounts = new ExampleAccounts();
  });

  const reported = () =>
    accounts.logged.map(({ securityEvent, level, attributes }) =>
      [securityEvent, level, ...(Array.isArray(attributes) ? attributes : [])].join(' '),
    );
  const register = () =>
    accounts.register.execute(
      new RegisterAccountCommand('Ada@Example.org', 'a password', exampleContext),
    );
  const activate = (code: string, claimNumber: number) =>
    accounts.activate.execute(
      new ActivateAccountCommand(accounts.proven(claimNumber), code, exampleContext),
    );

  it('log the life of an account by its id', async () => {
    await register();
    await register();
    await expect(activate(await accounts.wrongCode(), 2)).rejects.toThrow();
    await activate(await accounts.code(), 2);
    await register();
    expect(reported()).toEqual([
      'user_created 30',
      'user_updated 30 password',
      'activation_code_fail 40',
      'user_updated 30 status',
      'user_create_fail 40',
    ]);
    for (const line of accounts.logged) {
      expect(line).toMatchObject({
        accountId: accounts.accountId,
        requestId: exampleContext.requestId,
      });
    }
    expect(JSON.stringify(accounts.logged)).not.toMatch(/example\.org|a password/i);
  });

  it('log a limit once while it refuses, with its name and size', async () => {
    const limit = exampleLimits().registrations.host;
    for (const isNew of [true, false, false]) {
      const refused = accounts.securityEvents.reportExcess('request', 'account', () =>
        Promise.reject(new LimitExceeded(limit, 90, isNew)),
      );
      await expect(refused).rejects.toThrow(LimitExceeded);
    }
    expect(accounts.logged).toMatchObject([
      {
        securityEvent: 'excess_rate_limit_exceeded',
        requestId: 'request',
        accountId: 'account',
        limit: 'registrations/host',
        max: 600,
      },
    ]);
    expect(accounts.logged).toHaveLength(1);
  });

  it('say nothing of other failures', async () => {
    const failed = accounts.securityEvents.reportExcess('request', 'account', () =>
      Promise.reject(new Error('down')),
    );
    await expect(failed).rejects.toThrow('down');
    expect(accounts.logged).toEqual([]);
  });

  it('are counted by name', () => {
    const counted: string[] = [];
    const events = new SecurityEvents(accounts.log, (name) => counted.push(name));
    const subject = { requestId: 'request', accountId: undefined };
    events.loginFailed(subject);
    events.loginSucceeded(subject);
    events.loginRefused(subject, new LimitExceeded(exampleLimits().failedLoginsOfAddress, 1, true));
    events.loginRefused(subject, new LimitExceeded(exampleLimits().failedLogins.host, 1, true));
    expect(counted).toEqual([
      'authn_login_fail',
      'authn_login_success',
      'authn_login_lock',
      'excess_rate_limit_exceeded',
    ]);
  });
});
