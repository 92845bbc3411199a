import { addressKeyOf } from '@app/accounts';
import { Inject, Injectable, createParamDecorator } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { provenAccountOf } from '../basic-auth/proven-account.js';
import { ClientAddresses } from '../client-address/client-addresses.js';
import { SecurityEvents } from '../security-events/security-events.js';
import { countedMail } from './counted-mail.js';
import { toBeSettledBy } from './counts-again.js';
import type { Limits } from './limits.js';
import { LIMITS, Throttle, countedBy } from './throttle.js';
import type { Counted } from './throttle.js';

const INBOX_IS_FULL = Symbol('all networks together caused enough mails');

type CountedRequest = FastifyRequest & { [INBOX_IS_FULL]?: boolean };

/**
 * Controller parameter: whether the inbox gets no further mail today. The call is answered like any other then: a
 * caller learns nothing of what others did. Only behind NewCodeThrottleGuard.
 */
export const IsInboxFull = createParamDecorator(
  (_: unknown, execution: ExecutionContext): boolean =>
    execution.switchToHttp().getRequest<CountedRequest>()[INBOX_IS_FULL] ?? false,
);

/** Bounds requests for new codes by network, account and inbox. Comes after BasicAuthGuard. */
@Injectable()
export class NewCodeThrottleGuard implements CanActivate {
  constructor(
    @Inject(LIMITS) private readonly limits: Limits,
    private readonly throttle: Throttle,
    private readonly clients: ClientAddresses,
    private readonly securityEvents: SecurityEvents,
  ) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const request = execution.switchToHttp().getRequest<CountedRequest>();
    const { accountId, address } = provenAccountOf(request);
    const networks = this.clients.networksOf(request);
    const mail = countedMail(this.limits, addressKeyOf(address), networks);
    const own: readonly Counted[] = [
      ...countedBy(this.limits.newCodes, networks),
      { limit: this.limits.newCodesOfAddress, caller: accountId },
      ...mail.ofDomain,
      ...mail.ofPair,
    ];
    const usedUp = await this.securityEvents.reportExcess(request.id, accountId, () =>
      this.throttle.take(own, {
        allowances: { inbox: mail.ofInbox },
        marks: [mail.mark],
        settling: toBeSettledBy(request),
      }),
    );
    request[INBOX_IS_FULL] = usedUp.has('inbox');
    return true;
  }
}
