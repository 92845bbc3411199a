import type { GuessablePasswords } from '@app/accounts';
import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';
import { CommonPasswordList } from './common-password-list.js';

/** A password that so many guesses find is refused: an attacker makes as many with a list and its rules. */
export const TOO_FEW_GUESSES = 1e6;
/** The estimator's time grows with the square of the length and with the substitutions (`4` for `a`) that it undoes. */
const BOUNDS = { maxLength: 32, l33tMaxSubstitutions: 8 };

/** Estimates how many guesses find a password. */
export function guessEstimator(): Pick<ZxcvbnFactory, 'check'> {
  return new ZxcvbnFactory({
    dictionary: { passwords: dictionary['passwords-common'] },
    graphs: adjacencyGraphs,
    ...BOUNDS,
  });
}

const WORD = /^\p{L}{3,}$/u;

/**
 * Whether three different words stand apart, by three spaces or hyphens. The estimator gives at least 10,000² guesses to
 * what it takes for three parts or more, and takes such a phrase for no fewer: no part that it knows goes on from one word
 * over two of those signs.
 */
export function isPhrase(password: string): boolean {
  const parts = password.slice(0, BOUNDS.maxLength).toLowerCase().split(/[ -]/);
  const words = new Set(parts.filter((part) => WORD.test(part)));
  return parts.length > 3 && words.size >= 3;
}

/** What attackers try first: a list of the most used passwords, and common words with something added. */
export class KnownPasswords implements GuessablePasswords {
  private readonly list = new CommonPasswordList();
  private readonly estimator = guessEstimator();

  isCommon(lowerCasePassword: string): boolean {
    return this.list.has(lowerCasePassword);
  }

  /**
   * Looks at the first 32 characters only; takes less than a millisecond for most, and never many. A phrase, which takes
   * longest, is known to be none.
   */
  isDecorated(password: string): boolean {
    return !isPhrase(password) && this.estimator.check(password).guesses < TOO_FEW_GUESSES;
  }
}
