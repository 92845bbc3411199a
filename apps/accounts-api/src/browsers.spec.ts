import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fastify } from 'fastify';
import type { FastifyInstance } from 'fastify';
import { allowOrigins, corsOriginsSetting, keepLoginBoxShut } from './browsers.js';

const PAGE = 'https://app.example.org';

async function server(origins: readonly string[]): Promise<FastifyInstance> {
  const made = fastify();
  await allowOrigins(made, origins);
  keepLoginBoxShut(made);
  made.post('/v1/accounts', (_, reply) => reply.status(202).send({}));
  made.get('/v1/account', (_, reply) =>
    reply.status(401).header('WWW-Authenticate', 'Basic realm="account"').send({}),
  );
  return made;
}

describe('A page at another origin', () => {
  let api: FastifyInstance;
  beforeEach(async () => {
    api = await server([PAGE, 'http://localhost:5173']);
  });
  afterEach(() => api.close());

  const preflight = (origin: string) =>
    api.inject({
      method: 'OPTIONS',
      url: '/v1/accounts',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });

  it.each([PAGE, 'http://localhost:5173'])('may call from %s', async (origin) => {
    const asked = await preflight(origin);
    expect(asked.statusCode).toBe(204);
    expect(asked.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET, HEAD, POST',
      'access-control-allow-headers':
        'Authorization, Content-Type, Consistency-Token, X-Request-Id, X-Requested-With',
      'access-control-max-age': '7200',
    });
    const called = await api.inject({ method: 'POST', url: '/v1/accounts', headers: { origin } });
    expect(called.statusCode).toBe(202);
    expect(called.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-expose-headers':
        'Consistency-Token, Date, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id',
      vary: 'Origin',
    });
    expect(called.headers).not.toHaveProperty('access-control-allow-credentials');
  });

  it.each(['https://evil.example', 'http://app.example.org', `${PAGE}.evil.example`, 'null'])(
    'may not from %s',
    async (origin) => {
      const asked = await preflight(origin);
      expect(asked.headers).not.toHaveProperty('access-control-allow-origin');
    },
  );
});

it.each([
  ['no page', {}],
  ['a page that says no method', { origin: PAGE }],
  ['a client without a page', { 'access-control-request-method': 'POST' }],
])('OPTIONS of %s is no preflight: it is answered as without an origin', async (_, headers) => {
  const api = await server([PAGE]);
  for (const url of ['/v1/accounts', '/nothing', '*']) {
    const asked = await api.inject({ method: 'OPTIONS', url, headers });
    expect([asked.statusCode, asked.headers['content-type']]).toEqual([
      404,
      'application/json; charset=utf-8',
    ]);
  }
  await api.close();
});

it('Without an origin there is nothing of it', async () => {
  const api = await server([]);
  const asked = await api.inject({ method: 'OPTIONS', url: '/v1/accounts' });
  expect(asked.statusCode).toBe(404);
  const called = await api.inject({
    method: 'POST',
    url: '/v1/accounts',
    headers: { origin: PAGE },
  });
  expect(called.headers).not.toHaveProperty('access-control-allow-origin');
  await api.close();
});

describe('The challenge of a 401', () => {
  it.each([
    ['a page that is opened', { 'sec-fetch-mode': 'navigate' }, 'Basic'],
    ['a client without a browser', {}, 'Basic'],
    ['fetch', { 'sec-fetch-mode': 'cors' }, 'XBasic'],
    ['fetch of the same origin', { 'sec-fetch-mode': 'same-origin' }, 'XBasic'],
    ['XMLHttpRequest', { 'x-requested-with': 'XMLHttpRequest' }, 'XBasic'],
  ])('of %s', async (_, headers, scheme) => {
    const api = await server([]);
    const answer = await api.inject({ url: '/v1/account', headers });
    expect(answer.headers['www-authenticate']).toBe(`${scheme} realm="account"`);
    await api.close();
  });
});

describe('CORS_ORIGINS', () => {
  it('is a list of origins', () => {
    expect(corsOriginsSetting.parse(` ${PAGE}, http://localhost:5173 ,`)).toEqual([
      PAGE,
      'http://localhost:5173',
    ]);
    expect(corsOriginsSetting.parse('')).toEqual([]);
  });

  it.each([
    '*',
    'null',
    `${PAGE}/`,
    'app.example.org',
    'https://App.example.org',
    'file:///x',
    'https://a:443',
  ])('refuses %s', (text) => {
    expect(corsOriginsSetting.safeParse(text).success).toBe(false);
  });
});
