import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { CommandContext } from '@app/event-store';
import type { MailLanguage } from '@app/accounts';
import type { FastifyRequest } from 'fastify';
import { acceptedLanguage } from './accepted-language.js';

/** What a request says about itself, kept with every event it causes. */
export interface RequestContext {
  /** UUID; correlates everything that follows from the request. */
  readonly requestId: string;
  /** What the caller reads, by Accept-Language; undefined when that names no language we have. */
  readonly language?: MailLanguage | undefined;
}

/** Controller parameter: the context of the request at hand. */
export const FromRequest = createParamDecorator(
  (_: unknown, execution: ExecutionContext): RequestContext => {
    const { id, headers } = execution.switchToHttp().getRequest<FastifyRequest>();
    return { requestId: id, language: acceptedLanguage(headers['accept-language']) };
  },
);

/** The metadata of events that this request causes. */
export function commandContext(
  { requestId }: RequestContext,
  actor: 'anonymous' | 'account' | 'mail-provider',
): CommandContext {
  return { $correlationId: requestId, $causationId: requestId, actor };
}
