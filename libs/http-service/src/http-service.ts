import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { StandardSchemaValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import helmet from 'helmet';
import type * as z from 'zod';
import type { Log } from '@app/process';
import { RequestSpans } from '@app/tracing';
import { NestLog } from './nest-log.js';
import { KnownRoutes } from './known-routes.js';
import { serveProblemPages } from './problem-pages.js';
import { Problem, commonProblems, invalidRequest, problemDocument } from './problem.js';
import type { FieldFault, ProblemType } from './problem.js';
import { PROBLEM_CONTENT_TYPE, ProblemFilter, sendProblem } from './problem-filter.js';
import type { ProblemTable, SentencesFor } from './problem-filter.js';
import { callerRequestIdOf } from './request-id.js';
import { parseJsonBody } from './strict-json.js';

export interface HttpServiceOptions {
  readonly log: Log;
  /** Every problem type the service can answer with, beside the common ones. */
  readonly problemTypes: readonly ProblemType[];
  readonly problemTable: ProblemTable;
  /** English for everybody when left out. */
  readonly sentencesFor?: SentencesFor;
  /** Called at every answer with the route pattern, not the path: no personal data gets into metrics. */
  onAnswer(answer: HttpAnswer): void;
  /** The longest time in which a request that has arrived is answered, in milliseconds; 10 s without. */
  readonly longestCallMs?: number;
  /** How long a caller may take to send a request; see `slowestRequest` for what holds without. */
  readonly slowestRequest?: SlowestRequest;
}

/** Milliseconds from the first byte, checked every `checkEveryMs`. */
export interface SlowestRequest {
  readonly headersMs: number;
  readonly wholeMs: number;
  readonly checkEveryMs: number;
}

export interface HttpAnswer {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly milliseconds: number;
}

/** The largest valid request is far smaller. */
const BODY_LIMIT_BYTES = 16 * 1024;
const slowestRequest: SlowestRequest = { headersMs: 10_000, wholeMs: 15_000, checkEveryMs: 1_000 };
/** How long a broken connection stays open for the caller to read why. */
const LINGER_MS = 1_000;
/** How often connections that have become idle are looked for while closing. */
const IDLE_SWEEP_MS = 50;
/** How long a caller may go on sending its request while the service closes. */
const SENDING_GRACE_MS = 1_500;
const LONGEST_CALL_MS = 10_000;

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
  const slowest = options.slowestRequest ?? slowestRequest;
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT_BYTES,
    routerOptions: { ignoreTrailingSlash: true },
    requestTimeout: slowest.wholeMs,
    http: {
      headersTimeout: slowest.headersMs,
      connectionsCheckingInterval: slowest.checkEveryMs,
      // Checked below: node's own answer has no body.
      requireHostHeader: false,
    },
    genReqId: () => randomUUID(),
    clientErrorHandler: answerBrokenHttp,
    frameworkErrors: answerBadUrl,
    // A request that has arrived is still served; Fastify's own 503 is no problem document.
    return503OnClosing: false,
  });
  const server = adapter.getInstance();
  const routes = new KnownRoutes();
  routes.watch(server);
  const spans = new RequestSpans<FastifyRequest>();
  server.addHook('onRequest', (request, reply, done) => {
    spans.begin(request, request.id);
    reply.headers({ 'X-Request-Id': request.id, 'Cache-Control': 'no-store' });
    done();
  });
  // Callers expect 100-continue alone, and node's own 417 has no body: serve others as if they expected nothing.
  server.server.on('checkExpectation', (request, response) => {
    server.server.emit('request', request, response);
  });
  // Reading the body leaves the context that a hook before it made.
  server.addHook('preValidation', (request, _reply, done) => spans.continue(request, done));
  server.addHook('onRequestAbort', (request, done) => {
    spans.end(request, request.method, routeOf(request));
    done();
  });
  server.addHook('onResponse', (request, reply, done) => {
    const answer = {
      method: request.method,
      route: routeOf(request),
      status: reply.statusCode,
      milliseconds: Math.round(reply.elapsedTime * 10) / 10,
    };
    const callerRequestId = callerRequestIdOf(request.headers);
    log.debug({ requestId: request.id, callerRequestId, ...answer }, 'answered');
    spans.end(request, answer.method, answer.route, answer.status);
    options.onAnswer(answer);
    done();
  });
  closeConnectionsWhenDone(server, options.longestCallMs ?? LONGEST_CALL_MS);

  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: new NestLog(log),
    // Ours, below: the default one takes duplicate keys.
    bodyParser: false,
    abortOnError: false,
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      refuseOtherCharsets(request.headers['content-type']);
      refuseCompressed(request.headers['content-encoding']);
      done(null, parseJsonBody(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
  // Made once, and not for each request.
  const secure = helmet({
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
    // Only the TLS server in front may promise HTTPS (RFC 6797, section 7.2).
    strictTransportSecurity: false,
  });
  server.addHook('onRequest', ({ raw }, reply, done) => {
    secure(raw, reply.raw, () => done(hostProblem(raw)));
  });
  serveProblemPages(server, [...Object.values(commonProblems), ...options.problemTypes]);
  app.useGlobalPipes(new StrictValidationPipe({ exceptionFactory: toProblem }));
  app.useGlobalFilters(new ProblemFilter(log, routes, options.problemTable, options.sentencesFor));
  return app;
}

/** The pattern of the path, without what a caller wrote. */
function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'unknown';
}

