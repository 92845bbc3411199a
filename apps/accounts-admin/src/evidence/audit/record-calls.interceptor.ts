import { Problem, commonProblems } from '@app/http-service';
import { Injectable, StreamableFile } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { from, lastValueFrom } from 'rxjs';
import type { Observable } from 'rxjs';
import { adminProblemTable } from '../../admin-problems.js';
import { callerOf } from '../../keys/caller.js';
import { CallRecords } from './recorded-calls.js';

/** Stands behind every route: what a call is answered with is on record before it is sent. */
@Injectable()
export class RecordCallsInterceptor implements NestInterceptor {
  constructor(private readonly records: CallRecords) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const caller = callerOf(request);
    const handled = lastValueFrom(next.handle());
    return from(
      handled.then(
        async (answer: unknown) => {
          await this.records.record(request, caller, { answer }).catch((error: unknown) => {
            if (answer instanceof StreamableFile) answer.getStream().destroy();
            throw error;
          });
          return answer;
        },
        async (error: unknown) => {
          const problem = problemOf(error);
          // An answer that the service is not there shows no account.
          if (problem.type.status !== 503) await this.records.record(request, caller, { problem });
          throw error;
        },
      ),
    );
  }
}

function problemOf(error: unknown): Problem {
  const known = error instanceof Problem ? error : adminProblemTable(error);
  return known ?? new Problem(commonProblems.internalError, '', { cause: error });
}
