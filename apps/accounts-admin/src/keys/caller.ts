import type { CommandContext } from '@app/event-store';
import { callerRequestIdOf } from '@app/http-service';
import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { ProvenKey } from './admin-keys.js';

/** The caller, and the request it makes. */
export interface Caller extends ProvenKey {
  /** UUID; correlates everything that follows from the request. */
  readonly requestId: string;
  /** What the caller calls it, when that is a UUID. */
  readonly callerRequestId?: string | undefined;
}

const CALLER = Symbol('Caller');

type AuthorizedRequest = FastifyRequest & { [CALLER]?: Caller };

export function setCaller(request: FastifyRequest, key: ProvenKey): Caller {
  const caller: Caller = {
    ...key,
    requestId: request.id,
    callerRequestId: callerRequestIdOf(request.headers),
  };
  (request as AuthorizedRequest)[CALLER] = caller;
  return caller;
}

/** The caller of a request that passed the guard. */
export function callerOf(request: FastifyRequest): Caller {
  const caller = (request as AuthorizedRequest)[CALLER];
  if (caller === undefined) throw new Error('this route was reached without the guard');
  return caller;
}

/** Controller parameter: the caller, whose key was proven and has the route's scope. */
export const CallerOf = createParamDecorator((_: unknown, execution: ExecutionContext): Caller =>
  callerOf(execution.switchToHttp().getRequest<FastifyRequest>()),
);

/** The caller in the metadata of events and in records: `admin:<key id>`. */
export function actorOf({ keyId }: Pick<Caller, 'keyId'>): string {
  return `admin:${keyId}`;
}

/** The metadata of events that the caller's request causes. */
export function contextOf(caller: Caller): CommandContext {
  const { requestId } = caller;
  return { $correlationId: requestId, $causationId: requestId, actor: actorOf(caller) };
}
