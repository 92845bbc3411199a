import { describe, expect, it } from '@jest/globals';
import { AccountError, AccountNotRegistered, answerTo } from './account-errors.js';
import type { RuleTable } from './account-errors.js';

const word = () => 'a word';
const answers: RuleTable<string> = {
  AccountNotRegistered: ({ name }) => name,
  AccountAlreadyActive: word,
  CredentialsSuperseded: word,
  ActivationCodeMissing: word,
  ActivationCodeExpired: word,
  ActivationCodeIncorrect: word,
  ActivationCodeExhausted: word,
  ActivationCodeOfOtherForm: word,
  ActivationCodeRequestedTooSoon: word,
  ActivationCodeNotUndeliverable: word,
};

/** What is planted here must not compile: the type check fails when it does. */
describe('A table of answers to broken rules', () => {
  it('has an answer to each', () => {
    expect(answerTo(new AccountNotRegistered(), answers)).toBe('AccountNotRegistered');
  });

  it('does not compile without one of them', () => {
    const lacking: Omit<RuleTable<string>, 'AccountNotRegistered'> = answers;
    // @ts-expect-error the compiler asks for AccountNotRegistered
    const table: RuleTable<string> = lacking;
    expect(table).toBe(answers);
  });

  it('cannot miss a rule that is declared elsewhere: that does not compile either', () => {
    class Elsewhere extends AccountError {
      // @ts-expect-error account-errors.ts has no rule of this name
      override readonly name = 'Elsewhere';
    }
    expect(new Elsewhere('x')).toBeInstanceOf(AccountError);
  });
});
