import { AccountIds } from '@app/account-secrets';
import { InvalidAddress, addressKeyOf } from '@app/accounts';
import { Inject, Injectable, createParamDecorator } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ClientAddresses } from '../client-address/client-addresses.js';
import { SecurityEvents } from '../security-events/security-events.js';
import type { Limits } from './limits.js';
import { LIMITS, LimitExceeded, Throttle, countedBy } from './throttle.js';
import type { Counted, Mark } from './throttle.js';

const BUDGET_SPENT = Symbol('registration budget spent');

type CountedRequest = FastifyRequest & { [BUDGET_SPENT]?: true };

/**
 * Controller parameter: whether others have used up what the address may be registered. The call is answered
 * like any other then, and nothing happens: a caller learns nothing of what others did. Only behind
 * RegistrationThrottleGuard.
 */
export const IsBudgetSpent = createParamDecorator(
  (_: unknown, execution: ExecutionContext): boolean =>
    execution.switchToHttp().getRequest<CountedRequest>()[BUDGET_SPENT] ?? false,
);

const DAY_MS = 86_400_000;

/**
 * Bounds registrations by network, and by address with or without an account. A malformed address is not
 * counted: validation refuses it later.
 */
@Injectable()
export class RegistrationThrottleGuard implements CanActivate {
  constructor(
    @Inject(LIMITS) private readonly limits: Limits,
    private readonly throttle: Throttle,
    private readonly clients: ClientAddresses,
    private readonly accountIds: AccountIds,
    private readonly securityEvents: SecurityEvents,
  ) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const request = execution.switchToHttp().getRequest<CountedRequest>();
    const accountId = this.accountIdOf(request.body);
    if (accountId === undefined) return true;
    const networks = this.clients.networksOf(request);
    const pair = `${accountId}\0${networks.network}`;
    const registeredToday: Mark = { name: 'registered-today', caller: pair, lastsMs: DAY_MS };
    const own: readonly Counted[] = [
      ...countedBy(this.limits.registrations, networks),
      { limit: this.limits.registrationsOfPair, caller: pair },
      { limit: this.limits.registrationsOfPairPerDay, caller: pair },
    ];
    const shared: readonly Counted[] = [
      { limit: this.limits.registrationsOfAddress, caller: accountId },
      {
        limit: this.limits.registrationsOfAddressAgain,
        caller: accountId,
        condition: { mark: registeredToday, stands: true },
      },
    ];
    const take = (counted: readonly Counted[]) =>
      this.securityEvents.reportExcess(request.id, accountId, () =>
        this.throttle.take(counted, [registeredToday]),
      );
    try {
      await take([...own, ...shared]);
    } catch (error) {
      if (!isExcessOf(shared, error)) throw error;
      // What the caller's own networks did counts all the same.
      await take(own);
      request[BUDGET_SPENT] = true;
    }
    return true;
  }

  private accountIdOf(body: unknown): string | undefined {
    if (typeof body !== 'object' || body === null || !('email' in body)) return undefined;
    if (typeof body.email !== 'string') return undefined;
    try {
      return this.accountIds.accountIdOf(addressKeyOf(body.email));
    } catch (error) {
      if (error instanceof InvalidAddress) return undefined;
      throw error;
    }
  }
}

function isExcessOf(counted: readonly Counted[], error: unknown): boolean {
  return error instanceof LimitExceeded && counted.some(({ limit }) => limit === error.limit);
}
