import { AccountIds } from '@app/account-secrets';
import { InvalidAddress, addressKeyOf } from '@app/accounts';
import type { AddressKey, RegistrationAllowance } from '@app/accounts';
import { Inject, Injectable, createParamDecorator } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ClientAddresses } from '../client-address/client-addresses.js';
import { SecurityEvents } from '../security-events/security-events.js';
import { DAY_MS } from './limits.js';
import type { Limits } from './limits.js';
import { countedMail } from './counted-mail.js';
import { LIMITS, Throttle, countedBy } from './throttle.js';
import type { Counted, Mark } from './throttle.js';

const ALLOWED = Symbol('what a registration may do');

type CountedRequest = FastifyRequest & { [ALLOWED]?: RegistrationAllowance };

/**
 * Controller parameter: what is left of what others may do with the address. The answer is the same whatever it is: a
 * caller learns nothing of what others did. Only behind RegistrationThrottleGuard.
 */
export const Allowed = createParamDecorator(
  (_: unknown, execution: ExecutionContext): RegistrationAllowance => {
    const request = execution.switchToHttp().getRequest<CountedRequest>();
    return request[ALLOWED] ?? 'registration-and-mail';
  },
);

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
    const address = addressKeyIn(request.body);
    if (address === undefined) return true;
    const accountId = this.accountIds.accountIdOf(address);
    const networks = this.clients.networksOf(request);
    const pair = `${accountId}\0${networks.network}`;
    const registeredToday: Mark = {
      name: 'registered-today',
      caller: pair,
      of: accountId,
      lastsMs: DAY_MS,
    };
    const mail = countedMail(this.limits, address, networks);
    const own: readonly Counted[] = [
      ...countedBy(this.limits.registrations, networks),
      { limit: this.limits.registrationsOfPair, caller: pair, of: accountId },
      { limit: this.limits.registrationsOfPairPerDay, caller: pair, of: accountId },
      ...mail.ofDomain,
    ];
    const registration: readonly Counted[] = [
      {
        limit: this.limits.registrationsOfAddress,
        caller: accountId,
        of: accountId,
        whileMarked: registeredToday,
      },
    ];
    const usedUp = await this.securityEvents.reportExcess(request.id, accountId, () =>
      this.throttle.take(own, {
        allowances: { registration, mail: [...mail.ofPair, ...mail.ofInbox] },
        marks: [registeredToday, mail.mark],
      }),
    );
    if (usedUp.has('registration')) request[ALLOWED] = 'nothing';
    else if (usedUp.has('mail')) request[ALLOWED] = 'registration';
    return true;
  }
}

/** Undefined when the body has no address that an account can have. */
function addressKeyIn(body: unknown): AddressKey | undefined {
  if (typeof body !== 'object' || body === null || !('email' in body)) return undefined;
  if (typeof body.email !== 'string') return undefined;
  try {
    return addressKeyOf(body.email);
  } catch (error) {
    if (error instanceof InvalidAddress) return undefined;
    throw error;
  }
}
