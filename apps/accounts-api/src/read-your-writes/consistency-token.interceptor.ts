import { Injectable } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { map } from 'rxjs';
import type { Observable } from 'rxjs';
import { CONSISTENCY_TOKEN, ConsistencyTokens } from './consistency-tokens.js';
import type { WrittenAt } from './read-your-writes.js';

/** Moves what a command has written from its result into the answer's header, where nobody can read it. */
@Injectable()
export class ConsistencyTokenInterceptor implements NestInterceptor<WrittenAt> {
  constructor(private readonly tokens: ConsistencyTokens) {}

  intercept(execution: ExecutionContext, next: CallHandler<WrittenAt>): Observable<object> {
    const reply = execution.switchToHttp().getResponse<FastifyReply>();
    return next.handle().pipe(
      map(({ written, ...body }) => {
        // Whether there was anything to write tells what the address has already.
        void reply.header(CONSISTENCY_TOKEN, this.tokens.seal(written));
        return body;
      }),
    );
  }
}
