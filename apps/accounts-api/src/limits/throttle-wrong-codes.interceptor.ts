import { ActivationCodeIncorrect } from '@app/accounts';
import { LOG } from '@app/process';
import type { Log } from '@app/process';
import { Inject, Injectable } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { tap } from 'rxjs';
import type { Observable } from 'rxjs';
import { provenAccountOf } from '../basic-auth/proven-account.js';
import { ClientAddresses } from '../client-address/client-addresses.js';
import { SecurityEvents } from '../security-events/security-events.js';
import { toBeSettledBy } from './counts-again.js';
import type { Limits } from './limits.js';
import { LIMITS, Throttle, countedBy } from './throttle.js';
import type { Counted } from './throttle.js';

/**
 * Bounds wrong codes by network, over all accounts. Comes after BasicAuthGuard. A code is counted before it is
 * looked at, so that calls at the same time cannot exceed the limit together; what was no wrong code is given back.
 */
@Injectable()
export class WrongCodeThrottleInterceptor implements NestInterceptor {
  constructor(
    @Inject(LIMITS) private readonly limits: Limits,
    @Inject(LOG) private readonly log: Log,
    private readonly throttle: Throttle,
    private readonly clients: ClientAddresses,
    private readonly securityEvents: SecurityEvents,
  ) {}

  async intercept(execution: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const counted = countedBy(this.limits.wrongCodes, this.clients.networksOf(request));
    await this.securityEvents.reportExcess(request.id, provenAccountOf(request).accountId, () =>
      this.throttle.take(counted, { settling: toBeSettledBy(request) }),
    );
    return next.handle().pipe(
      tap({
        complete: () => this.giveBack(counted),
        error: (error: unknown) => {
          if (!(error instanceof ActivationCodeIncorrect)) this.giveBack(counted);
        },
      }),
    );
  }

  /** Behind the answer, which must not fail for it: the outcome is on record already. */
  private giveBack(counted: readonly Counted[]): void {
    this.throttle.settleSoon({ giveBack: counted }).catch((error: unknown) => {
      this.log.warn({ err: error }, 'a call stays counted that was no wrong code');
    });
  }
}
