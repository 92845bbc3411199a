import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import { RATE_LIMIT_HEADERS } from './limits/rate-limit-headers.js';
import { CONSISTENCY_TOKEN } from './read-your-writes/consistency-tokens.js';

/** Pages at these origins may call the API: `https://app.example.org`, separated by commas. */
export const corsOriginsSetting = z.string().transform((text, context) => {
  const origins = text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  for (const origin of origins) {
    if (isOrigin(origin)) continue;
    context.addIssue({
      code: 'custom',
      message: `must be origins such as https://app.example.org, without a path, separated by commas; this is none: ${origin}`,
    });
  }
  return origins;
});

const PREFLIGHT_SECONDS = 7_200;

/** Lets pages of other origins call, and read the headers that a client acts on. Without an origin nothing changes. */
export async function allowOrigins(
  server: FastifyInstance,
  origins: readonly string[],
): Promise<void> {
  if (origins.length === 0) return;
  // The plug-in refuses what only looks like a preflight by a plain text: routes say what they take.
  server.addHook('onRequest', (request, reply, done) => {
    if (request.method === 'OPTIONS' && !isPreflight(request.headers)) reply.callNotFound();
    else done();
  });
  await server.register(cors, {
    origin: [...origins],
    methods: ['GET', 'HEAD', 'POST'],
    allowedHeaders: [
      'Authorization',
      'Content-Type',
      CONSISTENCY_TOKEN,
      'X-Request-Id',
      'X-Requested-With',
    ],
    exposedHeaders: [
      CONSISTENCY_TOKEN,
      'Date',
      ...RATE_LIMIT_HEADERS,
      'Retry-After',
      'X-Request-Id',
    ],
    maxAge: PREFLIGHT_SECONDS,
  });
}

/**
 * A browser that meets the scheme Basic opens a login box of its own, also when a script asked. Scripts get the challenge
 * of a scheme that browsers do not know: the header stays (RFC 9110, section 15.5.2), the box does not come.
 */
export function keepLoginBoxShut(server: FastifyInstance): void {
  server.addHook('onSend', (request, reply, payload, done) => {
    const challenge = reply.getHeader('WWW-Authenticate');
    if (typeof challenge === 'string' && isOfScript(request.headers)) {
      void reply.header('WWW-Authenticate', challenge.replace(/^Basic/, 'XBasic'));
    }
    done(null, payload);
  });
}

function isOfScript(headers: NodeJS.Dict<string | string[]>): boolean {
  const mode = headers['sec-fetch-mode'];
  return (mode !== undefined && mode !== 'navigate') || headers['x-requested-with'] !== undefined;
}

function isPreflight(headers: NodeJS.Dict<string | string[]>): boolean {
  return Boolean(headers['origin'] && headers['access-control-request-method']);
}

function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}
