import { Injectable, createParamDecorator } from '@nestjs/common';
import type { ExecutionContext, PipeTransform } from '@nestjs/common';
import type { CommandContext, RequestClient } from '@app/event-store';
import type { MailLanguage } from '@app/accounts';
import type { FastifyRequest } from 'fastify';
import { acceptedLanguage } from './accepted-language.js';
import { ClientAddresses } from './client-address/client-addresses.js';

/** What a request says about itself, kept with every event it causes. */
export interface RequestContext {
  /** UUID; correlates everything that follows from the request. */
  readonly requestId: string;
  readonly client: RequestClient;
  /** The caller's IPv4 /24 or IPv6 /48. */
  readonly network: string;
  /** What the caller reads, by Accept-Language; undefined when that names no language we have. */
  readonly language?: MailLanguage | undefined;
}

/** Finds out the context of a request. */
@Injectable()
export class RequestContexts implements PipeTransform<FastifyRequest, RequestContext> {
  constructor(private readonly clients: ClientAddresses) {}

  transform(request: FastifyRequest): RequestContext {
    return {
      requestId: request.id,
      client: this.clients.clientOf(request),
      network: this.clients.networksOf(request).network,
      language: acceptedLanguage(request.headers['accept-language']),
    };
  }
}

const Request = createParamDecorator((_: unknown, execution: ExecutionContext) =>
  execution.switchToHttp().getRequest<FastifyRequest>(),
);

/** Controller parameter: the `RequestContext` of the request at hand. */
export const FromRequest = () => Request(RequestContexts);

/** The metadata of events that this request causes. A provider's server is no person's client. */
export function commandContext(
  { requestId, client }: Pick<RequestContext, 'requestId' | 'client'>,
  actor: 'anonymous' | 'account' | 'mail-provider',
): CommandContext {
  return {
    $correlationId: requestId,
    $causationId: requestId,
    actor,
    ...(actor !== 'mail-provider' && { client }),
  };
}
