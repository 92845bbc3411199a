import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { CommandContext } from '@app/event-store';
import type { FastifyRequest } from 'fastify';

/** What a request says about itself, kept with every event it causes. */
export interface RequestContext {
  /** UUID; correlates everything that follows from the request. */
  readonly requestId: string;
}

/** Controller parameter: the context of the request at hand. */
export const FromRequest = createParamDecorator(
  (_: unknown, execution: ExecutionContext): RequestContext => ({
    requestId: execution.switchToHttp().getRequest<FastifyRequest>().id,
  }),
);

/** The metadata of events that this request causes. */
export function commandContext(
  { requestId }: RequestContext,
  actor: 'anonymous' | 'account',
): CommandContext {
  return { $correlationId: requestId, $causationId: requestId, actor };
}
