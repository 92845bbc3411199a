import type { ExecutionContext } from '@nestjs/common';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { ActivationCodeExpired, ActivationCodeIncorrect } from '@app/accounts';
import type { Statement } from '@app/postgres';
import { lastValueFrom, of, throwError } from 'rxjs';
import { ActivateAccountController } from '../activate-account/activate-account.controller.js';
import { BasicAuthGuard } from '../basic-auth/basic-auth.guard.js';
import { ClientAddresses, TrustedProxies } from '../client-address/client-addresses.js';
import { RequestActivationCodeController } from '../request-activation-code/request-activation-code.controller.js';
import { ExampleAccounts, exampleAddress } from '../testing/example-accounts.js';
import {
  ExampleBuckets,
  exampleLimits,
  examplePasswordCheck,
} from '../testing/example-password-check.js';
import type { CountedCall } from '../testing/example-password-check.js';
import { UniformAnswers } from '../uniform-answers/uniform-answers.js';
import { ViewAccountController } from '../view-account/view-account.controller.js';
import { Throttle } from './throttle.js';
import { NewCodeThrottleGuard } from './throttle-new-codes.guard.js';
import { WrongCodeThrottleInterceptor } from './throttle-wrong-codes.interceptor.js';

/** Remembers what statements do, and has one account. */
class RecordedStatements extends ExampleBuckets {
  readonly names: string[] = [];

  constructor(private readonly accountId: string) {
    super();
  }

  override async query<Row>(statement: Statement) {
    if (statement.name !== 'find-credentials') {
      const [call = {}] = JSON.parse(String(statement.values?.[0])) as readonly CountedCall[];
      const settles = call.giveBack ?? call.refill ?? call.marksBefore;
      const done = [settles && 'settle', call.demands && 'take'];
      this.names.push(done.filter(Boolean).join(' and '));
      return super.query<Row>(statement);
    }
    this.names.push(statement.name);
    const claim = {
      number: 1,
      network: 'home',
      address: exampleAddress,
      passwordHash: 'hash of right',
    };
    const row: unknown = {
      account_id: this.accountId,
      address: exampleAddress,
      status: 'pending',
      registered_at: new Date(),
      activated_at: null,
      network_key: null,
      claims: JSON.stringify([claim]),
    };
    return { rows: [row as Row], rowCount: 1 };
  }
}

describe('A call that counts again behind its password', () => {
  let accounts: ExampleAccounts;
  let buckets: RecordedStatements;
  let throttle: Throttle;
  let guard: BasicAuthGuard;
  const limits = exampleLimits();
  const clients = new ClientAddresses(new TrustedProxies(''));

  beforeEach(() => {
    accounts = new ExampleAccounts();
    buckets = new RecordedStatements(accounts.accountId);
    throttle = new Throttle(buckets, Buffer.alloc(32));
    guard = new BasicAuthGuard(
      buckets,
      examplePasswordCheck(accounts, { buckets, verified: accounts.verified }),
      accounts.accountIds,
      accounts.networkNames,
      accounts.consistencyTokens,
      accounts.readYourWrites,
      clients,
      new UniformAnswers(0),
    );
  });

  function call(route: (...values: never[]) => unknown, password = 'right') {
    const request = {
      id: 'a-request',
      headers: {
        authorization: `Basic ${Buffer.from(`${exampleAddress}:${password}`).toString('base64')}`,
      },
      raw: { socket: { remoteAddress: '203.0.113.9' } },
    };
    return {
      switchToHttp: () => ({ getRequest: () => request }),
      getHandler: () => route,
    } as unknown as ExecutionContext;
  }

  async function activate(refusal?: Error): Promise<void> {
    const execution = call(ActivateAccountController.prototype.activate);
    await guard.canActivate(execution);
    const { log, securityEvents } = accounts;
    const answer = await new WrongCodeThrottleInterceptor(
      limits,
      log,
      throttle,
      clients,
      securityEvents,
    ).intercept(execution, { handle: () => (refusal ? throwError(() => refusal) : of('active')) });
    await lastValueFrom(answer).catch((error: unknown) => expect(error).toBe(refusal));
  }

  it('settles the password by the statement that counts the code: three for an activation', async () => {
    await activate();
    expect(buckets.names).toEqual(['find-credentials', 'take', 'settle and take']);
    await throttle.settlePutOff();
    expect(buckets.total).toBe(0);
    expect(buckets.marks.size).toBe(1);
  });

  it('makes two statements and no hash where the password was just chosen', async () => {
    const { accountId, verified, passwordHasher } = accounts;
    const passwordHash = 'hash of right';
    verified.remember({ accountId, claimNumber: 1, passwordHash }, 'right', false);
    await activate();
    expect(buckets.names).toEqual(['find-credentials', 'settle and take']);
    await throttle.settlePutOff();
    expect([passwordHasher.verified, buckets.total, buckets.marks.size]).toEqual([0, 0, 1]);
  });

  it('has nothing to settle where the password was remembered', async () => {
    await activate(new ActivationCodeExpired(1));
    await throttle.settlePutOff();
    buckets.names.length = 0;
    await activate(new ActivationCodeIncorrect(2));
    expect(buckets.names).toEqual(['find-credentials', 'take']);
    // The wrong code alone, of host and network.
    expect(buckets.total).toBe(2);
  });

  it('settles it by the statement that counts a request for a code', async () => {
    const execution = call(RequestActivationCodeController.prototype.request);
    await guard.canActivate(execution);
    const newCodes = new NewCodeThrottleGuard(limits, throttle, clients, accounts.securityEvents);
    await newCodes.canActivate(execution);
    expect(buckets.names).toEqual(['find-credentials', 'take', 'settle and take']);
  });

  it('counts a wrong password, and no code', async () => {
    const execution = call(ActivateAccountController.prototype.activate, 'wrong');
    await expect(guard.canActivate(execution)).rejects.toThrow();
    expect(buckets.names).toEqual(['find-credentials', 'take']);
    expect([...buckets.taken.keys()]).toHaveLength(4);
  });

  it('and no other one leaves its password unsettled', async () => {
    await guard.canActivate(call(ViewAccountController.prototype.view));
    expect(buckets.names).toEqual(['find-credentials', 'take', 'settle']);
    expect(buckets.total).toBe(0);
  });
});
