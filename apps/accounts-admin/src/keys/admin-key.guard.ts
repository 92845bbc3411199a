import { Problem, commonProblems } from '@app/http-service';
import { LOG } from '@app/process';
import type { Log } from '@app/process';
import { Inject, Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { adminProblems } from '../admin-problems.js';
import { CallRecords, recordedCallOf } from '../evidence/audit/recorded-calls.js';
import { AdminKeys } from './admin-keys.js';
import { setCaller } from './caller.js';
import { keyOfHeader } from './key-text.js';
import { RequiresScope } from './scopes.js';
import type { Scope } from './scopes.js';

/** Stands in front of every route: without a right key, and a scope that the route names, nothing happens.
 * A call that lacks only the scope is put on record. */
@Injectable()
export class AdminKeyGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly keys: AdminKeys,
    @Inject(LOG) private readonly log: Log,
    private readonly records: CallRecords,
  ) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const given = keyOfHeader(request.headers.authorization);
    const key = given && (await this.keys.prove(given));
    if (key === undefined) {
      this.log.warn({ securityEvent: 'authn_login_fail', requestId: request.id }, 'no valid key');
      throw new Problem(
        commonProblems.unauthenticated,
        'Send a key that is neither expired nor revoked as "Authorization: Bearer id.secret".',
        { headers: { 'WWW-Authenticate': 'Bearer realm="admin"' } },
      );
    }
    const caller = setCaller(request, key);
    const scope: Scope | undefined = this.reflector.get(RequiresScope, execution.getHandler());
    const isOpen = scope !== undefined && recordedCallOf(request) !== undefined;
    if (!isOpen || !key.scopes.has(scope)) {
      const { keyId } = key;
      this.log.warn(
        { securityEvent: 'authz_fail', requestId: request.id, keyId, scope },
        'refused',
      );
      const problem = new Problem(
        adminProblems.forbidden,
        isOpen ? `This call needs a key with the scope ${scope}.` : 'This call is open to nobody.',
      );
      await this.records.record(request, caller, { problem });
      throw problem;
    }
    return true;
  }
}
