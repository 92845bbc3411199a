import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { addressKeyOf, InvalidAddress, type AddressFault } from './address-key.js';

function faultOf(typed: string): AddressFault | undefined {
  try {
    addressKeyOf(typed);
    return undefined;
  } catch (error) {
    if (!(error instanceof InvalidAddress)) throw error;
    return error.fault;
  }
}

function octetsOf(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

describe('The key of an address', () => {
  const keys: [typed: string, key: string][] = [
    ['ada@example.org', 'ada@example.org'],
    ['Ada.Lovelace@Example.ORG', 'ada.lovelace@example.org'],
    ['ada+news@example.org', 'ada+news@example.org'],
    ["o'hara!#$%&*+-/=?^_`{|}~@example.org", "o'hara!#$%&*+-/=?^_`{|}~@example.org"],
    ['ada@münchen.de', 'ada@xn--mnchen-3ya.de'],
    ['ada@MÜNCHEN.DE', 'ada@xn--mnchen-3ya.de'],
    ['ada@xn--mnchen-3ya.de', 'ada@xn--mnchen-3ya.de'],
    ['ada@faß.de', 'ada@xn--fa-hia.de'],
    ['ada@例え。テスト', 'ada@xn--r8jz45g.xn--zckzah'],
    ['ada@ｅｘａｍｐｌｅ．ｏｒｇ', 'ada@example.org'],
    ['ada@3com.example.museum', 'ada@3com.example.museum'],
    ['用户@例子.广告', '用户@xn--fsqu00a.xn--4rr70v'],
    ['ANDRÉ@example.org', 'andré@example.org'],
    ['andre\u0301@example.org', 'andr\u00e9@example.org'],
    // The capital of ǰ exists only as two code points: lower-casing it leaves a text that is not in NFC.
    ['J\u030c@example.org', '\u01f0@example.org'],
    ['\u01f0@example.org', '\u01f0@example.org'],
  ];
  for (const [typed, key] of keys) {
    it(`${typed} is ${key}`, () => expect(addressKeyOf(typed)).toBe(key));
  }

  it('does not equate addresses that differ by dots or plus tags', () => {
    const different = ['a.b@example.org', 'ab@example.org', 'a.b+c@example.org'].map(addressKeyOf);
    expect(new Set(different).size).toBe(3);
  });
});

describe('Not an address', () => {
  const faulty: Record<AddressFault, string[]> = {
    empty: [''],
    'address-too-long': [
      `ada@${'a.'.repeat(125)}b`,
      `ada@${'ü'.repeat(63)}.${'ü'.repeat(62)}.org`,
      'x'.repeat(1_000_000),
    ],
    'invisible-character': [
      ' ada@example.org',
      'ada@example.org ',
      'ada @example.org',
      'ada@example.org\r\nBcc: eve@example.org',
      'ada\0@example.org',
      'ada\u00a0@example.org',
      'ada\u200b@example.org',
      'ada\u034f@example.org',
      'ada\u115f@example.org',
      'ada\ufe0f@example.org',
      'ada\u202e@example.org',
      'ada@exa\u00admple.org',
      'ada\ufeff@example.org',
      'ada\ud800@example.org',
      'ada@exam\udc00ple.org',
      'ada\u2028@example.org',
      'ada\u007f@example.org',
    ],
    'not-one-at-sign': ['ada', 'example.org', 'ada@b@example.org', '@@'],
    'local-part-empty': ['@example.org'],
    'local-part-too-long': [
      `${'a'.repeat(65)}@example.org`,
      `${'é'.repeat(33)}@example.org`,
      // 63 octets as typed, 94 as a key: NFC takes this letter apart.
      `${'\u0958'.repeat(21)}@example.org`,
    ],
    'local-part-special-character': [
      '"ada"@example.org',
      'ada(comment)@example.org',
      'ada,eve@example.org',
      'ada:eve@example.org',
      'ada;eve@example.org',
      '<ada@example.org',
      'a[da]@example.org',
      'a\\da@example.org',
      // The Greek question mark becomes a semicolon in NFC.
      'ada\u037eeve@example.org',
    ],
    'local-part-dots': ['.ada@example.org', 'ada.@example.org', 'a..da@example.org'],
    'domain-empty': ['ada@'],
    'domain-not-a-host-name': [
      'ada@example..org',
      'ada@.example.org',
      'ada@example.org.',
      'ada@example。org。',
      'ada@-example.org',
      'ada@example-.org',
      'ada@exa_mple.org',
      'ada@example.org:25',
      'ada@example.org/path',
      'ada@example.org?query',
      'ada@example.org#fragment',
      'ada@example%2eorg',
      'ada@example％2eorg',
      'ada@example／org',
      'ada@exam℀ple.org',
      'ada@[192.0.2.1]',
      'ada@[IPv6:2001:db8::1]',
      'ada@192.0.2.1',
      'ada@0xc0.0.2.1',
      'ada@0xc0000201',
      'ada@3221225985',
      'ada@１９２.0.2.1',
      'ada@192.0.2',
      'ada@example.123',
      'ada@xn--a.org',
      'ada@xn--.org',
      `ada@${'a'.repeat(64)}.org`,
      `ada@${'ü'.repeat(60)}.org`,
      'ada@!example.org',
    ],
    'domain-without-dot': ['ada@localhost', 'ada@münchen', 'ada@ada'],
  };
  for (const [fault, addresses] of Object.entries(faulty)) {
    for (const typed of addresses) {
      it(`${JSON.stringify(typed).slice(0, 60)}: ${fault}`, () => {
        expect(faultOf(typed)).toBe(fault);
      });
    }
  }

  it('tells what to mend without quoting the text', () => {
    for (const typed of Object.values(faulty)
      .flat()
      .filter((text) => text.length > 8)) {
      expect(() => addressKeyOf(typed)).toThrow(/^[A-Z].*\.$/);
      expect(() => addressKeyOf(typed)).not.toThrow(typed);
    }
  });

  it('is told at the limits of length, in octets', () => {
    expect(faultOf(`${'a'.repeat(64)}@example.org`)).toBeUndefined();
    expect(faultOf(`${'é'.repeat(32)}@example.org`)).toBeUndefined();
    const domain = `${'a'.repeat(62)}.${'b'.repeat(62)}.${'c'.repeat(59)}.org`;
    expect(octetsOf(domain)).toBe(189);
    expect(faultOf(`${'a'.repeat(64)}@${domain}`)).toBeUndefined();
    expect(faultOf(`${'a'.repeat(64)}@d${domain}`)).toBe('address-too-long');
    expect(faultOf(`ada@${'a'.repeat(63)}.org`)).toBeUndefined();
  });
});

describe('Whatever is typed', () => {
  const oddCharacters = fc.constantFrom(
    ...['@', '.', '..', '-', '_', ' ', '%', '%2e', '/', ':', '[', ']', '\\', '"', '#', '?', ';'],
    ...['\r\n', '\0', '\t', 'xn--', '0x', '。', '％', '／', '\u00ad', '\u200d', '\ud800', '\udfff'],
    ...['İ', 'ẞ', 'ß', 'Σ', 'ς', 'ǰ', '\u030c', '\u0958', '\u037e', '\u212a', '\u0345', 'ﬃ', '😀'],
  );
  const part = fc
    .array(fc.oneof(oddCharacters, fc.string({ unit: 'binary' }), fc.constantFrom('a', 'B', '7')), {
      maxLength: 12,
    })
    .map((pieces) => pieces.join(''));
  const typed = fc.oneof(
    part,
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.emailAddress(),
    fc.tuple(part, part).map(([localPart, domain]) => `${localPart}@${domain}.org`),
    fc
      .tuple(fc.string({ unit: 'grapheme', minLength: 1 }), fc.string({ unit: 'grapheme' }))
      .map(([localPart, label]) => `${localPart}@${label}a.org`),
  );

  it('has a key of one form, or a fault with a name', () => {
    fc.assert(
      fc.property(typed, (text) => {
        if (faultOf(text) !== undefined) return;
        const key = addressKeyOf(text);
        expect(key.match(/@/g)).toHaveLength(1);
        expect(key).not.toMatch(/[\p{C}\p{Z}"(),:;<>[\]\\]/u);
        expect(key).toBe(key.normalize('NFC'));
        expect(key.split('@')[1]).toMatch(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/);
        expect(octetsOf(key)).toBeLessThanOrEqual(254);
        expect(octetsOf(key.split('@')[0] ?? '')).toBeLessThanOrEqual(64);
        expect(addressKeyOf(key)).toBe(key);
      }),
      { numRuns: 5_000 },
    );
  });

  it('ordinary addresses all have a key, whichever case they are typed in', () => {
    const word = fc.stringMatching(/^[a-z0-9]{1,12}$/);
    const ordinary = fc
      .tuple(word, word, word, fc.constantFrom('org', 'de', 'museum'))
      .map(([first, last, host, top]) => `${first}.${last}@${host}.${top}`);
    fc.assert(
      fc.property(ordinary, (address) => {
        expect(addressKeyOf(address)).toBe(address);
        expect(addressKeyOf(address.toUpperCase())).toBe(address);
      }),
    );
  });

  it('has a stable key for every character that has another case or composition', () => {
    const unstable: string[] = [];
    for (let codePoint = 0; codePoint <= 0x1ffff; codePoint += 1) {
      const text = `x${String.fromCodePoint(codePoint)}@example.org`;
      const plain = text.toLowerCase() === text && text.normalize('NFD') === text;
      if (plain || faultOf(text) !== undefined) continue;
      const key = addressKeyOf(text);
      // Taken apart, "not less than" has a bare < in it, which is refused as typed.
      const apart = text.normalize('NFD');
      const sameApart = faultOf(apart) !== undefined || addressKeyOf(apart) === key;
      if (addressKeyOf(key) !== key || !sameApart) unstable.push(codePoint.toString(16));
    }
    expect(unstable).toEqual([]);
  });
});
