import { AccountIds } from '@app/account-secrets';
import { InvalidAddress, addressKeyOf } from '@app/accounts';
import { Inject, Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ClientAddresses } from '../client-address/client-addresses.js';
import { SecurityEvents } from '../security-events/security-events.js';
import type { Limits } from './limits.js';
import { LIMITS, Throttle } from './throttle.js';

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
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const accountId = this.accountIdOf(request.body);
    if (accountId === undefined) return true;
    await this.securityEvents.reportExcess(request.id, accountId, () =>
      this.throttle.take([
        { limit: this.limits.registrationsPerNetwork, caller: this.clients.networkOf(request) },
        { limit: this.limits.registrationsPerAddress, caller: accountId },
      ]),
    );
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
