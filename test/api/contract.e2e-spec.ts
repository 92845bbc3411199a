import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import fc from 'fast-check';
import { ConsistencyTokens } from '../../apps/accounts-api/src/read-your-writes/consistency-tokens.js';
import { sweep } from '../support/sweep.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import {
  AccountClient,
  Backstage,
  PASSWORD,
  basicAuth,
  expectProblem,
  newCaller,
} from './account-client.js';

interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly securitySchemes: Readonly<Record<string, object>>;
  };
}

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security?: readonly object[];
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<Record<string, DocumentedAnswer>>;
}

interface DocumentedAnswer {
  readonly description: string;
  readonly headers?: Readonly<Record<string, object>>;
  readonly content?: Readonly<Record<string, Content>>;
}

interface Content {
  readonly schema: Schema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: ProblemExample }>>;
}

interface ProblemExample {
  readonly type: string;
  readonly status: number;
}

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<
    Record<string, { readonly example?: unknown; readonly enum?: readonly string[] }>
  >;
  readonly additionalProperties?: unknown;
}

/** Statuses that every path can answer with, whatever it is for. */
const EVERYWHERE = [400, 404, 405, 413, 415, 431];

describe('The contract of the API', () => {
  const addressKey = randomBytes(32);
  let product: Product;
  let client: AccountClient;
  let backstage: Backstage;
  let document: OpenApi;
  /** Registered, its mail delivered: from here on nothing gets into the log by itself. */
  const caller = newCaller();

  beforeAll(async () => {
    product = await startProduct({
      environment: { ADDRESS_KEY: addressKey.toString('base64') },
      api: { PASSWORD_MIN_LENGTH: '10' },
    });
    client = new AccountClient(product.endpoints.api);
    backstage = new Backstage(product);
    const { accountId } = (await client.register(caller)).body;
    await backstage.recorded(accountId, 'ActivationCodeSent');
    document = (await client.call('/openapi.json')).body as unknown as OpenApi;
  });
  afterAll(async () => {
    await backstage.close();
    await product.stop();
  });

  describe('bad input', () => {
    let endBefore: bigint | undefined;

    beforeAll(async () => {
      endBefore = await backstage.endOfLog();
      expect(endBefore).toBeDefined();
    });
    afterAll(async () => {
      // Nothing of all this has left a trace.
      expect(await backstage.endOfLog()).toBe(endBefore);
    });

    const registration = (fields: object) =>
      JSON.stringify({ email: 'ada@example.org', password: PASSWORD, ...fields });

    it.each<[string, string, string]>([
      ['malformed JSON', '{"email":"ada@example.org",', 'body'],
      ['no JSON at all', 'email=ada@example.org', 'body'],
      ['an empty body', '', 'body'],
      ['null', 'null', 'body'],
      ['a list', '[]', 'body'],
      ['deep nesting', '['.repeat(8_000) + ']'.repeat(8_000), 'body'],
      ['no field', '{}', 'email'],
      ['a number as e-mail', registration({ email: 7 }), 'email'],
      ['a list as e-mail', registration({ email: ['ada@example.org'] }), 'email'],
      ['null as e-mail', registration({ email: null }), 'email'],
      ['a flag as password', registration({ password: true }), 'password'],
      ['an object as password', registration({ password: {} }), 'password'],
      ['an unknown field', registration({ admin: true }), 'admin'],
      ['a field in other case', registration({ Email: 'eve@example.org' }), 'Email'],
      [
        'a duplicate key',
        '{"email":"ada@example.org","email":"eve@example.org","password":"x"}',
        'email',
      ],
      [
        'a duplicate key in escapes',
        String.raw`{"email":"ada@example.org","\u0065mail":"eve@example.org","password":"x"}`,
        'email',
      ],
      ['__proto__', '{"__proto__":{"email":"ada@example.org"},"password":"x"}', '__proto__'],
      ['constructor', registration({ constructor: { prototype: {} } }), 'constructor'],
      ['an empty e-mail', registration({ email: '' }), 'email'],
      [
        'CR LF in the e-mail',
        registration({ email: 'ada@example.org\r\nBcc: eve@example.org' }),
        'email',
      ],
      ['CR LF within the e-mail', registration({ email: 'ada@\r\nexample.org' }), 'email'],
      ['a zero byte in the e-mail', registration({ email: 'ada\0@example.org' }), 'email'],
      ['a space within the e-mail', registration({ email: 'ada @example.org' }), 'email'],
      ['a name before the e-mail', registration({ email: 'Ada <ada@example.org>' }), 'email'],
      ['two addresses', registration({ email: 'ada@example.org,eve@example.org' }), 'email'],
      [
        'an e-mail of 300 octets',
        registration({ email: `${'a'.repeat(60)}@${'b.'.repeat(118)}org` }),
        'email',
      ],
      [
        'a local part of 65 octets',
        registration({ email: `${'a'.repeat(65)}@example.org` }),
        'email',
      ],
      ['two @', registration({ email: 'ada@eve@example.org' }), 'email'],
      ['no @', registration({ email: 'ada.example.org' }), 'email'],
      ['no domain', registration({ email: 'ada@' }), 'email'],
      ['no dot in the domain', registration({ email: 'ada@localhost' }), 'email'],
      ['an IP address as domain', registration({ email: 'ada@127.0.0.1' }), 'email'],
      ['an IP literal as domain', registration({ email: 'ada@[::1]' }), 'email'],
      ['an IDN that is none', registration({ email: 'ada@xn--a.example' }), 'email'],
      ['an IDN with a joiner', registration({ email: 'ada@b\u200d\u00fccher.example' }), 'email'],
      [
        'an IDN with a full-width slash',
        registration({ email: 'ada@example.org\uff0fx' }),
        'email',
      ],
      [
        'a lone surrogate in the e-mail',
        String.raw`{"email":"a\ud800@example.org","password":"${PASSWORD}"}`,
        'email',
      ],
      ['a password of 7 characters', registration({ password: 'xk7!pQz' }), 'password'],
      ['a password of 7 emoji', registration({ password: '🙂🙃😀😁😂🤣😃' }), 'password'],
      [
        'a password of 129 characters',
        registration({ password: 'xk7!'.repeat(32) + 'x' }),
        'password',
      ],
      ['an empty password', registration({ password: '' }), 'password'],
      [
        'a lone surrogate in the password',
        String.raw`{"email":"ada@example.org","password":"good \ud800 password"}`,
        'password',
      ],
      ['a zero byte in the password', registration({ password: 'good \0 password' }), 'password'],
      ['a common password', registration({ password: 'password123' }), 'password'],
      [
        'the address as password',
        registration({ email: 'lovelace@example.org', password: 'LoveLace-1815' }),
        'password',
      ],
    ])('to register answers 400: %s', async (_, body, field) => {
      const answer = await client.post('/v1/accounts', body);
      expectProblem(answer, 400, 'invalid-request');
      const errors = answer.body['errors'] as { field: string; code: string; message: string }[];
      expect(errors.map((error) => error.field)).toContain(field);
      const { FieldError } = document.components.schemas;
      for (const { code } of errors) expect(FieldError?.properties?.['code']?.enum).toContain(code);
      for (const { message } of errors) expect(message).toMatch(/\w+ \w+/);
      expect(answer.body['detail']).toContain(`${field}: `);
    });

    it('names every faulty field at once', async () => {
      const answer = await client.post('/v1/accounts', { email: 'ada', password: 'short' });
      const errors = answer.body['errors'] as { field: string }[];
      expect(new Set(errors.map(({ field }) => field))).toEqual(new Set(['email', 'password']));
    });

    it.each([
      ['fr-CA', 'fr', 'caractères'],
      ['de', 'de', 'Zeichen'],
      ['es;q=0.9, it', 'es', 'caracteres'],
      ['en', null, 'characters'],
      ['it', null, 'characters'],
    ])('says what is wrong in the language of the caller: %s', async (header, language, word) => {
      const weak = { email: 'ada@example.org', password: 'short' };
      const answer = await client.post('/v1/accounts', weak, { 'Accept-Language': header });
      expectProblem(answer, 400, 'invalid-request');
      expect(answer.headers.get('Content-Language')).toBe(language);
      expect(answer.body['errors']).toEqual([
        {
          field: 'password',
          code: 'min-length',
          message: expect.stringContaining(`10 ${word}`),
          parameters: { minLength: 10 },
        },
      ]);
      expect(answer.body['detail']).toContain(word);
    });

    it.each<[string, string]>([
      ['two digits', '{"code":"12"}'],
      ['letters', '{"code":"abcd"}'],
      ['a number', '{"code":1234}'],
      ['five digits', '{"code":"00421"}'],
      ['three digits', '{"code":"042"}'],
      ['a sign', '{"code":"-042"}'],
      ['a space', '{"code":" 042"}'],
      ['an underscore within', '{"code":"04_21"}'],
      ['an exponent', '{"code":"1e10"}'],
      ['hexadecimal digits', '{"code":"00fa"}'],
      ['digits of another script', '{"code":"٠٤٢١"}'],
      ['digits in circles', '{"code":"④②④②"}'],
      ['nothing', '{"code":""}'],
      ['null', '{"code":null}'],
      ['a list', '{"code":["0421"]}'],
      ['no code', '{}'],
    ])('to activate answers 400: %s', async (_, body) => {
      const answer = await client.post('/v1/account/activation', body, {
        Authorization: basicAuth(caller),
      });
      expectProblem(answer, 400, 'invalid-request');
      expect(answer.body['errors']).toEqual([
        expect.objectContaining({
          field: 'code',
          code: expect.stringMatching(/^(malformed-code|wrong-type)$/),
          message:
            'must be a text: 4 digits, such as "0042", or 12 letters and digits, such as "7K3M-0QTZ-9HXW"',
        }),
      ]);
    });

    it.each(['/v1/accounts', '/v1/account/activation', '/v1/account/activation-code'])(
      'answers 413 to 1 MB at %s',
      async (path) => {
        const answer = await client.post(path, JSON.stringify({ email: 'a'.repeat(1_000_000) }), {
          Authorization: basicAuth(caller),
        });
        expectProblem(answer, 413, 'payload-too-large');
      },
    );

    it('answers 415 to what is not JSON', async () => {
      const form = await client.post('/v1/accounts', 'email=ada', {
        'Content-Type': 'application/x-www-form-urlencoded',
      });
      expectProblem(form, 415, 'unsupported-media-type');
    });

    it('answers 409 to a token that names what is not in the log, from a known caller and an unknown one', async () => {
      const written = { accountId: randomUUID(), revision: 0n, position: (1n << 64n) - 1n };
      const tokens = new ConsistencyTokens(addressKey);
      for (const one of [caller, newCaller()]) {
        const headers = { 'Consistency-Token': tokens.seal(written) };
        expectProblem(await client.view(one, headers), 409, 'write-not-in-log');
      }
    });

    it.each(['abc', '-1', '1'.repeat(20), 'A'.repeat(80), `${'A'.repeat(79)}=`])(
      'answers 400 to the token %s',
      async (token) => {
        const answer = await client.view(caller, { 'Consistency-Token': token });
        expectProblem(answer, 400, 'invalid-request');
      },
    );
  });

  describe('headers', () => {
    it('name the request on every kind of answer, and not as the caller does', async () => {
      const id = '5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b10';
      for (const [path, method] of [
        ['/v1/account', 'GET'],
        ['/v1/accounts', 'POST'],
        ['/v1/accounts', 'GET'],
        ['/nothing', 'GET'],
        ['/openapi.json', 'GET'],
        ['/docs', 'GET'],
        ['/problems/unauthenticated', 'GET'],
      ] as const) {
        const { headers } = await client.call(path, { method, headers: { 'X-Request-Id': id } });
        expect([path, headers.get('X-Request-Id')]).not.toEqual([path, id]);
        expect(headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/);
        expect([path, headers.get('Cache-Control')]).toEqual([path, 'no-store']);
        expect([path, headers.get('X-Content-Type-Options')]).toEqual([path, 'nosniff']);
        expect(headers.get('Content-Security-Policy')).toMatch(/^default-src '(self|none)'/);
        for (const name of ['Server', 'X-Powered-By', 'Strict-Transport-Security']) {
          expect([path, name, headers.get(name)]).toEqual([path, name, null]);
        }
      }
    });

    it('name the way to authenticate', async () => {
      const answer = await client.call('/v1/account');
      expectProblem(answer, 401, 'unauthenticated');
      expect(answer.headers.get('WWW-Authenticate')).toBe(
        'XBasic realm="account", charset="UTF-8"',
      );
    });

    it.each([
      ['/v1/accounts', 'POST', ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD']],
      ['/v1/account', 'GET, HEAD', ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']],
      ['/v1/account/activation', 'POST', ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']],
      ['/v1/account/activation-code', 'POST', ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']],
    ])('name the methods that %s takes', async (path, allow, methods) => {
      for (const method of methods) {
        const { status, headers } = await client.call(path, { method });
        expect([method, status, headers.get('Allow')]).toEqual([method, 405, allow]);
      }
    });
  });

  it('shows a person with a minute what becomes of the code, and waits for its mail', async () => {
    const other = newCaller();
    await client.register(other);
    const headers = { Authorization: basicAuth(other) };
    const { status, body } = await client.call('/v1/account?wait=sent', { headers });
    expect([status, body]).toEqual([
      200,
      expect.objectContaining({
        status: 'pending',
        activation: {
          codeState: expect.stringMatching(/^(sent|delivered)$/),
          codeExpiresAt: expect.any(String),
          attemptsLeft: 3,
          newCodeAllowedAt: expect.any(String),
        },
      }),
    ]);
    const activated = await client.activate(other, await backstage.codeFor(other));
    expect(activated.status).toBe(200);
    expect((await client.view(other)).body).toMatchObject({ status: 'active', activation: null });
    const misspelt = await client.call('/v1/account?wait=delivered', { headers });
    expectProblem(misspelt, 400, 'invalid-request');
  });

  describe('the OpenAPI document', () => {
    const named = (schema: Schema = {}): Schema =>
      document.components.schemas[schema.$ref?.split('/').at(-1) ?? ''] ?? schema;
    const operations = () =>
      Object.entries(document.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
      );

    it('is one of version 3.1 that describes exactly the public calls', () => {
      expect(document.openapi).toMatch(/^3\.1\.\d+$/);
      expect(document.info).toMatchObject({ title: 'Accounts', version: '1' });
      const statuses = operations().map(({ path, method, operation }) => [
        `${method.toUpperCase()} ${path}`,
        Object.keys(operation.responses).map(Number),
      ]);
      expect(Object.fromEntries(statuses)).toEqual({
        'POST /v1/accounts': expect.arrayContaining([202, 400, 413, 415, 503]),
        'GET /v1/account': expect.arrayContaining([200, 400, 401, 503]),
        'POST /v1/account/activation': expect.arrayContaining([
          200, 400, 401, 409, 410, 413, 415, 422, 429, 503,
        ]),
        'POST /v1/account/activation-code': expect.arrayContaining([
          202, 400, 401, 409, 413, 415, 429, 503,
        ]),
        // No key for it here: described all the same.
        'POST /v1/mail-events': expect.arrayContaining([204, 400, 403, 404, 413, 415, 503]),
      });
      expect(document.components.securitySchemes['basic']).toMatchObject({
        type: 'http',
        scheme: 'basic',
      });
    });

    it('is made for generated clients: names of calls, types of problems, headers to act on', () => {
      expect(operations().map(({ operation }) => operation.operationId)).toEqual([
        'registerAccount',
        'activateAccount',
        'requestActivationCode',
        'viewAccount',
        'recordMailEvent',
      ]);
      const types = document.components.schemas['Problem']?.properties?.['type'];
      expect(types).toMatchObject({
        enum: expect.arrayContaining(['/problems/activation-code-incorrect']),
      });
      for (const { operation } of operations()) {
        for (const [status, header] of Object.entries({
          401: 'WWW-Authenticate',
          429: 'Retry-After',
          503: 'Retry-After',
        })) {
          const answer = operation.responses[status];
          if (answer) expect(Object.keys(answer.headers ?? {})).toContain(header);
        }
      }
    });

    it('has a name for each schema of a body, with the lengths that hold here', () => {
      const { schemas } = document.components;
      expect(Object.keys(schemas)).toEqual(
        expect.arrayContaining([
          'RegisterAccountRequest',
          'RegisterAccountAnswer',
          'ActivateAccountRequest',
          'ViewAccountAnswer',
          'FieldError',
        ]),
      );
      expect(schemas['RegisterAccountRequest']?.properties).toMatchObject({
        email: { format: 'idn-email', maxLength: 254 },
        password: { format: 'password', minLength: 10, maxLength: 128 },
      });
    });

    it('has a description, headers and an example for every answer', () => {
      for (const { path, operation } of operations()) {
        expect(operation.summary).toMatch(/\w/);
        for (const [status, answer] of Object.entries(operation.responses)) {
          const where = `${path} ${status}`;
          expect([where, answer.description]).toEqual([where, expect.stringMatching(/\w/)]);
          expect([where, Object.keys(answer.headers ?? {})]).toEqual([
            where,
            expect.arrayContaining(['X-Request-Id']),
          ]);
          if (status === '204') continue;
          const isProblem = Number(status) >= 400;
          const type = isProblem ? 'application/problem+json' : 'application/json';
          expect([where, Object.keys(answer.content ?? {})]).toEqual([where, [type]]);
          const content = answer.content?.[type];
          expect([where, content?.schema]).toEqual([where, expect.any(Object)]);
          if (isProblem) {
            const examples = Object.entries(content?.examples ?? {});
            expect(examples.length).toBeGreaterThan(0);
            for (const [slug, { value }] of examples) {
              expect(value).toMatchObject({ type: `/problems/${slug}`, status: Number(status) });
            }
          } else {
            expect([where, content?.example]).toEqual([where, expect.any(Object)]);
            const schema = named(content?.schema);
            expect(Object.keys(content?.example as object).toSorted()).toEqual(
              [...(schema.required ?? [])].toSorted(),
            );
          }
        }
      }
    });

    it('describes what it wants: fields with examples, no others', () => {
      for (const { path, method, operation } of operations()) {
        if (path === '/v1/mail-events') continue;
        const takesBody = ['/v1/accounts', '/v1/account/activation'].includes(path);
        expect([path, operation.requestBody !== undefined]).toEqual([path, takesBody]);
        expect([path, operation.security?.length]).toEqual([path, path === '/v1/accounts' ? 0 : 1]);
        if (path !== '/v1/accounts') {
          const names = (operation.parameters ?? []).map(({ name }) => name);
          const own = path === '/v1/account' ? ['wait'] : [];
          expect([method, path, names]).toEqual([method, path, [...own, 'Consistency-Token']]);
        }
        if (!takesBody) continue;
        const schema = named(operation.requestBody?.content['application/json']?.schema);
        expect(schema).toMatchObject({ type: 'object', additionalProperties: false });
        for (const property of Object.values(schema.properties ?? {})) {
          expect(property.example).toEqual(expect.any(String));
        }
      }
    });

    it('refers only to what is there', () => {
      const references = JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g);
      const found = [...references].map(([, path = '']) =>
        path
          .split('/')
          .reduce<unknown>((node, key) => (node as Record<string, unknown>)?.[key], document),
      );
      expect(found.length).toBeGreaterThan(0);
      for (const target of found) expect(target).toEqual(expect.any(Object));
    });

    it('shows only problems that have a page', async () => {
      const slugs = new Set(
        operations().flatMap(({ operation }) =>
          Object.values(operation.responses).flatMap(({ content }) =>
            Object.keys(content?.['application/problem+json']?.examples ?? {}),
          ),
        ),
      );
      expect(slugs.size).toBeGreaterThan(10);
      for (const slug of slugs) {
        const page = await client.call(`/problems/${slug}`);
        expect([slug, page.status]).toEqual([slug, 200]);
        expect(page.headers.get('Content-Type')).toBe('text/html; charset=utf-8');
      }
    });

    it('has a page to read it on, made of files that the security policy lets through', async () => {
      const page = await client.call('/docs');
      expect(page.status).toBe(200);
      const policy = page.headers.get('Content-Security-Policy') ?? '';
      expect(policy).toContain("script-src 'self'");
      const scripts = [...page.text.matchAll(/<script([^>]*)>([^]*?)<\/script>/g)];
      expect(scripts.length).toBeGreaterThan(0);
      for (const [, attributes = '', inline = ''] of scripts) {
        const source = /src="([^"]+)"/.exec(attributes)?.[1] ?? '';
        expect(inline.trim()).toBe('');
        expect(source).not.toMatch(/^(https?:)?\/\//);
        const script = await client.call(new URL(source, 'http://api/docs').pathname);
        expect([source, script.status]).toEqual([source, 200]);
        expect(script.headers.get('Content-Type')).toMatch(/javascript/);
      }
    });
  });

  it('holds for anything that is generated, none of it answered with 5xx', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    const port = Number(new URL(product.endpoints.api).port);
    const send = ({ method, path, headers, body }: GeneratedRequest) =>
      new Promise<{ status: number; text: string }>((resolve, reject) => {
        // Node states the length by itself only for methods that usually have a body.
        const length = body && { 'Content-Length': body.length };
        const outgoing = request({
          agent,
          port,
          host: '127.0.0.1',
          method,
          path,
          headers: { ...headers, ...length },
        });
        outgoing.on('error', reject);
        outgoing.on('response', (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              text: Buffer.concat(chunks).toString('utf8'),
            }),
          );
        });
        outgoing.end(body);
      });
    try {
      const requests = fc.sample(generatedRequests(caller), {
        numRuns: sweep(600, 2_000),
        seed: 20_261_122,
      });
      const statuses = new Map<number, number>();
      const queue = requests.values();
      const worker = async () => {
        for (const generated of queue) {
          const { status, text } = await send(generated).catch((error: unknown) => {
            throw new Error(`no answer to ${JSON.stringify(generated)}`, { cause: error });
          });
          const seen = `${generated.method} ${generated.path} -> ${status} ${text.slice(0, 200)}`;
          if (status >= 500) throw new Error(`${seen} for ${JSON.stringify(generated)}`);
          const path = generated.path.split('?')[0] ?? '';
          const operation = document.paths[path]?.[generated.method.toLowerCase()];
          const documented = Object.keys(operation?.responses ?? {}).map(Number);
          if (operation && ![...documented, ...EVERYWHERE].includes(status)) {
            throw new Error(`not documented: ${seen}`);
          }
          if (status >= 400 && generated.method !== 'HEAD') {
            expect(JSON.parse(text)).toMatchObject({ status });
          }
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }
      };
      await Promise.all(Array.from({ length: 16 }, worker));
      // It got everywhere, not only to the first check.
      for (const status of [200, 202, 400, 401, 404, 405, 415]) {
        expect(statuses.get(status)).toBeGreaterThan(0);
      }
    } finally {
      agent.destroy();
    }
  });
});