/**
 * Closing waits for every request that has arrived. Fastify closes the connections that are idle just then; one that is
 * still being answered would be kept alive afterwards, and hold the process for more than a minute. A caller that is still
 * sending when its grace is over is cut: its request was not accepted.
 */
function closeConnectionsWhenDone(server: FastifyInstance, longestCallMs: number): void {
  let closing = false;
  const connections = new Set<Socket>();
  const beingAnswered = new Map<FastifyRequest, Socket>();
  server.server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  // After the body was read.
  server.addHook('preValidation', (request, _reply, done) => {
    beingAnswered.set(request, request.raw.socket);
    done();
  });
  server.addHook('onResponse', (request, _reply, done) => {
    beingAnswered.delete(request);
    done();
  });
  server.addHook('onRequestAbort', (request, done) => {
    beingAnswered.delete(request);
    done();
  });
  server.addHook('preClose', (done) => {
    closing = true;
    const sweep = setInterval(() => server.server.closeIdleConnections(), IDLE_SWEEP_MS);
    const timers = [
      setTimeout(() => {
        const kept = new Set(beingAnswered.values());
        for (const socket of connections) if (!kept.has(socket)) socket.destroy();
      }, SENDING_GRACE_MS),
      setTimeout(() => server.server.closeAllConnections(), longestCallMs),
    ];
    server.server.once('close', () => {
      clearInterval(sweep);
      for (const timer of timers) clearTimeout(timer);
    });
    done();
  });
  server.addHook('onSend', (_request, reply, payload, done) => {
    if (closing) void reply.header('Connection', 'close');
    done(null, payload);
  });
}

/** Validates a value as it was sent. */
class StrictValidationPipe extends StandardSchemaValidationPipe {
  /**
   * Nest would drop the keys `constructor` and `prototype` before validation, so that an unknown field
   * went unnoticed. The one that can do harm, `__proto__`, strict JSON has refused already.
   */
  protected override stripProtoKeys(): void {
    return;
  }
}

/** A body can name thousands of unknown fields; the answer must not grow with them. */
const MOST_FIELD_ERRORS = 20;

/** @param issues of zod: every schema of ours is one of zod's */
function toProblem(issues: readonly unknown[]): Problem {
  const faults = (issues as readonly z.core.$ZodIssue[]).flatMap(fieldErrors);
  return invalidRequest(faults.slice(0, MOST_FIELD_ERRORS));
}

