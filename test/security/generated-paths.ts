import fc from 'fast-check';

export interface PathRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What paths go wrong with: places elsewhere, things that no file can be called, and too much of anything. */
const oddities = [
  ...['.', '..', '...', '', '*', '~', ':', ':name', ';x=1', '?', '??', '#', '&', '=', '+'],
  ...['%', '%%', '%z', '%zz', '%0', '%00', '%00.css', '%0d%0a', '%20', '%25', '%252e%252e', '%7f'],
  ...[
    '%2e',
    '%2e%2e',
    '%2E.',
    '%2f',
    '%2F..%2F',
    '%5c',
    '%5c..',
    '\\',
    '..\\',
    '%3f',
    '%23',
    '%3a',
  ],
  ...['%c0%ae', '%c0%af', '%e0%a4%a', '%ff', '%ed%a0%80', '%ef%bb%bf', '%u002e', '\xe9', '\xff'],
  ...['etc', 'passwd', '.git', '.env', 'node_modules', 'package.json', 'C:', 'con', 'nul', '-'],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'undefined', 'null', 'NaN', '-1'],
  ...['index.html', 'LICENSE', 'swagger-ui.css', 'SWAGGER-UI.CSS', 'swagger-ui.css.map', 'x.css'],
  '0b8f7c1e-5a2d-8e3f-9b4a-6c7d8e9f0a1b',
  ...[101, 256, 1_025, 4_097, 5_000].map((length) => 'a'.repeat(length)),
  ...['%61'.repeat(1_700), 'a/'.repeat(2_500), '../'.repeat(500), '%2e%2e%2f'.repeat(300)],
];

const segment = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...oddities) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(...oddities), fc.constantFrom(...oddities))
      .map(([one, other]) => (one + other).slice(0, 6_000)),
  },
  // Whatever may stand in a request line.
  {
    weight: 1,
    arbitrary: fc
      .uint8Array({ minLength: 1, maxLength: 12, min: 0x21 })
      .map((bytes) => Buffer.from(bytes).toString('latin1')),
  },
  { weight: 1, arbitrary: fc.webSegment() },
);

/** Anything below one of the paths, or near it; 12,000 characters at most. */
export function pathsNear(...known: readonly string[]): fc.Arbitrary<string> {
  return fc
    .tuple(
      fc.constantFrom('', ...known),
      fc.constantFrom('/', '/', '/', '//', '', '/./', '/../'),
      fc.array(segment, { minLength: 0, maxLength: 4 }),
      fc.constantFrom('', '', '', '/', '?x', '?%zz=%00', '/..', '#x'),
    )
    .map(([start, between, segments, end]) => {
      const path = (start + between + segments.join('/')).slice(0, 12_000) + end;
      return path.startsWith('/') ? path : `/${path}`;
    });
}

/** Headers by which a part or a version of a file is asked for. */
const fileHeaders = fc.record(
  {
    Range: fc.constantFrom(
      'bytes=0-1',
      'bytes=-1',
      'bytes=99999999-',
      'bytes=1-0',
      'bytes=0-0,5-6',
      'x',
    ),
    'If-Match': fc.constantFrom('*', '"x"', 'W/"x"', ''),
    'If-None-Match': fc.constantFrom('*', '"x"', ''),
    'If-Modified-Since': fc.constantFrom('Thu, 01 Jan 1970 00:00:00 GMT', 'x'),
    'If-Unmodified-Since': fc.constantFrom('Thu, 01 Jan 1970 00:00:00 GMT', 'x'),
    'If-Range': fc.constantFrom('"x"', 'Thu, 01 Jan 1970 00:00:00 GMT'),
    'Accept-Encoding': fc.constantFrom('br', 'gzip;q=0', '*', ','),
  },
  { requiredKeys: [] },
);

/**
 * Requests that fetch something, with any path.
 *
 * @param headers that every one has
 */
export function pathRequests(
  known: readonly string[],
  headers: Readonly<Record<string, string>> = {},
): fc.Arbitrary<PathRequest> {
  return fc
    .record({
      method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'),
      path: pathsNear(...known),
      headers: fc.oneof(
        { weight: 2, arbitrary: fc.constant({}) },
        { weight: 1, arbitrary: fileHeaders },
      ),
    })
    .map(({ method, path, headers: own }) => ({
      // Node answers what is no HTTP before it knows that it is HEAD, so with a body.
      method: method === 'HEAD' && /[^!-~]/.test(path) ? 'GET' : method,
      path,
      headers: { ...own, ...headers },
    }));
}
