import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { InvalidJson, parseJsonBody, parseStrictJson } from './strict-json.js';

/** JSON values; generated objects have each key once, and `__proto__` never. */
const jsonValues = fc.jsonValue({ maxDepth: 6, stringUnit: 'binary' }).filter((value) => {
  const text = JSON.stringify(value);
  return !text.includes('__proto__');
});

function refusalOf(text: string): InvalidJson {
  try {
    parseStrictJson(text);
  } catch (error) {
    if (error instanceof InvalidJson) return error;
    throw error;
  }
  throw new Error('the text was accepted');
}

describe('Strict JSON', () => {
  it('means what JSON.parse says, for every value', () => {
    fc.assert(
      fc.property(jsonValues, fc.nat(4), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        expect(parseStrictJson(text)).toEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  it('refuses what JSON.parse refuses, without quoting it', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]":,\\ue01 \n-+.x') }), (text) => {
        const isJson = parses(text);
        if (isJson) {
          // What is left to refuse here are repeated keys, which have their own tests.
          expect(() => parsedUnlessAmbiguous(text)).not.toThrow();
        } else {
          expect(refusalOf(text)).toEqual(new InvalidJson('the body is not well-formed JSON'));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuses a key that occurs twice in one object, wherever that object is', () => {
    const paths = fc.array(fc.oneof(fc.string(), fc.constant(undefined)), { maxLength: 5 });
    const keys = fc.string().filter((key) => key !== '__proto__');
    fc.assert(
      fc.property(paths, keys, fc.jsonValue(), fc.jsonValue(), (path, key, one, other) => {
        fc.pre(!JSON.stringify([path, one, other]).includes('__proto__'));
        const name = JSON.stringify(key);
        const twice = `{${name}:${JSON.stringify(one)},${name}:${JSON.stringify(other)}}`;
        const text = path.reduceRight<string>(
          (inner, step) =>
            step === undefined ? `[1,${inner}]` : `{${JSON.stringify(step)}:${inner}}`,
          twice,
        );
        const refusal = refusalOf(text);
        expect(refusal.message).toBe('this key occurs more than once');
        expect(refusal.key).toBe(key);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['plainly', '{"email":1,"email":2}'],
    ['in escapes', String.raw`{"email":1,"\u0065mail":2}`],
    ['in escapes of either case', String.raw`{"\u004a":1,"\u004A":2}`],
    ['far apart', `{"email":1,${'"a":{"email":[]},'}"b":[{"email":0}],"email":2}`],
    ['after an array', '{"email":[{"x":1},{"x":2}],"email":2}'],
    ['without a value between that has keys', '{"email":"email","email":"email"}'],
  ])('finds a repeated key that is written %s', (_, text) => {
    expect(parses(text)).toBe(true);
    expect(refusalOf(text).message).toBe('this key occurs more than once');
  });

  it.each([
    ['an empty key', '{"":1,"":2}', ''],
    ['a quote and a backslash', String.raw`{"a\"\\":1,"a\"\\":2}`, String.raw`a"\ `.trim()],
    ['an emoji and its escape', String.raw`{"🙂":1,"\ud83d\ude42":2}`, '🙂'],
  ])('finds a repeated key that holds %s', (_, text, key) => {
    expect(refusalOf(text).key).toBe(key);
  });

  it.each([
    ['plainly', '{"__proto__":{"admin":true}}'],
    ['deep down', '{"a":[{"__proto__":1}]}'],
    ['in escapes', String.raw`{"\u005f_proto__":1}`],
  ])('refuses a key that reaches the prototype, written %s', (_, text) => {
    const refusal = refusalOf(text);
    expect(refusal.message).toBe('this key is not allowed');
    expect(refusal.key).toBe('__proto__');
  });

  it.each([
    ['the same key in different objects', '{"a":{"a":1},"b":{"a":1},"c":[{"a":1},{"a":1}]}'],
    ['keys that differ in case', '{"a":1,"A":2}'],
    ['values that look like keys', String.raw`{"a":"{\"a\":1,\"a\":2}","b":"a","c":["a","a"]}`],
    ['strings full of brackets', String.raw`{"a":"]}{[,:\\\"","b":"\\"}`],
    ['the word __proto__ as a value', '{"a":"__proto__","b":["__proto__"]}'],
    ['keys that other objects inherit', '{"constructor":1,"toString":2,"hasOwnProperty":3}'],
  ])('takes %s', (_, text) => {
    expect(parseStrictJson(text)).toEqual(JSON.parse(text));
  });

  it.each([
    ['open brackets', '['.repeat(16_384)],
    ['open objects', '{"a":'.repeat(3_276)],
    ['well-formed arrays', '['.repeat(8_192) + ']'.repeat(8_192)],
    ['well-formed objects', '{"a":'.repeat(2_700) + '0' + '}'.repeat(2_700)],
    ['quotes', '"'.repeat(16_384)],
    ['backslashes', `"${'\\'.repeat(16_382)}"`],
    ['one long text', `"${'a'.repeat(16_382)}"`],
    ['short keys', `{${Array.from({ length: 2_000 }, (_, i) => `"${i}":0`).join()}}`],
  ])('is done with 16 KiB of %s in no time', (_, text) => {
    const durations = [1, 2, 3].map(() => {
      const startedAt = performance.now();
      parsedUnlessInvalid(text);
      return performance.now() - startedAt;
    });
    expect(Math.min(...durations)).toBeLessThan(100);
  });
});

describe('The body of a request', () => {
  it('is read as UTF-8', () => {
    const text = '{"name":"Žofie 🙂"}';
    expect(parseJsonBody(Buffer.from(text, 'utf8'))).toEqual(JSON.parse(text));
  });

  it.each([
    ['a lone continuation byte', Buffer.from([0x22, 0x80, 0x22])],
    ['a cut character', Buffer.from([0x22, 0xf0, 0x9f, 0x99, 0x22])],
    ['a surrogate half', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['Latin-1', Buffer.from('"é"', 'latin1')],
  ])('is refused when it has %s, instead of being mended', (_, body) => {
    expect(() => parseJsonBody(body)).toThrow(new InvalidJson('the body is not UTF-8'));
  });

  it('is refused when it is UTF-16', () => {
    expect(() => parseJsonBody(Buffer.from('{}', 'utf16le'))).toThrow(InvalidJson);
  });

  it('may begin with one byte order mark, and be empty', () => {
    expect(parseJsonBody(Buffer.from('\ufeff{"a":"\ufeff"}', 'utf8'))).toEqual({ a: '\ufeff' });
    expect(parseJsonBody(Buffer.alloc(0))).toBeUndefined();
    for (const text of ['\ufeff\ufeff{}', '\ufeff', ' ']) {
      expect(() => parseJsonBody(Buffer.from(text, 'utf8'))).toThrow(InvalidJson);
    }
  });
});

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function parsedUnlessAmbiguous(text: string): void {
  try {
    parseStrictJson(text);
  } catch (error) {
    if (!(error instanceof InvalidJson) || error.key === undefined) throw error;
  }
}

function parsedUnlessInvalid(text: string): void {
  try {
    parseStrictJson(text);
  } catch (error) {
    if (!(error instanceof InvalidJson)) throw error;
  }
}