interface GeneratedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

/** Requests from nearly right to pure noise. */
function generatedRequests(caller: { email: string; password: string }) {
  const anyText = fc.string({ unit: 'binary', maxLength: 40 });
  const headerText = fc.string({ unit: fc.constantFrom(...'aZ09 ,;=:"/*-._é'), maxLength: 40 });
  const email = fc.oneof(
    fc.emailAddress(),
    anyText,
    anyText.map((text) => `${text}@example.org`),
    fc.constantFrom(caller.email, 'ada@', '@', 'a@b', 'a@b.c\r\nBcc: x@y.z'),
  );
  const password = fc.oneof(anyText, fc.constantFrom(PASSWORD, '', '🙂'.repeat(200)));
  const code = fc.oneof(
    fc.integer({ min: 0, max: 99_999 }).map((number) => String(number).padStart(4, '0')),
    anyText,
    fc.integer(),
  );
  const json = fc.oneof(
    fc.record({ email, password }, { requiredKeys: [] }),
    fc.record({ code }, { requiredKeys: [] }),
    fc.record({ email, password, extra: fc.jsonValue() }),
    fc.jsonValue({ maxDepth: 4 }),
  );
  const body = fc.oneof(
    { weight: 6, arbitrary: json.map((value) => Buffer.from(JSON.stringify(value), 'utf8')) },
    { weight: 1, arbitrary: json.map((value) => Buffer.from(JSON.stringify(value).slice(0, -1))) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)) },
    { weight: 1, arbitrary: fc.constant(Buffer.alloc(20_000, '[')) },
    { weight: 2, arbitrary: fc.constant(undefined) },
  );
  const authorization = fc.oneof(
    { weight: 3, arbitrary: fc.constant(basicAuth(caller)) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(email, password)
        .map(([name, word]) => basicAuth({ email: name, password: word })),
    },
    { weight: 1, arbitrary: headerText },
    { weight: 1, arbitrary: fc.base64String().map((text) => `Basic ${text}`) },
  );
  const headers = fc
    .record(
      {
        'Content-Type': fc.oneof(
          { weight: 8, arbitrary: fc.constant('application/json') },
          {
            weight: 1,
            arbitrary: fc.constantFrom('text/plain', 'application/json; charset=x', ''),
          },
          { weight: 1, arbitrary: headerText },
        ),
        Authorization: authorization,
        'Accept-Language': headerText,
        'X-Request-Id': fc.oneof(fc.uuid(), headerText),
        'Consistency-Token': fc.constantFrom('0', '1', 'x', '-1', 'A'.repeat(80)),
        Accept: headerText,
      },
      { requiredKeys: ['Content-Type'] },
    )
    .map((all) =>
      Object.fromEntries(
        Object.entries(all).map(([name, value]) => [
          name,
          Buffer.from(value, 'utf8').toString('latin1'),
        ]),
      ),
    );
  const known = [
    '/v1/accounts',
    '/v1/account',
    '/v1/account/activation',
    '/v1/account/activation-code',
  ];
  const path = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...known) },
    { weight: 1, arbitrary: fc.constantFrom(...known).map((one) => `${one}?x=%00&code=0421`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('/', '/docs', '/openapi.json', '/problems', '/%zz', '//', '/v1/'),
    },
    { weight: 1, arbitrary: fc.webPath().map((one) => `/${one}`) },
  );
  const method = fc.oneof(
    { weight: 6, arbitrary: fc.constant('POST') },
    { weight: 3, arbitrary: fc.constant('GET') },
    { weight: 1, arbitrary: fc.constantFrom('PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE') },
  );
  return fc
    .record({ method, path, headers, body })
    .map((one): GeneratedRequest => (one.method === 'TRACE' ? { ...one, body: undefined } : one));
}
