import fc from 'fast-check';
import { pathsNear } from './generated-paths.js';

/** The parts of an OpenAPI document that requests are made from. */
export interface ApiDescription {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

interface Operation {
  readonly security?: readonly unknown[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
  };
}

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly example?: unknown;
}

export interface GeneratedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

/** What node's client can send; the rest of what a connection can carry has specs of its own. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'QUERY'];

/**
 * Requests made from the API's own description: each begins as a right call of one operation, or nearly,
 * and is then spoilt in some of its parts.
 *
 * @param knownAuthorization credentials of an account that exists
 */
export function generatedRequests(
  { paths, components }: ApiDescription,
  knownAuthorization: string,
): fc.Arbitrary<GeneratedRequest> {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  return fc.constantFrom(...operations).chain(({ path, method, operation }) => {
    const schema = operation.requestBody?.content['application/json']?.schema;
    return (
      fc
        .record({
          method: mostly(fc.constant(method.toUpperCase()), fc.constantFrom(...METHODS)),
          path: mostly(fc.constant(path), spoiltPath(path)),
          headers: headersOf(operation, knownAuthorization),
          body: schema ? bodyOf(resolvedIn(components, schema)) : rarely(noise),
        })
        // Node answers headers beyond its limit before it knows that it is HEAD, so with a body.
        .map((made) =>
          made.method === 'HEAD' ? { ...made, headers: withoutLarge(made.headers) } : made,
        )
    );
  });
}

function withoutLarge(headers: GeneratedRequest['headers']): GeneratedRequest['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'X-Large'));
}

function mostly<Value>(usual: fc.Arbitrary<Value>, spoilt: fc.Arbitrary<Value>) {
  return fc.oneof({ weight: 7, arbitrary: usual }, { weight: 1, arbitrary: spoilt });
}

function rarely<Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> {
  return fc.oneof({ weight: 7, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
}

const OF_UNICODE = ['', '\0', '\r\n', '\ud800', '\u202e', '🙂'.repeat(300), 'x'.repeat(5_000)];
const OF_LANGUAGES = [
  "' or 1=1 --",
  '${7*7}',
  '{{7*7}}',
  '../../etc/passwd',
  '<script>',
  '%00',
  'null',
];
const OF_JAVASCRIPT = ['__proto__', 'constructor', 'toString', 'NaN', '-0', '1e400', '0x10'];

/** Anything that Unicode can do, and some that it cannot. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom(...OF_UNICODE),
  fc.constantFrom(...OF_LANGUAGES),
  fc.constantFrom(...OF_JAVASCRIPT),
);

/**
 * Each text that some programs stumble over, once in each field of each operation: alone, and within what is
 * right there. Chance takes thousands of requests to come upon one of them where all else is right.
 */
export function hazardousFields(
  { paths, components }: ApiDescription,
  knownAuthorization: string,
): GeneratedRequest[] {
  const hazards = [...OF_UNICODE, ...OF_LANGUAGES, ...OF_JAVASCRIPT];
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { security, requestBody }]) => {
      const schema = requestBody?.content['application/json']?.schema;
      const { properties = {} } = schema ? resolvedIn(components, schema) : {};
      const right = Object.fromEntries(
        Object.entries(properties).map(([name, { example }]) => [name, example]),
      );
      const headers = {
        'Content-Type': 'application/json',
        ...(security?.length && { Authorization: knownAuthorization }),
      };
      return Object.entries(right).flatMap(([name, example]) =>
        hazards
          .flatMap((hazard) => [hazard, `${hazard}${String(example)}`])
          .map((value) => ({
            method: method.toUpperCase(),
            path,
            headers,
            body: Buffer.from(JSON.stringify({ ...right, [name]: value })),
          })),
      );
    }),
  );
}

function resolvedIn(components: ApiDescription['components'], schema: Schema): Schema {
  return (schema.$ref && components.schemas[schema.$ref.split('/').at(-1) ?? '']) || schema;
}

const noise = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom('', '{', '[]', 'null', '"', '{"a":1,"a":2}', '\ufeff{}', '{"email":', '1e999')
    .map((content) => Buffer.from(content)),
  fc.constantFrom(20, 2_000, 8_000).map((depth) => Buffer.from('['.repeat(depth))),
  fc.constant(Buffer.alloc(20_000, 'x')),
);

