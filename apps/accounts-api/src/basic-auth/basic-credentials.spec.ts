import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { basicCredentialsOf } from './basic-credentials.js';

const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64');
const bytes = (...values: number[]) => Buffer.from(values).toString('base64');

describe('Basic credentials', () => {
  it.each([
    ['the example of RFC 7617', 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==', 'Aladdin', 'open sesame'],
    ['the one in UTF-8 of RFC 7617', 'Basic dGVzdDoxMjPCow==', 'test', '123£'],
    ['any case of the scheme', `bAsIc ${base64('a:b')}`, 'a', 'b'],
    ['several spaces after the scheme', `Basic   ${base64('a:b')}`, 'a', 'b'],
    ['spaces at the end', `Basic ${base64('a:b')}  `, 'a', 'b'],
    ['no padding', `Basic ${base64('a:b').replace(/=+$/, '')}`, 'a', 'b'],
    ['colons in the password', `Basic ${base64('a:b:c::')}`, 'a', 'b:c::'],
    ['an empty password', `Basic ${base64('a:')}`, 'a', ''],
    ['an empty address', `Basic ${base64(':b')}`, '', 'b'],
    ['both empty', `Basic ${base64(':')}`, '', ''],
    ['spaces in the password', `Basic ${base64('a: b ')}`, 'a', ' b '],
    ['emoji', `Basic ${base64('a:🙂🙂')}`, 'a', '🙂🙂'],
    ['decomposed accents, as they are', `Basic ${base64('a:e\u0301')}`, 'a', 'e\u0301'],
    ['a byte order mark, without it', `Basic ${base64('\ufeffa:b')}`, 'a', 'b'],
    ['an invisible line separator', `Basic ${base64('a:b\u2028c')}`, 'a', 'b\u2028c'],
    ['a very long password', `Basic ${base64(`a:${'x'.repeat(10_000)}`)}`, 'a', 'x'.repeat(10_000)],
  ])('are read with %s', (_, header, address, password) => {
    expect(basicCredentialsOf(header)).toEqual({ address, password });
  });

  it.each([
    ['a missing header', undefined],
    ['an empty header', ''],
    ['the scheme alone', 'Basic'],
    ['the scheme and spaces', 'Basic   '],
    ['no space after the scheme', `Basic${base64('a:b')}`],
    ['a tab after the scheme', `Basic\t${base64('a:b')}`],
    ['a space before the scheme', ` Basic ${base64('a:b')}`],
    ['another scheme', `Bearer ${base64('a:b')}`],
    ['a scheme that begins alike', `Basically ${base64('a:b')}`],
    ['Digest', 'Digest username="a", realm="account"'],
    ['plain text', 'Basic a:b'],
    ['quotes around it', `Basic "${base64('a:b')}"`],
    ['two of them', `Basic ${base64('a:b')} ${base64('a:b')}`],
    ['two of them after a comma', `Basic ${base64('a:b')}, Basic ${base64('a:b')}`],
    ['a parameter', `Basic ${base64('a:b')}; charset="UTF-8"`],
    ['the URL alphabet', 'Basic YT7_Pj8-:'],
    ['padding in the middle', 'Basic YTpi=YTpi'],
    ['too much padding', `Basic ${base64('a:bc')}====`],
    ['padding alone', 'Basic ===='],
    ['no colon', `Basic ${base64('Aladdin')}`],
    ['nothing encoded', 'Basic  =='],
    ['a line feed', `Basic ${base64('a:b\nc')}`],
    ['a carriage return in the address', `Basic ${base64('a\r:b')}`],
    ['a zero byte', `Basic ${base64('a:b\0')}`],
    ['a tab', `Basic ${base64('a:\tb')}`],
    ['a delete character', `Basic ${base64('a:\u007f')}`],
  ])('are not there with %s', (_, header) => {
    expect(basicCredentialsOf(header)).toBeUndefined();
  });

  it.each([
    ['Latin-1', `Basic ${Buffer.from('a:é', 'latin1').toString('base64')}`],
    ['an overlong slash', `Basic ${bytes(0x61, 0x3a, 0xc0, 0xaf)}`],
    ['a surrogate half', `Basic ${bytes(0x61, 0x3a, 0xed, 0xa0, 0x80)}`],
    ['a cut character', `Basic ${bytes(0x61, 0x3a, 0xf0, 0x9f, 0x99)}`],
  ])('are found not to be UTF-8 with %s', (_, header) => {
    expect(basicCredentialsOf(header)).toBe('not-utf-8');
  });

  it('are without the blanks around the address; those of the password count', () => {
    expect(basicCredentialsOf(`Basic ${base64(' ada@example.org\u00a0: a b ')}`)).toEqual({
      address: 'ada@example.org',
      password: ' a b ',
    });
  });

  it('are split at the first colon, whatever else there is', () => {
    const text = fc.string({ unit: 'grapheme' }).map((value) => value.replace(/\p{Cc}/gu, ''));
    fc.assert(
      fc.property(text, text, (name, password) => {
        const typed = name.replaceAll(':', '');
        expect(basicCredentialsOf(`Basic ${base64(`${typed}:${password}`)}`)).toEqual({
          address: typed.trim(),
          password,
        });
      }),
    );
  });

  it('are looked for in any text without a fault', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), fc.boolean(), (text, prefixed) => {
        basicCredentialsOf(prefixed ? `Basic ${text}` : text);
      }),
      { numRuns: 2_000 },
    );
  });

  it('are looked for in 16 KiB of anything in no time', () => {
    for (const header of [
      `Basic ${' '.repeat(16_000)}x`,
      `Basic ${'A'.repeat(16_000)}!`,
      `Basic ${'A'.repeat(8_000)}${' '.repeat(8_000)}!`,
      'Basic '.repeat(2_700),
    ]) {
      const durations = [1, 2, 3].map(() => {
        const startedAt = performance.now();
        expect(basicCredentialsOf(header)).toBeUndefined();
        return performance.now() - startedAt;
      });
      expect(Math.min(...durations)).toBeLessThan(100);
    }
  });
});
