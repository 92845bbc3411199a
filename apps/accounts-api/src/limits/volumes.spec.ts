import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { ActivationCodeIncorrect } from '@app/accounts';
import { lastValueFrom, of, throwError } from 'rxjs';
import { setProvenAccount } from '../basic-auth/proven-account.js';
import { ClientAddresses, TrustedProxies } from '../client-address/client-addresses.js';
import { ExampleAccounts } from '../testing/example-accounts.js';
import { ExampleBuckets, exampleLimits } from '../testing/example-password-check.js';
import { LimitExceeded, Throttle } from './throttle.js';
import { Allowed, RegistrationThrottleGuard } from './throttle-registrations.guard.js';
import { WrongCodeThrottleInterceptor } from './throttle-wrong-codes.interceptor.js';

/** How often each answer came. */
type Tally = Record<string, number>;

describe('With the limits of production, in one hour,', () => {
  let accounts: ExampleAccounts;
  let buckets: ExampleBuckets;
  let throttle: Throttle;
  const limits = exampleLimits();
  const clients = new ClientAddresses(new TrustedProxies(''));

  beforeEach(() => {
    accounts = new ExampleAccounts();
    buckets = new ExampleBuckets();
    throttle = new Throttle(buckets, Buffer.alloc(32));
  });

  function call(from: string, body: object = {}) {
    const request = {
      id: 'a-request',
      body,
      headers: {},
      raw: { socket: { remoteAddress: from } },
    };
    const execution = {
      switchToHttp: () => ({ getRequest: () => request }),
    } as unknown as ExecutionContext;
    return { request, execution };
  }

  async function tally(calls: number, outcome: (index: number) => Promise<string>): Promise<Tally> {
    const counts: Tally = {};
    for (let index = 0; index < calls; index += 1) {
      const name = await outcome(index).catch((error: unknown) => {
        if (error instanceof LimitExceeded) return error.limit.name;
        throw error;
      });
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }

  function allowedTo(execution: ExecutionContext): string {
    class Probe {
      register(_allowed: unknown): void {
        return;
      }
    }
    Allowed()(Probe.prototype, 'register', 0);
    const [parameter] = Object.values(
      Reflect.getMetadata(ROUTE_ARGS_METADATA, Probe, 'register') as object,
    ) as { factory(data: unknown, context: ExecutionContext): string }[];
    return String(parameter?.factory(undefined, execution));
  }

  function registrations(change: Parameters<typeof exampleLimits>[0] = {}) {
    const guard = new RegistrationThrottleGuard(
      exampleLimits(change),
      throttle,
      clients,
      accounts.accountIds,
      accounts.securityEvents,
    );
    return async (email: string, from: string): Promise<string> => {
      const { execution } = call(from, { email });
      await guard.canActivate(execution);
      return allowedTo(execution);
    };
  }

  function guess(accountId: string, from: string, isRight: boolean): Promise<string> {
    const interceptor = new WrongCodeThrottleInterceptor(
      limits,
      accounts.log,
      throttle,
      clients,
      accounts.securityEvents,
    );
    const { request, execution } = call(from);
    setProvenAccount(
      request as unknown as Parameters<typeof setProvenAccount>[0],
      { accountId } as Parameters<typeof setProvenAccount>[1],
    );
    const next: CallHandler = {
      handle: () => (isRight ? of('activated') : throwError(() => new ActivationCodeIncorrect(2))),
    };
    return interceptor
      .intercept(execution, next)
      .then((answer) => lastValueFrom(answer) as Promise<string>)
      .catch((error: unknown) => {
        if (error instanceof ActivationCodeIncorrect) return 'compared';
        throw error;
      });
  }

  it('30 of 1,500 wrong codes over 600 addresses from one client are compared, 120 from a /24', async () => {
    const fromOne = (index: number) => guess(`account ${index % 600}`, '203.0.113.9', false);
    expect(await tally(1_500, fromOne)).toEqual({ compared: 30, 'wrong-codes/host': 1_470 });
    const fromMany = (index: number) =>
      guess(`account ${index % 600}`, `198.51.100.${index % 200}`, false);
    expect(await tally(1_500, fromMany)).toEqual({ compared: 120, 'wrong-codes/network': 1_380 });
  });

  it('right codes cost nothing, however many come from one network', async () => {
    const right = (index: number) => guess(`account ${index}`, '203.0.113.9', true);
    expect(await tally(500, right)).toEqual({ activated: 500 });
  });

  const of56 = (index: number) => `2001:db8:1:${(index % 256).toString(16)}::1`;

  it('300 registrations through one /56 count as those of one site', async () => {
    const register = registrations({ REGISTRATIONS_PER_NETWORK_PER_HOUR: 100 });
    const counts = await tally(300, (index) =>
      register(`person-${index}@${index}.example`, of56(index)),
    );
    expect(counts).toEqual({ 'registration-and-mail': 200, 'registrations/site': 100 });
  });

  it('300 registrations of one address through one /56 make six registrations, and three mails', async () => {
    const register = registrations();
    expect(await tally(300, (index) => register('victim@example.org', of56(index)))).toEqual({
      'registration-and-mail': 3,
      registration: 3,
      'registrations/address-and-network': 294,
    });
  });

  it('650 registrations of victim+<n>@ fill no inbox: 3 mails from one network, 20 from any number of them', async () => {
    const register = registrations();
    const flood = (from: (index: number) => string) =>
      tally(650, (index) => register(`victim+${index}@example.org`, from(index)));
    expect((await flood(() => '203.0.113.9'))['registration-and-mail']).toBe(3);
    const networks = await flood((index) => `198.51.${index % 250}.1`);
    expect(networks['registration-and-mail']).toBe(17);
  });
});
