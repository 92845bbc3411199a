import { Catch, HttpException, NotFoundException } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '@app/service';
import type { KnownRoutes } from './known-routes.js';
import { Problem, commonProblems, invalidRequest, problemDocument } from './problem.js';
import { InvalidJson } from './strict-json.js';

/** Turns errors of the service's own kinds into problems; undefined for those it does not know. */
export type ProblemTable = (error: unknown) => Problem | undefined;

/** Answers every error as a problem document; what nobody expected is logged and says nothing of its inside. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly log: Log,
    private readonly routes: KnownRoutes,
    private readonly table: ProblemTable,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const problem = this.problemOf(error, request);
    this.logFailure(problem, error, request.id);
    void sendProblem(reply, problem, request.id);
  }

  /** A missing dependency or an overload comes a thousand times a second: its stack would say nothing. */
  private logFailure({ type, extras }: Problem, error: unknown, requestId: string): void {
    const cause = extras.cause ?? error;
    if (type.status === 503) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.log.warn({ requestId, problem: type.slug, reason }, 'request turned away');
    } else if (type.status >= 500) {
      this.log.error({ requestId, problem: type.slug, err: cause }, 'request failed');
    }
  }

  private problemOf(error: unknown, request: FastifyRequest): Problem {
    if (error instanceof Problem) return error;
    return (
      this.table(error) ??
      this.routingProblem(error, request) ??
      bodyProblem(error) ??
      new Problem(
        commonProblems.internalError,
        'The service failed. Repeating the call is safe; quote the request id when you ask for help.',
        { cause: error },
      )
    );
  }

  private routingProblem(error: unknown, request: FastifyRequest): Problem | undefined {
    if (!(error instanceof NotFoundException)) return undefined;
    const allowed = this.routes.methodsOf(request.url.split('?', 1)[0] ?? '/');
    // A path that takes the method, yet whose handler found nothing, is a wrong path too.
    if (allowed.length === 0 || allowed.includes(request.method)) {
      return new Problem(commonProblems.notFound, 'Nothing is at this path.');
    }
    const allow = allowed.join(', ');
    return new Problem(commonProblems.methodNotAllowed, `This path takes ${allow}.`, {
      headers: { Allow: allow },
    });
  }
}

/** Faults that the HTTP server finds in a body before any controller sees it. */
function bodyProblem(error: unknown): Problem | undefined {
  if (error instanceof InvalidJson) {
    return invalidRequest([{ field: error.key ?? 'body', message: error.message }]);
  }
  const status = statusOf(error);
  if (status === 413) {
    return new Problem(commonProblems.payloadTooLarge, 'Send a body of at most 16 KiB.', {
      // What is left of the body will not be read.
      headers: { Connection: 'close' },
    });
  }
  if (status === 415) {
    return new Problem(
      commonProblems.unsupportedMediaType,
      'Send JSON with the header Content-Type: application/json.',
    );
  }
  if (status === 400) {
    return invalidRequest([
      { field: 'body', message: 'the body is not complete, well-formed JSON' },
    ]);
  }
  return undefined;
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return undefined;
  return Number(error.statusCode);
}

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

export function sendProblem(
  reply: FastifyReply,
  problem: Problem,
  requestId: string,
): FastifyReply {
  return (
    reply
      .status(problem.type.status)
      .headers({ ...problem.extras.headers })
      .header('Content-Type', PROBLEM_CONTENT_TYPE)
      // As bytes: to a text Fastify adds a charset, which this media type does not have.
      .send(Buffer.from(JSON.stringify(problemDocument(problem, requestId)), 'utf8'))
  );
}
