import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  compositionRulesOf,
  defaultPasswordPolicy,
  normalizedPassword,
  passwordViolations,
  type GuessablePasswords,
  type PasswordPolicy,
  type PasswordRule,
} from './password-policy.js';

/** What must never change; test/node-versions/run.mjs plays the same on each Node that is supported. */
const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../test/node-versions/passwords.json'), 'utf8'),
) as { readonly typed: string; readonly hashed: string }[];

const common = new Set(['password1', 'iloveyou2', 'xx\u01f0ana\u01f0']);
const guessable: GuessablePasswords = {
  isCommon: (lowerCasePassword) => common.has(lowerCasePassword),
  isDecorated: (password) => password === 'Dragon2026!',
};

/** So many code points in no order. */
function mixed(length: number): string {
  return Array.from({ length }, (_, index) =>
    String.fromCodePoint(0x61 + ((index * index) % 23)),
  ).join('');
}

/** So many emoji in no order. */
function emoji(length: number): string {
  return Array.from({ length }, (_, index) =>
    String.fromCodePoint(0x1f600 + ((index * index) % 41)),
  ).join('');
}

function brokenBy(
  password: string,
  change: Partial<PasswordPolicy> = {},
  address = 'ada.lovelace@example.org',
): PasswordRule[] {
  const policy = { ...defaultPasswordPolicy, ...change };
  return passwordViolations(password, address, guessable, policy).map(({ rule }) => rule);
}

describe('The length of a password', () => {
  it('is 8 to 128 code points by default', () => {
    expect(brokenBy(mixed(7))).toEqual(['min-length']);
    expect(brokenBy(mixed(8))).toEqual([]);
    expect(brokenBy(mixed(128))).toEqual([]);
    expect(brokenBy(mixed(129))).toEqual(['max-length']);
  });

  it('counts code points, not UTF-16 units or octets', () => {
    expect(brokenBy(emoji(7))).toEqual(['min-length']);
    expect(brokenBy(emoji(8))).toEqual([]);
    expect(brokenBy(emoji(128))).toEqual([]);
    expect(brokenBy(emoji(129))).toEqual(['max-length']);
  });

  it('counts the composed form', () => {
    expect(brokenBy('e\u0301'.repeat(7))).toEqual(['min-length']);
    expect(brokenBy(`${'e\u0301'.repeat(100)}${mixed(28)}`)).toEqual([]);
  });

  it('can be set, but not below 8', () => {
    expect(brokenBy(mixed(14), { minLength: 15 })).toEqual(['min-length']);
    expect(brokenBy(mixed(15), { minLength: 15 })).toEqual([]);
    expect(brokenBy(mixed(21), { maxLength: 20 })).toEqual(['max-length']);
    expect(() => brokenBy('x', { minLength: 7 })).toThrow(RangeError);
    expect(() => brokenBy('x', { minLength: Number.NaN })).toThrow(RangeError);
    expect(() => brokenBy('x', { minLength: 20, maxLength: 19 })).toThrow(RangeError);
  });
});

describe('The characters of a password', () => {
  it('may be any that people type', () => {
    for (const password of ['correct horse', 'пароль длинный', '密码很长很安全吗呢', 'a b c d e']) {
      expect(brokenBy(password)).toEqual([]);
    }
  });

  it('must not be control characters', () => {
    for (const password of ['long enough\n', 'long\0enough', 'long enough\u0085']) {
      expect(brokenBy(password)).toEqual(['no-control-characters']);
    }
  });

  it('must be well-formed: lone surrogates would collide when hashed', () => {
    expect(brokenBy('long enough \ud800')).toEqual(['well-formed']);
    expect(brokenBy('\udc00 long enough')).toEqual(['well-formed']);
  });

  it('need no composition by default, and each kind when set so', () => {
    expect(brokenBy('lowercase only')).toEqual([]);
    expect(brokenBy('lowercase only', { requireDigit: true })).toEqual(['digit']);
    expect(brokenBy('lowercase 0nly', { requireDigit: true })).toEqual([]);
    expect(brokenBy('lowercase only', { requireUpperCase: true })).toEqual(['upper-case']);
    expect(brokenBy('lowercasE only', { requireUpperCase: true })).toEqual([]);
    expect(brokenBy('UPPERCASE ONLY', { requireLowerCase: true })).toEqual(['lower-case']);
    expect(brokenBy('UPPERCASE ONLy', { requireLowerCase: true })).toEqual([]);
    expect(brokenBy('lettersand42', { requireSpecial: true })).toEqual(['special-character']);
    expect(brokenBy('letters&42xx', { requireSpecial: true })).toEqual([]);
    expect(brokenBy('lettersé\u0323\u032342x', { requireSpecial: true })).toEqual([
      'special-character',
    ]);
  });
});