function bodyOf(schema: Schema): fc.Arbitrary<Buffer | undefined> {
  const fields = Object.entries(schema.properties ?? {});
  const right = fc.record(
    Object.fromEntries(fields.map(([name, field]) => [name, valueOf(name, field)])),
  );
  const spoilt = fc
    .tuple(right, fc.constantFrom(...fields.map(([name]) => name)), fc.jsonValue(), text, text)
    .chain(([body, name, value, key, other]) =>
      fc.constantFrom(
        JSON.stringify({ ...body, [name]: value }),
        JSON.stringify({ ...body, [name]: undefined }),
        JSON.stringify({ ...body, [key]: other }),
        JSON.stringify([body]),
        JSON.stringify(value),
        `{"__proto__":${JSON.stringify(body)},${JSON.stringify(body).slice(1)}`,
        `{${JSON.stringify(name)}:${JSON.stringify(other)},${JSON.stringify(body).slice(1)}`,
        JSON.stringify(body).slice(0, -1),
      ),
    );
  return fc.oneof(
    { weight: 3, arbitrary: right.map((body) => Buffer.from(JSON.stringify(body))) },
    { weight: 6, arbitrary: spoilt.map((body) => Buffer.from(body)) },
    { weight: 2, arbitrary: noise },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
}

/** One field: its example, or something in its place. */
function valueOf(name: string, { example }: Schema): fc.Arbitrary<unknown> {
  const addresses = fc.oneof(
    fc.emailAddress(),
    text.map((part) => `${part}@example.org`),
    text.map((part) => `ada@${part}`),
    fc.constantFrom('a@b.test\r\nBcc: x@y.test', '"a b"@example.org', 'a@[127.0.0.1]', 'a@xn--'),
  );
  return fc.oneof(
    fc.constantFrom(example, `${example}x`),
    text,
    name === 'email' ? addresses : fc.integer().map(String),
  );
}

function spoiltPath(path: string): fc.Arbitrary<string> {
  const encoded = text.map((part) =>
    encodeURIComponent(Buffer.from(part).toString()).slice(0, 300),
  );
  return fc.oneof(
    encoded.map((part) => `${path}/${part}`),
    encoded.map((part) => `${path}?${part}=${part}`),
    encoded.map((part) => `/${part}`),
    fc.constantFrom(
      `${path}/`,
      `/${path}`,
      path.toUpperCase(),
      `${path}/..`,
      `${path}%2f`,
      `${path}%`,
    ),
    fc.constantFrom('/problems', '/problems/x', '/docs', '/openapi.json', '/', '*', '//', '/?'),
    fc.constant(`/${'x'.repeat(4_000)}`),
    pathsNear(path, '/docs', '/problems').filter((one) => /^[!-~]+$/.test(one)),
  );
}

const TYPES = [
  'application/json; charset=utf-8',
  'application/json; charset=utf-16',
  'application/json;',
  'APPLICATION/JSON',
  'application/problem+json',
  'text/plain',
  'multipart/form-data; boundary=x',
  'application/x-www-form-urlencoded',
  '/',
  '',
];

function headersOf(
  { security, requestBody }: Operation,
  knownAuthorization: string,
): fc.Arbitrary<Readonly<Record<string, string>>> {
  const value = fc.string({ unit: fc.constantFrom(...'aZ09 ,;=:"/*-._+%\\é'), maxLength: 60 });
  const basic = fc
    .tuple(text, fc.constantFrom(':', '', '::'), text)
    .map((parts) => `Basic ${Buffer.from(parts.join('')).toString('base64')}`);
  const authorization = fc.oneof(
    fc.constant(knownAuthorization),
    basic,
    value.map((content) => `Basic ${content}`),
    value,
    fc.constantFrom('Basic', 'basic  Og==', 'Bearer x', 'Basic Og', `Basic ${'QQ'.repeat(3_000)}`),
  );
  return fc
    .record({
      'Content-Type': requestBody
        ? mostly<string | undefined>(fc.constant('application/json'), fc.constantFrom(...TYPES))
        : rarely(fc.constantFrom(...TYPES)),
      Authorization: security?.length
        ? mostly(authorization, fc.constant(undefined))
        : rarely(authorization),
      'Consistency-Token': rarely(fc.oneof(value, fc.constantFrom('0', 'A'.repeat(80)))),
      'X-Request-Id': rarely(value),
      'X-Forwarded-For': rarely(value),
      'Accept-Language': rarely(value),
      Accept: rarely(value),
      Cookie: rarely(value),
      'Content-Encoding': rarely(fc.constantFrom('gzip', 'identity', 'x')),
      'X-Large': rarely(fc.constantFrom('x'.repeat(7_000), 'x'.repeat(17_000))),
    })
    .map((headers) =>
      Object.fromEntries(
        Object.entries(headers).flatMap(([name, content]) =>
          content === undefined ? [] : [[name, content]],
        ),
      ),
    );
}
