import type { ExecutionContext } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { Problem } from '@app/http-service';
import { accountStreamName } from '@app/accounts';
import { ReadModelBehind } from '@app/consumers';
import { loadStream } from '@app/event-store';
import { DatabaseUnavailable } from '@app/postgres';
import type { Queryable, Statement } from '@app/postgres';
import { ReadYourWrites } from '../read-your-writes/read-your-writes.js';
import { HashingOverloaded } from '../passwords/password-hasher.js';
import { ExampleAccounts, exampleAddress, exampleContext } from '../testing/example-accounts.js';
import { networksOf } from '../client-address/network.js';
import { RegisterAccountCommand } from '../register-account/register-account.handler.js';
import { ClientAddresses, TrustedProxies } from '../client-address/client-addresses.js';
import { examplePasswordCheck } from '../testing/example-password-check.js';
import { UniformAnswers } from '../uniform-answers/uniform-answers.js';
import { BasicAuthGuard } from './basic-auth.guard.js';
import { Proven } from './proven-account.js';
import type { ProvenClaim } from './proven-account.js';

const HOME = '203.0.113.9';
const TRAIN = '198.51.100.9';
const ELSEWHERE = '192.0.2.9';

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** One row of the read model, or none. */
class ExampleReadModel implements Queryable {
  readonly asked: Statement[] = [];
  fault: Error | undefined;

  constructor(private readonly rows: readonly Readonly<Record<string, unknown>>[]) {}

  async query<Row>(statement: Statement) {
    this.asked.push(statement);
    if (this.fault) throw this.fault;
    const [wanted] = statement.values as readonly [readonly unknown[]];
    const rows = this.rows.filter((row) => wanted.includes(row['account_id']));
    return { rows: rows as readonly Row[], rowCount: rows.length };
  }
}

