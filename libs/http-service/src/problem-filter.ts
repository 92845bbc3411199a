import { Catch, HttpException } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '@app/process';
import type { KnownRoutes } from './known-routes.js';
import {
  Problem,
  commonProblems,
  invalidRequest,
  problemDocument,
  withSentences,
} from './problem.js';
import type { FieldSentences } from './problem.js';
import { InvalidJson } from './strict-json.js';

/** Turns errors of the service's own kinds into problems; undefined for those it does not know. */
export type ProblemTable = (error: unknown) => Problem | undefined;

/** The sentences for what a caller reads (Accept-Language); undefined for English. */
export type SentencesFor = (acceptLanguage: string | undefined) => FieldSentences | undefined;

/** Answers every error as a problem document; an unexpected one is logged and its answer reveals nothing. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly log: Log,
    private readonly routes: KnownRoutes,
    private readonly table: ProblemTable,
    private readonly sentencesFor: SentencesFor = () => undefined,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const problem = this.problemOf(error, request);
    this.logFailure(problem, error, request.id);
    const sentences = this.sentencesFor(request.headers['accept-language']);
    void sendProblem(reply, sentences ? withSentences(problem, sentences) : problem, request.id);
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
      refusedRequest(error) ??
      new Problem(
        commonProblems.internalError,
        'The service failed. Repeating the call is safe; quote the request id when you ask for help.',
        { cause: error },
      )
    );
  }

  private routingProblem(error: unknown, request: FastifyRequest): Problem | undefined {
    const status = statusOf(error);
    if (status !== 404 && status !== 405) return undefined;
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

/**
 * What the framework, or a plug-in of it, refuses before or in place of a controller. Each says so by a status
 * of its own; one from 500 on is a failure like any other.
 */
function refusedRequest(error: unknown): Problem | undefined {
  if (error instanceof InvalidJson) {
    const code = error.key === undefined ? 'malformed-body' : 'ambiguous-key';
    return invalidRequest([{ field: error.key ?? 'body', code, message: error.message }]);
  }
  const status = statusOf(error);
  if (status === undefined || status < 400 || status >= 500) return undefined;
  switch (status) {
    case 400:
      return invalidRequest([
        concernsBody(error)
          ? {
              field: 'body',
              code: 'malformed-body',
              message: 'the body is not complete, well-formed JSON',
            }
          : {
              field: 'request',
              code: 'malformed-request',
              message: 'the request cannot be understood',
            },
      ]);
    case 403:
      return new Problem(
        commonProblems.pathRefused,
        'Send the path of a file as it is: without ".", "..", "//" and characters that no file name has.',
      );
    case 412:
      return new Problem(
        commonProblems.preconditionFailed,
        'Send the request without If-Match and If-Unmodified-Since.',
      );
    case 413:
      return new Problem(commonProblems.payloadTooLarge, 'Send a body of at most 16 KiB.', {
        // What is left of the body will not be read.
        headers: { Connection: 'close' },
      });
    case 415:
      return new Problem(
        commonProblems.unsupportedMediaType,
        'Send JSON with the header Content-Type: application/json.',
      );
    case 416:
      return new Problem(commonProblems.rangeNotSatisfiable, 'Send the request without Range.');
    default:
      return new Problem(
        { ...commonProblems.requestRefused, status },
        'The service does not take requests of this form. Compare it with the description of the API.',
      );
  }
}

/** Fastify's codes for what is wrong with a body begin alike. */
function concernsBody(error: unknown): boolean {
  const { cause = error } = error as { readonly cause?: unknown };
  return String((cause as { readonly code?: unknown }).code).startsWith('FST_ERR_CTP_');
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return undefined;
  return typeof error.statusCode === 'number' ? error.statusCode : undefined;
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
