import { Inject, Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { provenAccountOf } from '../basic-auth/proven-account.js';
import { ClientAddresses } from '../client-address/client-addresses.js';
import { SecurityEvents } from '../security-events/security-events.js';
import type { Limits } from './limits.js';
import { LIMITS, Throttle, countedBy } from './throttle.js';

/** Bounds requests for new codes by network and account. Comes after BasicAuthGuard. */
@Injectable()
export class NewCodeThrottleGuard implements CanActivate {
  constructor(
    @Inject(LIMITS) private readonly limits: Limits,
    private readonly throttle: Throttle,
    private readonly clients: ClientAddresses,
    private readonly securityEvents: SecurityEvents,
  ) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const { accountId } = provenAccountOf(request);
    await this.securityEvents.reportExcess(request.id, accountId, () =>
      this.throttle.take([
        ...countedBy(this.limits.newCodes, this.clients.networksOf(request)),
        { limit: this.limits.newCodesOfAddress, caller: accountId },
      ]),
    );
    return true;
  }
}