function fieldErrors(issue: z.core.$ZodIssue): readonly FieldFault[] {
  if (issue.code === 'unrecognized_keys') {
    const message = 'this field is not known; remove it';
    return issue.keys.map((field) => ({ field, code: 'unknown-field', message }));
  }
  const field = issue.path.join('.');
  const { message } = issue;
  const isWrongType = issue.code === 'invalid_type';
  if (field === '') {
    return isWrongType
      ? [{ field: 'body', code: 'not-an-object', message: 'must be a JSON object' }]
      : [{ field: 'body', message }];
  }
  if (isWrongType) {
    return [{ field, code: 'wrong-type', message, parameters: { expected: issue.expected } }];
  }
  // A refinement may have a code of our own.
  const { code } = (issue.code === 'custom' ? issue.params : undefined) ?? {};
  return [{ field, code, message }];
}

/** HTTP/1.1 wants exactly one Host (RFC 9112, section 3.2): two servers in a row could take different ones. */
function hostProblem({ httpVersion, headersDistinct }: IncomingMessage): Problem | undefined {
  const hosts = headersDistinct['host']?.length ?? 0;
  if (hosts === 1 || (hosts === 0 && httpVersion === '1.0')) return undefined;
  return invalidRequest([
    { field: 'Host', code: 'malformed-request', message: 'send this header exactly once' },
  ]);
}

/** JSON is UTF-8; a body in another charset would be misread. */
function refuseOtherCharsets(contentType: string | undefined): void {
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType ?? '')?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw new Problem(commonProblems.unsupportedMediaType, 'Send the JSON in UTF-8.');
  }
}

/** A small body gains nothing by it, and what unpacks to gigabytes is not to be unpacked. */
function refuseCompressed(contentEncoding: string | undefined): void {
  if (contentEncoding !== undefined && !/^\s*(identity)?\s*$/i.test(contentEncoding)) {
    throw new Problem(
      commonProblems.unsupportedMediaType,
      'Send the JSON as it is, without Content-Encoding.',
      // RFC 9110, section 12.5.3.
      { headers: { 'Accept-Encoding': 'identity' } },
    );
  }
}

/** Headers of answers that are made before, or without, the hooks that add them otherwise. */
const bareAnswerHeaders = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'",
  'X-Content-Type-Options': 'nosniff',
} as const;

/** The path cannot be decoded or is beyond measure, so that no route was looked for. */
function answerBadUrl(
  error: Error & { code?: string },
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const problem =
    error.code === 'FST_ERR_MAX_PARAM_LENGTH'
      ? new Problem(commonProblems.notFound, 'Nothing is at this path.')
      : invalidRequest([
          { field: 'path', code: 'malformed-request', message: 'the path is not a valid URL' },
        ]);
  void reply.headers({ ...bareAnswerHeaders, 'X-Request-Id': request.id });
  void sendProblem(reply, problem, request.id);
}

/** The bytes on the connection are not HTTP, too many or too slow: there is no request object to answer. */
function answerBrokenHttp(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = brokenHttpProblem(error.code);
  const requestId = randomUUID();
  const body = JSON.stringify(problemDocument(problem, requestId));
  const { status } = problem.type;
  const headers = {
    'Content-Type': PROBLEM_CONTENT_TYPE,
    'Content-Length': String(Buffer.byteLength(body)),
    'X-Request-Id': requestId,
    ...bareAnswerHeaders,
    Connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

function brokenHttpProblem(code: string | undefined): Problem {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Problem(commonProblems.headersTooLarge, 'Send fewer or shorter headers.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem(commonProblems.requestTimeout, 'Send the whole request without a pause.');
    default:
      return invalidRequest([
        {
          field: 'request',
          code: 'malformed-request',
          message: 'this is not a complete HTTP/1.1 request',
        },
      ]);
  }
}
