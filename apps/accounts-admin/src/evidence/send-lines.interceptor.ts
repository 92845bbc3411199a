import { LOG } from '@app/process';
import type { Log } from '@app/process';
import { Inject, Injectable } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { mergeMap } from 'rxjs';
import type { Observable } from 'rxjs';
import { callerOf } from '../keys/caller.js';
import { LineAnswer, streamLines } from './line-stream.js';

/** Sends what a controller answers line by line. */
@Injectable()
export class SendLinesInterceptor implements NestInterceptor {
  constructor(@Inject(LOG) private readonly log: Log) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const caller = callerOf(execution.switchToHttp().getRequest<FastifyRequest>());
    return next
      .handle()
      .pipe(
        mergeMap(async (answer: unknown) =>
          answer instanceof LineAnswer ? streamLines(answer, caller, this.log) : answer,
        ),
      );
  }
}
