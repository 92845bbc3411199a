import { Injectable } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { map } from 'rxjs';
import type { Observable } from 'rxjs';
import { CONSISTENCY_TOKEN, ConsistencyTokens } from './consistency-tokens.js';
import type { WrittenAt } from './read-your-writes.js';

/** Moves the written position from the command's result into an encrypted header of the answer. */
@Injectable()
export class ConsistencyTokenInterceptor implements NestInterceptor<WrittenAt> {
  constructor(private readonly tokens: ConsistencyTokens) {}

  intercept(execution: ExecutionContext, next: CallHandler<WrittenAt>): Observable<object> {
    const reply = execution.switchToHttp().getResponse<FastifyReply>();
    return next.handle().pipe(
      map(({ written, ...body }) => {
        // Whether the command wrote anything would reveal whether the address has an account.
        void reply.header(CONSISTENCY_TOKEN, this.tokens.seal(written));
        return body;
      }),
    );
  }
}
