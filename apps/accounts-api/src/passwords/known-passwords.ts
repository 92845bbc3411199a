import type { GuessablePasswords } from '@app/accounts';
import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';
import { CommonPasswordList } from './common-password-list.js';

/** A password that so many guesses find is refused: an attacker makes as many with a list and its rules. */
const TOO_FEW_GUESSES = 1e6;
/** Its time grows with the square of the length and with the substitutions (`4` for `a`) that it undoes. */
const BOUNDS = { maxLength: 32, l33tMaxSubstitutions: 8 };

/** What attackers try first: a list of the most used passwords, and common words with something added. */
export class KnownPasswords implements GuessablePasswords {
  private readonly list = new CommonPasswordList();
  private readonly zxcvbn = new ZxcvbnFactory({
    dictionary: { passwords: dictionary['passwords-common'] },
    graphs: adjacencyGraphs,
    ...BOUNDS,
  });

  isCommon(lowerCasePassword: string): boolean {
    return this.list.has(lowerCasePassword);
  }

  /** Looks at the first 32 characters only; takes less than a millisecond for most, and never many. */
  isDecorated(password: string): boolean {
    return this.zxcvbn.check(password).guesses < TOO_FEW_GUESSES;
  }
}
