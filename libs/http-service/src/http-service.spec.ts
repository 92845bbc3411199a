import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { pino } from 'pino';
import { eventually } from '../../../test/support/eventually.js';
import { PortNotAvailable, listen } from './listen.js';
import { createHttpService } from './http-service.js';
import { commonProblems } from './problem.js';
import { startExampleService, teapot } from './testing/example-service.js';
import type { ExampleService } from './testing/example-service.js';

const JSON_TYPE = { 'Content-Type': 'application/json' };
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

interface ProblemBody {
  readonly type: string;
  readonly status: number;
  readonly detail: string;
  readonly requestId: string;
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
}

/** Checks that the answer is a whole problem document of that kind, and gives it. */
async function problemOf(response: Response, slug: string): Promise<ProblemBody> {
  const document = (await response.json()) as ProblemBody;
  expect(document).toMatchObject({ type: `/problems/${slug}`, status: response.status });
  expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  expect(response.headers.get('X-Request-Id')).toBe(document.requestId);
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff');
  return document;
}

describe('An HTTP service', () => {
  let service: ExampleService;

  beforeAll(async () => {
    service = await startExampleService({
      // Short for the tests of slow requests, and long enough for all others on a busy machine.
      slowestRequest: { headersMs: 1_000, wholeMs: 1_500, checkEveryMs: 50 },
    });
  });
  afterAll(() => service.close());
  beforeEach(() => {
    service.logged.length = 0;
    service.answers.length = 0;
  });

  const brew = (
    body: NonNullable<RequestInit['body']>,
    headers: Record<string, string> = JSON_TYPE,
  ) => service.call('/drinks', { method: 'POST', body, headers });

  /** The head and the problem document of what came back over a raw connection. */
  async function exchangedProblem(bytes: string, slug: string) {
    const [head = '', body = ''] = (await service.exchange(bytes)).split('\r\n\r\n');
    expect(head).toMatch(/^content-type: application\/problem\+json$/im);
    expect(head).toMatch(/^cache-control: no-store$/im);
    expect(head).toMatch(/^x-content-type-options: nosniff$/im);
    const document = JSON.parse(body) as ProblemBody;
    expect(document.type).toBe(`/problems/${slug}`);
    expect(head).toContain(` ${document.status} `);
    expect(head.toLowerCase()).toContain(`x-request-id: ${document.requestId}`);
    expect(document.requestId).toMatch(UUID);
    return { head, document };
  }

  describe('every answer', () => {
    it.each([
      ['a success', '/drinks', 'GET'],
      ['a wrong path', '/nothing', 'GET'],
      ['a wrong method', '/drinks', 'DELETE'],
      ['a failure', '/drinks?fault=unexpected', 'GET'],
      ['a page', '/problems/teapot', 'GET'],
    ])('has the security headers: %s', async (_, path, method) => {
      const { headers } = await service.call(path, { method });
      expect(headers.get('Cache-Control')).toBe('no-store');
      expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
      expect(headers.get('X-Frame-Options')).toBe('SAMEORIGIN');
      expect(headers.get('Referrer-Policy')).toBe('no-referrer');
      const wanted = path.startsWith('/problems/') ? /^default-src 'none';/ : /script-src 'self';/;
      expect(headers.get('Content-Security-Policy')).toMatch(wanted);
      expect(headers.get('Cross-Origin-Resource-Policy')).toBe('same-origin');
    });

    it('names neither its software nor other origins, and promises no HTTPS that it does not speak', async () => {
      for (const path of ['/drinks', '/nothing', '/drinks?fault=unexpected']) {
        const { headers } = await service.call(path, { headers: { Origin: 'http://elsewhere' } });
        for (const name of ['Server', 'X-Powered-By', 'Strict-Transport-Security']) {
          expect([name, headers.get(name)]).toEqual([name, null]);
        }
        const names = [...headers.keys()].filter((name) => name.startsWith('access-control'));
        expect(names).toEqual([]);
      }
    });

    it('carries the id of its request, another one for each, whatever the caller calls it', async () => {
      const given = { 'X-Request-Id': '5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b10' };
      const ids = new Set<string | null>(Object.values(given));
      for (let calls = 1; calls <= 3; calls += 1) {
        const { headers } = await service.call('/drinks', { headers: given });
        expect(headers.get('X-Request-Id')).toMatch(UUID);
        ids.add(headers.get('X-Request-Id'));
      }
      expect(ids.size).toBe(4);
    });

    it('is reported for metrics, by route and not by path', async () => {
      await service.call('/drinks/tea?password=1');
      await service.call('/ada@example.org');
      expect(
        service.answers.map(({ method, route, status }) => ({ method, route, status })),
      ).toEqual([
        { method: 'GET', route: '/drinks/:name', status: 200 },
        { method: 'GET', route: 'unknown', status: 404 },
      ]);
      expect(service.answers[0]?.milliseconds).toBeGreaterThanOrEqual(0);
    });
  });

  describe('a path or method that is not there', () => {
    it.each(['/nothing', '/drinks//', '/drinks/tea/cup', '/problems/no-such-problem', '/Drinks'])(
      'answers 404 at %s',
      async (path) => {
        const response = await service.call(path);
        expect(response.status).toBe(404);
        await problemOf(response, 'not-found');
      },
    );

    it.each([
      ['DELETE', '/drinks', 'GET, HEAD, POST'],
      ['PUT', '/drinks?x=/nothing', 'GET, HEAD, POST'],
      ['OPTIONS', '/drinks', 'GET, HEAD, POST'],
      ['PATCH', '/drinks/tea', 'GET, HEAD'],
      ['PROPFIND', '/drinks', 'GET, HEAD, POST'],
      ['POST', '/problems/teapot', 'GET, HEAD'],
      ['DELETE', '/dr%69nks', 'GET, HEAD, POST'],
    ])('answers 405 to %s %s and names the methods', async (method, path, allow) => {
      const response = await service.call(path, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get('Allow')).toBe(allow);
      const { detail } = await problemOf(response, 'method-not-allowed');
      expect(detail).toBe(`This path takes ${allow}.`);
    });

    it('answers 405 to TRACE and repeats nothing of the request', async () => {
      const { head, document } = await exchangedProblem(
        'TRACE /drinks HTTP/1.1\r\nHost: x\r\nCookie: secret\r\nConnection: close\r\n\r\n',
        'method-not-allowed',
      );
      expect(head).toMatch(/^allow: GET, HEAD, POST$/im);
      expect(JSON.stringify(document)).not.toContain('secret');
    });

    it('answers HEAD as GET, without the body', async () => {
      const [get, head] = await Promise.all([
        service.call('/drinks'),
        service.call('/drinks', { method: 'HEAD' }),
      ]);
      expect(head.status).toBe(200);
      expect(head.headers.get('Content-Length')).toBe(get.headers.get('Content-Length'));
      expect(await head.text()).toBe('');
      const missing = await service.call('/nothing', { method: 'HEAD' });
      expect([missing.status, await missing.text()]).toEqual([404, '']);
    });

    it('answers 404 to a path beyond measure, 400 to one that cannot be decoded', async () => {
      const long = await service.call(`/drinks/${'a'.repeat(2_000)}`);
      expect(long.status).toBe(404);
      await problemOf(long, 'not-found');
      const broken = await service.call('/drinks/%zz');
      expect(broken.status).toBe(400);
      const { errors } = await problemOf(broken, 'invalid-request');
      expect(errors).toMatchObject([
        { field: 'path', code: 'malformed-request', message: 'the path is not a valid URL' },
      ]);
    });
  });

  describe('what a plug-in of the framework refuses', () => {
    const LONG = 'a'.repeat(5_000);

    it.each([
      '/docs/.',
      '/docs/../x',
      '/docs/%2e%2e/x',
      '/docs//etc/passwd',
      '/docs/%00',
      '/docs/%5c',
      `/docs/${LONG}`,
      `/docs/${'a/'.repeat(2_500)}`,
    ])(
      'answers 403 to a path that is not that of a file, and is no error to the log: %s',
      async (path) => {
        // As it stands, which fetch would not send.
        const { head } = await exchangedProblem(
          `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
          'path-refused',
        );
        expect(head).toMatch(/^HTTP\/1\.1 403 /);
        expect(service.logged.filter(({ level }) => Number(level) >= 40)).toEqual([]);
      },
    );

    it.each([
      [412, 'precondition-failed', { 'If-Match': '"x"' }],
      [412, 'precondition-failed', { 'If-Unmodified-Since': 'Thu, 01 Jan 1970 00:00:00 GMT' }],
      [416, 'range-not-satisfiable', { Range: 'bytes=999999999-' }],
    ])('answers %s %s to %p', async (status, slug, headers) => {
      const response = await service.call('/docs/swagger-ui.css', {
        headers: headers as Record<string, string>,
      });
      expect(response.status).toBe(status);
      await problemOf(response, slug);
      expect(service.logged.filter(({ level }) => Number(level) >= 40)).toEqual([]);
    });

    it('answers 404 to a file that is not there, and serves those that are', async () => {
      await problemOf(await service.call('/docs/nothing.css'), 'not-found');
      const file = await service.call('/docs/swagger-ui.css');
      expect([file.status, file.headers.get('Content-Type')]).toEqual([
        200,
        'text/css; charset=utf-8',
      ]);
    });

    it.each([
      ['refused', 423, 'request-refused'],
      ['misunderstood', 400, 'invalid-request'],
    ])('keeps the status of any other refusal: %s', async (fault, status, slug) => {
      const response = await service.call(`/drinks?fault=${fault}`);
      expect(response.status).toBe(status);
      const document = await problemOf(response, slug);
      expect(JSON.stringify(document)).not.toContain('recipe');
      expect(service.logged.filter(({ level }) => Number(level) >= 40)).toEqual([]);
    });
  });

  describe('a body', () => {
    it('arrives as it was sent', async () => {
      const response = await brew('{"name":"thé 🙂","cups":[{"size":2}]}');
      expect(response.status).toBe(201);
      expect(await response.json()).toEqual({ name: 'thé 🙂', cups: [{ size: 2 }] });
    });

    it.each([
      'application/json',
      'application/json; charset=utf-8',
      'application/json;charset=UTF-8',
      'application/json; charset=utf8',
      'Application/JSON; Charset="utf-8"',
      'application/json; profile=x',
    ])('is taken as %s', async (type) => {
      expect((await brew('{"name":"tea"}', { 'Content-Type': type })).status).toBe(201);
    });

    it.each([
      'text/plain',
      'text/json',
      'application/jsonp',
      'application/problem+json',
      'application/json-patch+json',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/json; charset=iso-8859-1',
      'application/json; charset=utf-16',
      'application/json, text/plain',
      'application/json/x',
      'json',
      '*/*',
    ])('answers 415 as %s', async (type) => {
      const response = await brew('{"name":"tea"}', { 'Content-Type': type });
      expect(response.status).toBe(415);
      await problemOf(response, 'unsupported-media-type');
    });

    it.each(['gzip', 'br', 'identity, gzip', 'x'])(
      'answers 415 in encoding %s',
      async (encoding) => {
        const response = await brew('{"name":"tea"}', {
          ...JSON_TYPE,
          'Content-Encoding': encoding,
        });
        expect(response.headers.get('Accept-Encoding')).toBe('identity');
        await problemOf(response, 'unsupported-media-type');
      },
    );

    it('is taken in encoding identity, with a byte order mark, and at a path with a slash behind', async () => {
      expect(
        (await brew('{"name":"tea"}', { ...JSON_TYPE, 'Content-Encoding': 'identity' })).status,
      ).toBe(201);
      expect((await brew('\ufeff{"name":"tea"}')).status).toBe(201);
      const response = await fetch(`${service.url}/drinks/`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: '{"name":"tea"}',
      });
      expect(response.status).toBe(201);
      const wrong = await fetch(`${service.url}/drinks/`, { method: 'DELETE' });
      await problemOf(wrong, 'method-not-allowed');
      await problemOf(await fetch(`${service.url}/drinks//`), 'not-found');
    });

    it('answers 415 without a type', async () => {
      const { document } = await exchangedProblem(
        'POST /drinks HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}',
        'unsupported-media-type',
      );
      expect(document.status).toBe(415);
    });

    it.each([
      ['', 'body', 'must be a JSON object'],
      ['{"name":', 'body', 'the body is not well-formed JSON'],
      ["{'name':'tea'}", 'body', 'the body is not well-formed JSON'],
      ['{"name":"tea"}}', 'body', 'the body is not well-formed JSON'],
      ['['.repeat(16_000), 'body', 'the body is not well-formed JSON'],
      ['null', 'body', 'must be a JSON object'],
      ['[]', 'body', 'must be a JSON object'],
      ['"tea"', 'body', 'must be a JSON object'],
      ['42', 'body', 'must be a JSON object'],
      ['[[[[1]]]]', 'body', 'must be a JSON object'],
      ['{}', 'name', 'must be text'],
      ['{"name":7}', 'name', 'must be text'],
      ['{"name":""}', 'name', 'must not be empty'],
      ['{"name":"tea","sugar":1}', 'sugar', 'this field is not known; remove it'],
      ['{"name":"tea","cups":[{"size":1},{"size":"2"}]}', 'cups.1.size', 'must be a whole number'],
      ['{"name":"tea","constructor":{}}', 'constructor', 'this field is not known; remove it'],
      ['{"name":"tea","prototype":0}', 'prototype', 'this field is not known; remove it'],
      ['{"name":"tea","name":"coffee"}', 'name', 'this key occurs more than once'],
      ['{"__proto__":{"name":"tea"}}', '__proto__', 'this key is not allowed'],
    ])('answers 400 to %.40s and names %s', async (body, field, message) => {
      const response = await brew(body);
      expect(response.status).toBe(400);
      const { errors, detail } = await problemOf(response, 'invalid-request');
      expect(errors).toEqual([
        expect.objectContaining({
          field,
          message,
          code: expect.stringMatching(/^[a-z]+(-[a-z]+)+$/),
        }),
      ]);
      expect(detail).toBe(`${field}: ${message}`);
    });

    it('answers 400 to one that is missing', async () => {
      const response = await service.call('/drinks', { method: 'POST' });
      expect(response.status).toBe(400);
      const { errors } = await problemOf(response, 'invalid-request');
      expect(errors).toEqual([
        { field: 'body', code: 'not-an-object', message: 'must be a JSON object' },
      ]);
    });

    it('answers 400 to bytes that are not UTF-8', async () => {
      const response = await brew(Buffer.from('{"name":"th\xe9"}', 'latin1'));
      expect(response.status).toBe(400);
      const { errors } = await problemOf(response, 'invalid-request');
      expect(errors).toEqual([
        { field: 'body', code: 'malformed-body', message: 'the body is not UTF-8' },
      ]);
    });

    it('names every faulty field, but not thousands', async () => {
      const few = await problemOf(await brew('{"name":1,"cups":{},"a":1}'), 'invalid-request');
      expect(few.errors?.map(({ field }) => field).sort()).toEqual(['a', 'cups', 'name']);
      const names = Array.from({ length: 1_500 }, (_, index) => `"k${index}":0`);
      const many = await brew(`{${names.join()}}`);
      const { errors } = await problemOf(many, 'invalid-request');
      expect(errors).toHaveLength(20);
    });

    it('answers 413 when it is larger than 16 KiB, and 16 KiB still arrive', async () => {
      const bodyOf = (bytes: number) => `{"name":"${'a'.repeat(bytes - '{"name":""}'.length)}"}`;
      expect((await brew(bodyOf(16 * 1024))).status).toBe(201);
      for (const bytes of [16 * 1024 + 1, 1024 * 1024]) {
        const response = await brew(bodyOf(bytes));
        expect(response.status).toBe(413);
        await problemOf(response, 'payload-too-large');
        expect(response.headers.get('Connection')).toBe('close');
      }
    });

    it('answers 413 when it turns out to be too large only while it arrives', async () => {
      const chunk = `${(4_096).toString(16)}\r\n${' '.repeat(4_096)}\r\n`;
      const { document } = await exchangedProblem(
        'POST /drinks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n' +
          `Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n${chunk.repeat(5)}0\r\n\r\n`,
        'payload-too-large',
      );
      expect(document.status).toBe(413);
    });
  });

  describe('a broken connection', () => {
    it.each([
      ['garbage', 'garbage\r\n\r\n'],
      ['a TLS greeting', '\x16\x03\x01\x02\x00\x01\x00'],
      ['a method of its own', 'BREW /drinks HTTP/1.1\r\nHost: x\r\n\r\n'],
      ['HTTP/9.9', 'GET /drinks HTTP/9.9\r\nHost: x\r\n\r\n'],
      ['a header without a colon', 'GET /drinks HTTP/1.1\r\nHost x\r\n\r\n'],
      [
        'two lengths of the body',
        'POST /drinks HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}',
      ],
      [
        'a length and chunks',
        'POST /drinks HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      ],
      ['a negative length', 'POST /drinks HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n'],
      [
        'chunks that are none',
        'POST /drinks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      ],
    ])('gets a problem document and is closed: %s', async (_, bytes) => {
      const { head, document } = await exchangedProblem(bytes, 'invalid-request');
      expect(head).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
      expect(head).toMatch(/^connection: close$/im);
      expect(document.errors?.[0]?.field).toBe('request');
    });

    it.each([
      ['no Host', 'GET /drinks HTTP/1.1\r\nConnection: close\r\n\r\n'],
      ['two Hosts', 'GET /drinks HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n'],
    ])('answers 400 to %s', async (_, bytes) => {
      const { document } = await exchangedProblem(bytes, 'invalid-request');
      expect(document.errors?.[0]?.field).toBe('Host');
    });

    it('serves HTTP/1.0 without a Host, and an unknown expectation', async () => {
      const old = await service.exchange('GET /drinks HTTP/1.0\r\n\r\n');
      expect(old).toMatch(/^HTTP\/1\.1 200 /);
      const expecting = await service.exchange(
        'GET /drinks HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\nConnection: close\r\n\r\n',
      );
      expect(expecting).toMatch(/^HTTP\/1\.1 200 /);
    });

    it.each([
      ['one long header', `X-Long: ${'a'.repeat(20_000)}\r\n`],
      [
        'many headers',
        Array.from({ length: 900 }, (_, i) => `X-${i}: ${'a'.repeat(20)}\r\n`).join(''),
      ],
    ])('answers 431 to %s', async (_, headers) => {
      const { head } = await exchangedProblem(
        `GET /drinks HTTP/1.1\r\nHost: x\r\n${headers}\r\n`,
        'headers-too-large',
      );
      expect(head).toMatch(/^HTTP\/1\.1 431 /);
    });

    it.each([
      ['headers', 'GET /drinks HTTP/1.1\r\nHo'],
      [
        'a body',
        'POST /drinks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{',
      ],
    ])('answers 408 to %s that never end', async (_, bytes) => {
      const { head } = await exchangedProblem(bytes, 'request-timeout');
      expect(head).toMatch(/^HTTP\/1\.1 408 /);
    });
  });

  describe('a failure', () => {
    it.each(['unexpected', 'not-an-error', 'http'])(
      'that is unexpected (%s) answers 500, reveals nothing, and is logged with the request’s id',
      async (fault) => {
        const response = await service.call(`/drinks?fault=${fault}`, {
          headers: { Authorization: 'Basic YWRhOnNlY3JldA==' },
        });
        expect(response.status).toBe(500);
        const document = await problemOf(response, 'internal-error');
        expect(JSON.stringify(document)).not.toMatch(/secret|recipe|at |\.ts/);
        const errors = service.logged.filter(({ level }) => level === 50);
        expect(errors).toHaveLength(1);
        expect(errors[0]).toMatchObject({ requestId: document.requestId, msg: 'request failed' });
        expect(JSON.stringify(errors[0])).toContain('the secret recipe');
      },
    );

    it('of a kind that the service knows answers as its table says, and is no error to the log', async () => {
      const response = await service.call('/drinks?fault=known');
      expect(response.status).toBe(418);
      expect((await problemOf(response, 'teapot')).detail).toBe('Ask for tea.');
      expect(service.logged.filter(({ level }) => Number(level) >= 50)).toEqual([]);
    });

    it('of a dependency says when to come back, and its cause is logged', async () => {
      const response = await service.call('/drinks?fault=unavailable');
      expect(response.status).toBe(503);
      expect(response.headers.get('Retry-After')).toBe('2');
      await problemOf(response, 'service-unavailable');
      expect(service.logged.filter(({ level }) => Number(level) >= 40)).toEqual([
        expect.objectContaining({
          level: 40,
          problem: 'service-unavailable',
          reason: 'connection refused',
          msg: 'request turned away',
        }),
      ]);
    });
  });

  it('logs neither credentials nor bodies nor query, at any level', async () => {
    const headers = { ...JSON_TYPE, Authorization: 'Basic Q0FOQVJZLTE=', Cookie: 'CANARY-2' };
    await brew('{"name":"CANARY-3"}', headers);
    await brew('{"name":"CANARY-3","CANARY-4":1}', headers);
    await brew('{"name":"CANARY-3",', headers);
    await brew('{"name":["CANARY-3"]}', headers);
    await service.call('/drinks?fault=unexpected&to=CANARY-5', { headers });
    await service.call('/drinks/CANARY-6', { headers });
    await service.call('/CANARY-7', { headers });
    await service.exchange('GET /CANARY-8 HTTP/1.1\r\nHost x\r\n\r\n');
    await eventually(() => expect(service.answers).toHaveLength(7));
    expect(service.logged.length).toBeGreaterThan(7);
    expect(JSON.stringify(service.logged)).not.toMatch(/CANARY|Q0FOQVJZ/);
  });

  it('has a page for every type of problem, and one that lists them', async () => {
    const types = [...Object.values(commonProblems), teapot];
    const list = await (await service.call('/problems')).text();
    for (const { slug, title, explanation } of types) {
      const page = await service.call(`/problems/${slug}`);
      expect(page.status).toBe(200);
      expect(page.headers.get('Content-Type')).toBe('text/html; charset=utf-8');
      const html = await page.text();
      expect(html).toContain(`<h1>${title}</h1>`);
      expect(html).toContain(explanation);
      expect(list).toContain(`href="/problems/${slug}"`);
    }
  });

  it.each(['/', '/problems', '/problems/invalid-request'])(
    'serves pages for people that load and run nothing: %s',
    async (path) => {
      const page = await service.call(path);
      const policy = page.headers.get('Content-Security-Policy') ?? '';
      const html = await page.text();
      const [, style = ''] = /<style>([^]*)<\/style>/.exec(html) ?? [];
      const hash = createHash('sha256').update(style).digest('base64');
      expect(policy).toContain(`default-src 'none'; style-src 'sha256-${hash}'; img-src data:;`);
      expect(policy).not.toContain('unsafe');
      expect(html).not.toMatch(/<script|<link rel="stylesheet"| style=/);
      expect(html).toContain('<link rel="icon" href="data:image/svg+xml,');
      expect(html).toContain('width=device-width');
    },
  );

  it('leads from / to its description, the page to try it, and its problems', async () => {
    const html = await (await service.call('/')).text();
    const links = [...html.matchAll(/<a href="([^"]*)"/g)].map(([, href = '']) => href);
    expect(links).toEqual(['/docs', '/openapi.json', '/problems']);
    for (const href of links) expect((await service.call(href)).status).toBe(200);
  });
});

describe('Listening', () => {
  @Module({})
  class EmptyModule {}

  const create = () =>
    createHttpService(EmptyModule, {
      log: pino({ level: 'silent' }),
      problemTypes: [],
      problemTable: () => undefined,
      onAnswer: () => undefined,
    });

  it('names the setting whose port is taken', async () => {
    const occupant = createServer();
    await new Promise<void>((resolve) => occupant.listen(0, '127.0.0.1', resolve));
    const { port } = occupant.address() as AddressInfo;
    const app = await create();
    const refusal = listen(app, '127.0.0.1', port, 'API_PORT');
    await expect(refusal).rejects.toBeInstanceOf(PortNotAvailable);
    await expect(refusal).rejects.toThrow(
      `API_PORT: port ${port} cannot be used (it is taken); choose another one`,
    );
    await app.close();
    await new Promise((resolve) => occupant.close(resolve));
  });

  it('passes other faults on as they are', async () => {
    const app = await create();
    await expect(listen(app, '203.0.113.1', 0, 'API_PORT')).rejects.toThrow(/EADDRNOTAVAIL/);
    await app.close();
  });

  it('answers requests that are under way when it is asked to close', async () => {
    const service = await startExampleService();
    const { port, hostname } = new URL(service.url);
    const socket = connect(Number(port), hostname);
    const received: string[] = [];
    socket.on('data', (bytes: Buffer) => received.push(bytes.toString()));
    socket.write(
      'POST /drinks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n' +
        'Content-Length: 14\r\nExpect: 100-continue\r\n\r\n',
    );
    // The server has begun with the request.
    await eventually(() => expect(received.join('')).toMatch(/^HTTP\/1\.1 100 /));
    const closed = service.close();
    await expect(service.call('/drinks')).rejects.toThrow();
    socket.write('{"name":"tea"}');
    await Promise.all([closed, once(socket, 'close')]);
    expect(received.join('')).toMatch(/HTTP\/1\.1 201 [^]*\{"name":"tea"\}$/);
  });

  it('answers every call that it has accepted before it closes, however many and however slow', async () => {
    const service = await startExampleService();
    const calls = Array.from({ length: 20 }, (_, index) =>
      service.call(`/drinks/brewed-slowly?ms=${2_000 + 10 * index}`),
    );
    await eventually(() => expect(service.brewing()).toBe(20));
    const closed = service.close();
    const answers = await Promise.all(calls);
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(answers.map(({ headers }) => headers.get('Connection'))).toEqual(
      Array(20).fill('close'),
    );
    await closed;
  });

  it('closes within 2 seconds although a request never ends', async () => {
    const service = await startExampleService();
    const { port, hostname } = new URL(service.url);
    const socket = connect(Number(port), hostname);
    const received: string[] = [];
    socket.on('data', (bytes: Buffer) => received.push(bytes.toString()));
    socket.on('error', () => socket.destroy());
    socket.write(
      'POST /drinks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n' +
        'Content-Length: 14\r\nExpect: 100-continue\r\n\r\n',
    );
    await eventually(() => expect(received.join('')).toMatch(/^HTTP\/1\.1 100 /));
    const startedAt = Date.now();
    await Promise.all([service.close(), once(socket, 'close')]);
    expect(Date.now() - startedAt).toBeLessThan(3_500);
  });
});