describe('A password that is easy to guess', () => {
  it('contains the part of the address before the @, in any case', () => {
    expect(brokenBy('Ada.Lovelace1815')).toEqual(['not-the-address']);
    expect(brokenBy('xxANDRÉxx', {}, 'andre\u0301@example.org')).toEqual(['not-the-address']);
  });

  it('but not when that part is shorter than four characters', () => {
    expect(brokenBy('canada goose', {}, 'ada@example.org')).toEqual([]);
    expect(brokenBy('lada niva 4x4', {}, 'lada@example.org')).toEqual(['not-the-address']);
    expect(brokenBy('long enough', {}, 'no address at all')).toEqual([]);
  });

  it('contains the name of the service, in any case', () => {
    const serviceName = 'Registration';
    expect(brokenBy('myREGISTRATIONpw', { serviceName })).toEqual(['not-the-service']);
    expect(brokenBy('my registrar pw', { serviceName })).toEqual([]);
  });

  it.each<[PasswordRule, string[]]>([
    [
      'not-repeated',
      ['aaaaaaaa', '        ', 'AaAaAaAa', '123123123', 'abc1abc1abc1', '😀'.repeat(9)],
    ],
    [
      'not-a-sequence',
      ['abcdefgh', '87654321', '1234567890', '9012345678', 'acegikmo', 'абвгдежз'],
    ],
    ['not-a-keyboard-walk', ['qwertyui', 'Qwertzui', '1qaz2wsx', 'qazwsxedc', 'azertyuiop']],
    ['not-a-date', ['12.11.2026', '2026-11-12', '11/12/1990', '12112026', '20261112', '1.1.2026']],
    ['not-decorated', ['Dragon2026!']],
  ])('is %s: %j', (rule, passwords) => {
    for (const password of passwords) expect(brokenBy(password)).toEqual([rule]);
  });

  it('is not one that has more to it than a repetition, a sequence, a walk or a date', () => {
    for (const password of [
      'aaaaaaab',
      'abcdefgi',
      'qwertyuim',
      'on 12.11.2026',
      '32.13.2026',
      '13579acf',
    ]) {
      expect(brokenBy(password)).toEqual([]);
    }
    const phrase = 'horse battery';
    expect(brokenBy(phrase + phrase)).toEqual([]);
  });

  it('is looked for in linear time, however long the text is', () => {
    // A check in quadratic or exponential time would not end here.
    for (const part of ['a', 'ab', 'q1', '11.']) {
      expect(brokenBy(`${part.repeat(100_000)}b`)).toEqual(['max-length']);
      expect(brokenBy(`${part.repeat(100_000)}§`, { maxLength: 400_000 })).toEqual([]);
    }
  });

  it('is among those that many people use, in any case and composition', () => {
    expect(brokenBy('password1')).toEqual(['not-common']);
    expect(brokenBy('PassWord1')).toEqual(['not-common']);
    expect(brokenBy('XXJ\u030canaJ\u030c')).toEqual(['not-common']);
    expect(brokenBy('password1 and more')).toEqual([]);
  });
});

describe('The violations', () => {
  it('are all reported at once, each in a sentence', () => {
    const violations = passwordViolations('LADA\n', 'lada@example.org', guessable, {
      ...defaultPasswordPolicy,
      requireDigit: true,
      requireLowerCase: true,
    });
    expect(violations).toEqual([
      {
        rule: 'no-control-characters',
        sentence: 'The password must not contain control characters.',
      },
      {
        rule: 'min-length',
        sentence: 'The password must have at least 8 characters.',
        parameters: { minLength: 8 },
      },
      { rule: 'digit', sentence: 'The password must contain a digit.' },
      { rule: 'lower-case', sentence: 'The password must contain a lower-case letter.' },
      {
        rule: 'not-the-address',
        sentence: 'The password must not contain the part of the e-mail address before the @.',
      },
    ]);
  });

  it('of any text whatever quote nothing of it', () => {
    const secret = fc.string({ unit: 'binary', minLength: 1 }).map((text) => `§${text}§`);
    fc.assert(
      fc.property(secret, (password) => {
        for (const { sentence } of passwordViolations(password, 'ada@example.org', guessable)) {
          expect(sentence).not.toContain(password);
        }
      }),
    );
  });

  it('refuse the domain with digits or signs, and nothing that has more to it', () => {
    for (const password of ['example2026', '12Example!!', 'Example.org', 'example.org1']) {
      expect(brokenBy(password)).toEqual(['not-the-address']);
    }
    expect(brokenBy('examples are good')).toEqual([]);
    expect(brokenBy('12345678!', {}, 'ada@1234.org')).toEqual([]);
  });

  it.each(golden)('are those of $hashed for $typed', ({ typed, hashed }) => {
    expect(normalizedPassword(typed)).toBe(hashed);
  });

  it('that are on can be named, to warn of them', () => {
    expect(compositionRulesOf(defaultPasswordPolicy)).toEqual([]);
    const policy = { ...defaultPasswordPolicy, requireDigit: true, requireSpecial: true };
    expect(compositionRulesOf(policy)).toEqual(['digit', 'special-character']);
  });

  it('are the same for every composition of a password', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (password) => {
        const composed = normalizedPassword(password);
        expect(normalizedPassword(password.normalize('NFD'))).toBe(composed);
        expect(brokenBy(password.normalize('NFD'))).toEqual(brokenBy(composed));
      }),
    );
  });
});