describe('Basic Auth', () => {
  let accounts: ExampleAccounts;
  let readModel: ExampleReadModel;
  let guard: BasicAuthGuard;
  let waitUntil: (position: bigint) => Promise<void>;
  let readYourWrites: ReadYourWrites;

  const networkKey = '00112233445566778899aabbccddeeff';
  const claimOf = (number: number, from: string, password: string) => ({
    number,
    network: accounts.networkNames.nameOf(networkKey, networksOf(from).network),
    address: exampleAddress,
    passwordHash: `hash of ${password}`,
  });

  beforeEach(() => {
    accounts = new ExampleAccounts();
    readModel = new ExampleReadModel([
      {
        account_id: accounts.accountId,
        address: exampleAddress,
        status: 'pending',
        registered_at: new Date(),
        activated_at: null,
        network_key: networkKey,
        claims: JSON.stringify([
          claimOf(2, HOME, 'password at home'),
          claimOf(3, TRAIN, 'right password'),
        ]),
      },
    ]);
    waitUntil = async () => undefined;
    readYourWrites = new ReadYourWrites(
      { hasReached: () => false, waitUntil: (position) => waitUntil(position) },
      async () => true,
    );
    guard = new BasicAuthGuard(
      readModel,
      examplePasswordCheck(accounts, { cacheMs: 60_000 }),
      accounts.accountIds,
      accounts.networkNames,
      accounts.consistencyTokens,
      readYourWrites,
      new ClientAddresses(new TrustedProxies('')),
      new UniformAnswers(0),
    );
  });

  const basic = (address: string, password: string) =>
    `Basic ${Buffer.from(`${address}:${password}`).toString('base64')}`;

  const tokenOf = (position: bigint) =>
    accounts.consistencyTokens.seal({ accountId: accounts.accountId, revision: 3n, position });

  async function ask(headers: Headers, from = ELSEWHERE): Promise<ExecutionContext> {
    const socket = { remoteAddress: from };
    const request = { id: exampleContext.requestId, headers, raw: { socket } };
    const execution = {
      switchToHttp: () => ({ getRequest: () => request }),
      getHandler: () => ask,
    } as unknown as ExecutionContext;
    expect(await guard.canActivate(execution)).toBe(true);
    return execution;
  }

  async function refusalOf(headers: Headers, from = ELSEWHERE): Promise<Problem> {
    try {
      await ask(headers, from);
    } catch (error) {
      if (error instanceof Problem) return error;
      throw error;
    }
    throw new Error('the credentials were accepted');
  }

  /** What a controller's parameter is given. */
  function provenOf(execution: ExecutionContext): unknown {
    class Probe {
      view(_account: unknown): void {
        return;
      }
    }
    Proven()(Probe.prototype, 'view', 0);
    const [parameter] = Object.values(
      Reflect.getMetadata(ROUTE_ARGS_METADATA, Probe, 'view') as object,
    ) as { factory(data: unknown, context: ExecutionContext): unknown }[];
    return parameter?.factory(undefined, execution);
  }

  it('proves the account whose password it is, and which claim the password belongs to', async () => {
    const execution = await ask({ authorization: basic('ADA@example.ORG', 'right password') });
    expect(provenOf(execution)).toMatchObject({
      accountId: accounts.accountId,
      claimNumber: 3,
    });
  });

  it.each([
    ['the network of a claim with that claim', HOME, 'password at home', 2],
    ['a neighbour in that network, too', '203.0.113.200', 'password at home', 2],
    ['another network with the newest claim', ELSEWHERE, 'right password', 3],
  ])('compares the password of %s, and with no other', async (_, from, password, claimNumber) => {
    const authorization = (text: string) => ({ authorization: basic(exampleAddress, text) });
    expect(provenOf(await ask(authorization(password), from))).toMatchObject({ claimNumber });
    expect(accounts.passwordHasher.verified).toBe(1);
    const others = ['password at home', 'right password'].filter((one) => one !== password);
    for (const other of others) {
      expect((await refusalOf(authorization(other), from)).type.slug).toBe('unauthenticated');
    }
    expect(accounts.passwordHasher.verified).toBe(2);
  });

  it('compares once more with what replaced the claim meanwhile', async () => {
    const register = (password: string) =>
      accounts.register.execute(
        new RegisterAccountCommand(exampleAddress, password, exampleContext),
      );
    const stateNow = async () =>
      (await loadStream(accounts.accounts, accountStreamName(accounts.accountId))).state;
    await register('password at home');
    const proven = provenOf(
      await ask({ authorization: basic(exampleAddress, 'password at home') }, HOME),
    ) as ProvenClaim;
    expect(await proven.proveAgain(await stateNow())).toBe(1);
    await register('password at home');
    expect(await proven.proveAgain(await stateNow())).toBe(2);
    await register('another');
    expect(await proven.proveAgain(await stateNow())).toBeUndefined();
  });

  it('proves nothing on a route without the guard', () => {
    const execution = {
      switchToHttp: () => ({ getRequest: () => ({ headers: {} }) }),
    } as unknown as ExecutionContext;
    expect(() => provenOf(execution)).toThrow('this route lacks the BasicAuthGuard');
  });

  it.each([
    ['a wrong password', basic(exampleAddress, 'wrong password')],
    ['an unknown address', basic('eve@example.org', 'right password')],
    ['what is no address', basic('eve', 'right password')],
    ['an empty address', basic('', 'right password')],
    ['an empty password', basic(exampleAddress, '')],
  ])('answers 401 to %s, at the cost of one verification', async (_, authorization) => {
    const { type, extras, detail } = await refusalOf({ authorization });
    expect({ type, extras, detail }).toEqual({
      type: expect.objectContaining({ slug: 'unauthenticated', status: 401 }),
      detail:
        'Send the e-mail address and password of an account as HTTP Basic credentials. If you registered the ' +
        'address in another network and have not activated it yet, register it again where you are now.',
      extras: { headers: { 'WWW-Authenticate': 'Basic realm="account", charset="UTF-8"' } },
    });
    expect(accounts.passwordHasher.verified).toBe(1);
  });

  it.each([
    ['no credentials', undefined],
    ['another scheme', 'Bearer abc'],
    ['what cannot be read', 'Basic !'],
  ])('answers 401 to %s, at no cost', async (_, authorization) => {
    expect((await refusalOf({ authorization })).type.slug).toBe('unauthenticated');
    expect(accounts.passwordHasher.verified).toBe(0);
    expect(readModel.asked).toHaveLength(0);
  });

  it('waits for the account’s last write and for the caller’s own token before it looks', async () => {
    const waited: bigint[] = [];
    waitUntil = async (position) => {
      expect(readModel.asked).toHaveLength(0);
      waited.push(position);
    };
    readYourWrites.remember(accounts.accountId, { revision: 3n, position: 17n });
    await ask({
      authorization: basic(exampleAddress, 'right password'),
      'consistency-token': tokenOf(104_729n),
    });
    expect(waited).toEqual([104_729n, 17n]);
  });

  it.each(['', '104729', 'abc', 'A'.repeat(80), `${'A'.repeat(79)}=`, '1'.repeat(81), ['1', '2']])(
    'answers 400 to the token %p',
    async (token) => {
      const problem = await refusalOf({
        authorization: basic(exampleAddress, 'right password'),
        'consistency-token': token,
      });
      expect(problem.type.slug).toBe('invalid-request');
      expect(problem.extras.members).toMatchObject({ errors: [{ field: 'Consistency-Token' }] });
    },
  );

  it.each([new ReadModelBehind('accounts', 2n, 1n), new DatabaseUnavailable('down')])(
    'says so when the read model cannot answer: %p',
    async (fault) => {
      waitUntil = () => Promise.reject(fault);
      const asked = ask({
        authorization: basic(exampleAddress, 'right password'),
        'consistency-token': tokenOf(2n),
      });
      await expect(asked).rejects.toBe(fault);
      readModel.fault = fault;
      await expect(ask({ authorization: basic(exampleAddress, 'x') })).rejects.toBe(fault);
    },
  );

  it('says so when too many passwords are waiting', async () => {
    accounts.passwordHasher.verify = () => Promise.reject(new HashingOverloaded(3));
    await expect(ask({ authorization: basic('eve@example.org', 'x') })).rejects.toBeInstanceOf(
      HashingOverloaded,
    );
  });

  it('looks up no account when hashing is overloaded, except for a password proven a moment ago', async () => {
    await ask({ authorization: basic(exampleAddress, 'right password') });
    accounts.passwordHasher.assertRoom = () => {
      throw new HashingOverloaded(3);
    };
    readModel.asked.length = 0;
    for (const address of ['eve@example.org', 'no address']) {
      const asked = ask({ authorization: basic(address, 'right password') });
      await expect(asked).rejects.toBeInstanceOf(HashingOverloaded);
    }
    expect(readModel.asked).toHaveLength(0);
    await ask({ authorization: basic(exampleAddress, 'right password') });
    const wrong = ask({ authorization: basic(exampleAddress, 'wrong password') });
    await expect(wrong).rejects.toBeInstanceOf(HashingOverloaded);
  });
});
