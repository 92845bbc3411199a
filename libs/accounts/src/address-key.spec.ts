import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import tr46 from 'tr46';
import {
  addressKeyOf,
  inboxOf,
  InvalidAddress,
  mailAddressOf,
  type AddressFault,
} from './address-key.js';

// As Node has it: jest keeps 100 frames of each error, and most of what is tried here is refused.
Error.stackTraceLimit = 10;

/** What must never change; test/node-versions/run.mjs plays the same on each Node that is supported. */
const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../test/node-versions/addresses.json'), 'utf8'),
) as { readonly typed: string; readonly key?: string; readonly fault?: AddressFault }[];

/** The key, or the name of the fault. */
function outcomeOf(typed: string): string {
  try {
    return addressKeyOf(typed);
  } catch (error) {
    if (!(error instanceof InvalidAddress)) throw error;
    return error.fault;
  }
}

function isFault(outcome: string): boolean {
  return !outcome.includes('@');
}

function octetsOf(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

describe('The key of an address', () => {
  it.each(golden.filter(({ key }) => key !== undefined))('$typed is $key', ({ typed, key }) => {
    expect(outcomeOf(typed)).toBe(key);
  });

  it('does not equate addresses that differ by dots or plus tags', () => {
    const different = ['a.b@example.org', 'ab@example.org', 'a.b+c@example.org'].map(addressKeyOf);
    expect(new Set(different).size).toBe(3);
  });
});

describe('Where mail goes', () => {
  it.each([
    ['Ada.Lovelace@Example.ORG', 'Ada.Lovelace@example.org'],
    ['Ada@STRAẞE.example', 'Ada@xn--strae-oqa.example'],
    ['andre\u0301@MÜNCHEN.de', 'andre\u0301@xn--mnchen-3ya.de'],
  ])('%s gets it at %s', (typed, to) => expect(mailAddressOf(typed)).toBe(to));

  it('has the key of what was typed', () => {
    for (const { typed, key } of golden) {
      if (key !== undefined) expect(addressKeyOf(mailAddressOf(typed))).toBe(key);
    }
  });
});

describe('Not an address', () => {
  const faulty = golden.filter(({ fault }) => fault !== undefined);

  it.each(faulty)('$typed: $fault', ({ typed, fault }) => expect(outcomeOf(typed)).toBe(fault));

  it('is refused before its length costs anything', () => {
    expect(outcomeOf('x'.repeat(1_000_000))).toBe('address-too-long');
  });

  it('says what to mend without quoting the text', () => {
    for (const typed of faulty.map(({ typed }) => typed).filter((text) => text.length > 8)) {
      expect(() => addressKeyOf(typed)).toThrow(/^[A-Z].*\.$/);
      expect(() => addressKeyOf(typed)).not.toThrow(typed);
    }
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
        const key = outcomeOf(text);
        if (isFault(key)) return;
        expect(key.match(/@/g)).toHaveLength(1);
        expect(key).not.toMatch(/[\p{C}\p{Z}"(),:;<>[\]\\]/u);
        expect(key).toBe(key.normalize('NFC'));
        expect(key.split('@')[1]).toMatch(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/);
        expect(octetsOf(key)).toBeLessThanOrEqual(254);
        expect(octetsOf(key.split('@')[0] ?? '')).toBeLessThanOrEqual(64);
        expect(addressKeyOf(key)).toBe(key);
      }),
      { numRuns: 600 },
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

  it('has the domain that UTS 46 makes of it, or a fault', () => {
    const pieces = ['a', 'Z', '0', '-', '.', '_', ' ', 'xn--', 'Xn--', '9krab', 'ü', '\u212a', 'ſ'];
    const label = fc.array(fc.constantFrom(...pieces, 'o'.repeat(61)), { maxLength: 4 });
    const domain = fc.array(
      label.map((parts) => parts.join('')),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(
        domain.map((labels) => labels.join('.')),
        (typed) => {
          const key = outcomeOf(`x@${typed}`);
          if (isFault(key)) return;
          const rules = { checkBidi: true, checkJoiners: true, useSTD3ASCIIRules: true };
          expect(key).toBe(`x@${tr46.toASCII(typed, { ...rules, verifyDNSLength: true })}`);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('has a stable key for every character that has another case or composition', () => {
    const unstable: string[] = [];
    for (let codePoint = 0; codePoint <= 0x1ffff; codePoint += 1) {
      const character = String.fromCodePoint(codePoint);
      const apart = character.normalize('NFD');
      if (character.toLowerCase() === character && apart === character) continue;
      const key = outcomeOf(`x${character}@b.c`);
      if (isFault(key)) continue;
      // Taken apart, "not less than" has a bare < in it, which is refused as typed.
      const keyApart = outcomeOf(`x${apart}@b.c`);
      const isSame = outcomeOf(key) === key && (isFault(keyApart) || keyApart === key);
      if (!isSame) unstable.push(codePoint.toString(16));
    }
    expect(unstable).toEqual([]);
  });
});

describe('The inbox of an address', () => {
  it.each([
    ['ada@example.org', 'ada@example.org'],
    ['A.d.a+news@Example.org', 'ada@example.org'],
    ['ada+1+2@example.org', 'ada@example.org'],
    ['ada@mail.example.org', 'ada@mail.example.org'],
    ['+only@example.org', '@example.org'],
  ])('of %s is %s', (address, inbox) => {
    expect(inboxOf(addressKeyOf(address))).toBe(inbox);
  });
});
