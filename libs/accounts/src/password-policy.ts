import { isDate, isKeyboardWalk, isRepeated, isSequence } from './password-patterns.js';
import { stableNfc } from './stable-text.js';

/** Fewer code points than this are never enough, whatever the settings say. */
const passwordMinLengthFloor = 8;

/** A word shorter than this is contained in too many good passwords to be refused. */
const contextWordMinLength = 4;

export interface PasswordPolicy {
  /** Code points of the NFC form, 8 at least. */
  readonly minLength: number;
  /** Code points of the NFC form. */
  readonly maxLength: number;
  readonly requireDigit: boolean;
  readonly requireUpperCase: boolean;
  readonly requireLowerCase: boolean;
  readonly requireSpecial: boolean;
  /** Must not be part of a password; matters from four code points on. */
  readonly serviceName: string;
}

/** Length is what makes a password strong; the rules on its composition are off by default. */
export const defaultPasswordPolicy: PasswordPolicy = {
  minLength: passwordMinLengthFloor,
  maxLength: 128,
  requireDigit: false,
  requireUpperCase: false,
  requireLowerCase: false,
  requireSpecial: false,
  serviceName: '',
};

/** What attackers try first. */
export interface GuessablePasswords {
  /** Whether many people use it. The password is in lower case and NFC. */
  isCommon(lowerCasePassword: string): boolean;
  /** Whether it is little more than a common word with digits, signs or other letters. In NFC. */
  isDecorated(password: string): boolean;
}

export type PasswordRule =
  | 'well-formed'
  | 'no-control-characters'
  | 'min-length'
  | 'max-length'
  | 'digit'
  | 'upper-case'
  | 'lower-case'
  | 'special-character'
  | 'not-the-address'
  | 'not-the-service'
  | GuessableRule;

type GuessableRule =
  | 'not-repeated'
  | 'not-a-sequence'
  | 'not-a-keyboard-walk'
  | 'not-a-date'
  | 'not-common'
  | 'not-decorated';

/** Each says what to change. */
const guessableSentences: Readonly<Record<GuessableRule, string>> = {
  'not-repeated': 'The password repeats the same few characters. Use more different ones.',
  'not-a-sequence': 'The characters of the password follow each other in order. Mix them.',
  'not-a-keyboard-walk':
    'The password follows neighbouring keys. Use words that do not belong together instead.',
  'not-a-date': 'The password is a date. Use words that do not belong together instead.',
  'not-common':
    'The password is one of those that many people use. Use words that do not belong together instead.',
  'not-decorated':
    'The password is a common word or two with digits, signs or replaced letters. Add words that do not belong together.',
};

export interface PasswordViolation {
  readonly rule: PasswordRule;
  /** What to mend, quoting nothing of the password. */
  readonly sentence: string;
  /** What the sentence is made with. */
  readonly parameters?: Readonly<Record<string, number>>;
}

