import type { Duplex } from 'node:stream';
import helmet from '@fastify/helmet';
import { StandardSchemaValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '@app/service';
import { NestLog } from './nest-log.js';
import { KnownRoutes } from './known-routes.js';
import { serveProblemPages } from './problem-pages.js';
import { Problem, commonProblems, invalidRequest, problemDocument } from './problem.js';
import type { FieldError, ProblemType } from './problem.js';
import { ProblemFilter, sendProblem } from './problem-filter.js';
import type { ProblemTable } from './problem-filter.js';
import { requestIdOf } from './request-id.js';
import { parseStrictJson } from './strict-json.js';

export interface HttpServiceOptions {
  readonly log: Log;
  /** Every problem type the service can answer with, beside the common ones. */
  readonly problemTypes: readonly ProblemType[];
  readonly problemTable: ProblemTable;
  /** Told of every answer: route pattern, not the path, so that no personal data gets into metrics. */
  onAnswer(answer: HttpAnswer): void;
}

export interface HttpAnswer {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly milliseconds: number;
}

/** The largest valid request is far smaller. */
const BODY_LIMIT_BYTES = 16 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;

type NestModule = Parameters<typeof NestFactory.create>[0];

/**
 * A Nest application on Fastify with what each of our HTTP services has: strict JSON, problem documents for
 * every fault (those of the HTTP server itself included), request ids, security headers and no caching.
 * It is initialised but does not listen yet.
 */
export async function createHttpService(
  module: NestModule,
  options: HttpServiceOptions,
): Promise<NestFastifyApplication> {
  const { log } = options;
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS },
    genReqId: (request: { headers: Parameters<typeof requestIdOf>[0] }) =>
      requestIdOf(request.headers),
    clientErrorHandler: answerBrokenHttp,
    frameworkErrors: answerBadUrl,
    return503OnClosing: true,
  });
  const server = adapter.getInstance();
  const routes = new KnownRoutes();
  routes.watch(server);
  server.addHook('onRequest', (request, reply, done) => {
    reply.headers({ 'X-Request-Id': request.id, 'Cache-Control': 'no-store' });
    done();
  });
  server.addHook('onResponse', (request, reply, done) => {
    const answer = {
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      status: reply.statusCode,
      milliseconds: Math.round(reply.elapsedTime * 10) / 10,
    };
    log.debug({ requestId: request.id, ...answer }, 'answered');
    options.onAnswer(answer);
    done();
  });

  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: new NestLog(log),
    // Ours, below: the default one takes duplicate keys.
    bodyParser: false,
    abortOnError: false,
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, parseStrictJson(body as string));
    } catch (error) {
      done(error as Error);
    }
  });
  await app.register(helmet, {
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
  });
  serveProblemPages(server, [...Object.values(commonProblems), ...options.problemTypes]);
  app.useGlobalPipes(new StandardSchemaValidationPipe({ exceptionFactory: toProblem }));
  app.useGlobalFilters(new ProblemFilter(log, routes, options.problemTable));
  return app;
}

interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly unknown[] | undefined;
}

function toProblem(issues: readonly SchemaIssue[]): Problem {
  return invalidRequest(issues.flatMap(fieldErrors));
}

function fieldErrors(issue: SchemaIssue & { keys?: readonly string[] }): readonly FieldError[] {
  if (issue.keys) {
    return issue.keys.map((field) => ({ field, message: 'this field is not known; remove it' }));
  }
  const field = (issue.path ?? []).map(pathSegment).join('.') || 'body';
  return [{ field, message: issue.message }];
}

function pathSegment(segment: unknown): string {
  return typeof segment === 'object' && segment !== null && 'key' in segment
    ? String(segment.key)
    : String(segment);
}

/** The path cannot be decoded, so that no route was looked for. */
function answerBadUrl(_error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = invalidRequest([{ field: 'path', message: 'the path is not a valid URL' }]);
  void sendProblem(reply.header('X-Request-Id', request.id), problem, request.id);
}

/** The bytes on the connection are not HTTP, or too many: there is no request object to answer. */
function answerBrokenHttp(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return;
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const problem = tooLarge
    ? new Problem(commonProblems.headersTooLarge, 'Send fewer or shorter headers.')
    : invalidRequest([{ field: 'request', message: 'this is not a complete HTTP/1.1 request' }]);
  const requestId = requestIdOf({});
  const body = JSON.stringify(problemDocument(problem, requestId));
  socket.end(
    `HTTP/1.1 ${problem.type.status} ${tooLarge ? 'Request Header Fields Too Large' : 'Bad Request'}\r\n` +
      `Content-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `X-Request-Id: ${requestId}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n${body}`,
  );
}
