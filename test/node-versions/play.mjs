/**
 * Plays what must never change on the Node that runs it, against the build: the keys of the addresses in
 * addresses.json, passwords as they are hashed in passwords.json, the rules that passwords break in
 * password-rules.json, and digests over every code point.
 * The last line of the output is `N passed, N failed`.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  InvalidAddress,
  addressKeyOf,
  normalizedPassword,
  passwordViolations,
} from '../../dist/modules/libs/accounts/src/index.js';
import { KnownPasswords } from '../../dist/modules/apps/accounts-api/src/passwords/known-passwords.js';

const LAST_CODE_POINT = 0x10_ffff;
// The stacks of a million refused addresses would take five sixths of the time.
Error.stackTraceLimit = 0;

let passed = 0;
let failed = 0;

for (const { typed, key, fault } of golden('addresses')) {
  check(JSON.stringify(typed), outcomeOf(typed), key ?? fault);
}
for (const { typed, hashed } of golden('passwords')) {
  check(JSON.stringify(typed), normalizedPassword(typed), hashed);
}
const known = new KnownPasswords();
for (const { password, rules } of golden('password-rules')) {
  const broken = passwordViolations(password, 'lovelace@example.org', known);
  check(JSON.stringify(password), broken.map(({ rule }) => rule).join(), rules.join());
}
const digests = golden('every-code-point');
for (const [name, outcome] of Object.entries({
  'before the @': (character) => outcomeOf(`a${character}a@example.org`),
  'after the @': (character) => outcomeOf(`a@a${character}a.org`),
  'in a password': (character) => normalizedPassword(`A${character}\u0301`),
})) {
  check(`every code point ${name}`, digestOf(outcome), digests[name]);
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

function golden(name) {
  return JSON.parse(readFileSync(new URL(`./${name}.json`, import.meta.url), 'utf8'));
}

function check(name, got, expected) {
  if (got === expected) {
    passed += 1;
    return;
  }
  failed += 1;
  process.stdout.write(`✘ ${name}: ${JSON.stringify(got)} is not ${JSON.stringify(expected)}\n`);
}

function outcomeOf(typed) {
  try {
    return addressKeyOf(typed);
  } catch (error) {
    if (error instanceof InvalidAddress) return error.fault;
    throw error;
  }
}

function digestOf(outcome) {
  const hash = createHash('sha256');
  // Many at a time: each call of the hash takes as long as an outcome.
  for (let first = 0; first <= LAST_CODE_POINT; first += 0x1000) {
    let lines = '';
    for (let codePoint = first; codePoint < first + 0x1000; codePoint += 1) {
      lines += `${outcome(String.fromCodePoint(codePoint))}\n`;
    }
    hash.update(lines);
  }
  return hash.digest('hex');
}