/** \p{Zs} without asking the Node that runs this. */
const spaces = /[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/g;

/**
 * The password as it is hashed and compared: the same whichever keyboard composed its accents, whichever kind
 * of space it made (RFC 8265, section 4.2: OpaqueString), and whichever Node runs this. Case and width stay as
 * they are.
 */
export function normalizedPassword(password: string): string {
  return stableNfc(password.replace(spaces, ' '));
}

/** Names of the rules on composition that are on. None of them makes guessing harder for long. */
export function compositionRulesOf(policy: PasswordPolicy): PasswordRule[] {
  const rules: [on: boolean, rule: PasswordRule][] = [
    [policy.requireDigit, 'digit'],
    [policy.requireUpperCase, 'upper-case'],
    [policy.requireLowerCase, 'lower-case'],
    [policy.requireSpecial, 'special-character'],
  ];
  return rules.flatMap(([on, rule]) => (on ? [rule] : []));
}

/** @throws RangeError when the lengths of the policy make no sense */
function assertPasswordPolicy({ minLength, maxLength }: PasswordPolicy): void {
  if (!Number.isInteger(minLength) || minLength < passwordMinLengthFloor) {
    throw new RangeError(
      `the least length of a password must be ${passwordMinLengthFloor} or more`,
    );
  }
  if (!Number.isInteger(maxLength) || maxLength < minLength) {
    throw new RangeError('the greatest length of a password must not be below the least');
  }
}

/**
 * Every rule that the password breaks, so that one answer is enough to mend them all.
 *
 * @param address the e-mail address the password is for
 * @throws RangeError when the policy makes no sense
 */
export function passwordViolations(
  password: string,
  address: string,
  guessable: GuessablePasswords,
  policy: PasswordPolicy = defaultPasswordPolicy,
): PasswordViolation[] {
  assertPasswordPolicy(policy);
  const normalized = normalizedPassword(password);
  const lowerCase = caseless(normalized);
  const length = lengthOf(normalized);
  const localPart = address.slice(0, Math.max(0, address.lastIndexOf('@')));

  const rules: [
    broken: boolean,
    rule: PasswordRule,
    sentence: string,
    parameters?: Record<string, number>,
  ][] = [
    [/\p{Cs}/u.test(normalized), 'well-formed', 'The password is not well-formed Unicode text.'],
    [
      /\p{Cc}/u.test(normalized),
      'no-control-characters',
      'The password must not contain control characters.',
    ],
    [
      length < policy.minLength,
      'min-length',
      `The password must have at least ${policy.minLength} characters.`,
      { minLength: policy.minLength },
    ],
    [
      length > policy.maxLength,
      'max-length',
      `The password must have at most ${policy.maxLength} characters.`,
      { maxLength: policy.maxLength },
    ],
    [
      policy.requireDigit && !/\p{Nd}/u.test(normalized),
      'digit',
      'The password must contain a digit.',
    ],
    [
      policy.requireUpperCase && !/\p{Lu}/u.test(normalized),
      'upper-case',
      'The password must contain an upper-case letter.',
    ],
    [
      policy.requireLowerCase && !/\p{Ll}/u.test(normalized),
      'lower-case',
      'The password must contain a lower-case letter.',
    ],
    [
      policy.requireSpecial && !/[^\p{L}\p{M}\p{N}]/u.test(normalized),
      'special-character',
      'The password must contain a character that is neither a letter nor a digit.',
    ],
    [
      containsWord(lowerCase, localPart),
      'not-the-address',
      'The password must not contain the part of the e-mail address before the @.',
    ],
    [
      isDecoratedDomain(lowerCase, address.slice(localPart.length + 1)),
      'not-the-address',
      'The password must be more than the domain of the e-mail address with digits or signs.',
    ],
    [
      containsWord(lowerCase, policy.serviceName),
      'not-the-service',
      'The password must not contain the name of the service.',
    ],
  ];
  const violations = rules.flatMap(([broken, rule, sentence, parameters]) =>
    broken ? [{ rule, sentence, ...(parameters && { parameters }) }] : [],
  );
  // A password of the wrong length needs no further checks.
  if (length < policy.minLength || length > policy.maxLength) return violations;
  const rule = guessableBy(normalized, lowerCase, guessable);
  return rule ? [...violations, { rule, sentence: guessableSentences[rule] }] : violations;
}

/** The first rule that says why a password is found soon, cheapest first. */
function guessableBy(
  normalized: string,
  lowerCase: string,
  guessable: GuessablePasswords,
): GuessableRule | undefined {
  if (isRepeated(lowerCase)) return 'not-repeated';
  if (isSequence(lowerCase)) return 'not-a-sequence';
  if (isDate(lowerCase)) return 'not-a-date';
  if (isKeyboardWalk(lowerCase)) return 'not-a-keyboard-walk';
  if (guessable.isCommon(lowerCase)) return 'not-common';
  return guessable.isDecorated(normalized) ? 'not-decorated' : undefined;
}

/** `example2026!` at example.org: a domain, whole or one label of it, with anything but letters added. */
function isDecoratedDomain(lowerCasePassword: string, domain: string): boolean {
  const lettersOf = (text: string) => text.replace(/\P{L}/gu, '');
  const lowerCaseDomain = caseless(domain);
  const password = lettersOf(lowerCasePassword);
  return [lowerCaseDomain, ...lowerCaseDomain.split('.')]
    .map(lettersOf)
    .some((word) => lengthOf(word) >= contextWordMinLength && word === password);
}

function containsWord(lowerCasePassword: string, word: string): boolean {
  const lowerCaseWord = caseless(word);
  return (
    lengthOf(lowerCaseWord) >= contextWordMinLength && lowerCasePassword.includes(lowerCaseWord)
  );
}

/** For a comparison within one call: another Node may equate other letters. */
function caseless(text: string): string {
  return text.toLowerCase().normalize('NFC');
}

/** In code points. */
function lengthOf(text: string): number {
  return [...text].length;
}
