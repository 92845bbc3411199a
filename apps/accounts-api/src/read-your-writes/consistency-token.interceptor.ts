import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { map } from 'rxjs';
import type { Observable } from 'rxjs';
import { CONSISTENCY_TOKEN } from './read-your-writes.js';
import type { WrittenAt } from './read-your-writes.js';

/** Moves the position of a write from the result of its command into the answer's header. */
export class ConsistencyTokenInterceptor implements NestInterceptor<WrittenAt> {
  intercept(execution: ExecutionContext, next: CallHandler<WrittenAt>): Observable<object> {
    const reply = execution.switchToHttp().getResponse<FastifyReply>();
    return next.handle().pipe(
      map(({ position, ...body }) => {
        if (position !== undefined) void reply.header(CONSISTENCY_TOKEN, String(position));
        return body;
      }),
    );
  }
}
