import { Catch, HttpException } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import type { Log } from '@app/process';
import type { FastifyReply } from 'fastify';
import { ProviderError, errorDocument } from './provider-error.js';

/** Turns each error into the provider's error document; an unforeseen one is logged and its text kept from the client. */
@Catch()
export class ProviderErrorFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const error = this.explain(thrown);
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (reply.sent) return;
    if (error.retryAfterSeconds !== undefined) reply.header('Retry-After', error.retryAfterSeconds);
    reply.status(error.status).send(errorDocument(error));
  }

  private explain(thrown: unknown): ProviderError {
    if (thrown instanceof ProviderError) return thrown;
    if (thrown instanceof HttpException && thrown.getStatus() < 500) {
      const status = thrown.getStatus();
      const message = status === 404 ? 'There is nothing at this address.' : thrown.message;
      return new ProviderError(status, message);
    }
    this.log.error({ err: thrown }, 'a request failed');
    return new ProviderError(500, 'Something went wrong inside the mailbox.');
  }
}
