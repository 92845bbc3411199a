import type * as errors from './account-errors.js';
import type { Instant } from './account-events.js';
import type { CodeForm } from './activation-code.js';

/** A rule of the account refused the command. `name` says which; no message holds personal data. */
export abstract class AccountError extends Error {
  abstract override readonly name: BrokenRuleName;
}

/** The address is not registered. */
export class AccountNotRegistered extends AccountError {
  override readonly name = 'AccountNotRegistered';

  constructor() {
    super('The account is not registered.');
  }
}

/** There is nothing left to activate. */
export class AccountAlreadyActive extends AccountError {
  override readonly name = 'AccountAlreadyActive';

  constructor(readonly activatedAt: Instant) {
    super('The account is already active.');
  }
}

/** The credentials were right once; a later registration of the same address replaced them. */
export class CredentialsSuperseded extends AccountError {
  override readonly name = 'CredentialsSuperseded';

  constructor() {
    super('The credentials were replaced by a later registration.');
  }
}

/** No code can be on its way: none was issued, or the newest could not be delivered. */
export class ActivationCodeMissing extends AccountError {
  override readonly name = 'ActivationCodeMissing';

  constructor() {
    super('No activation code was delivered; request a new one.');
  }
}

/** The newest code's time is over. */
export class ActivationCodeExpired extends AccountError {
  override readonly name = 'ActivationCodeExpired';

  /** @param expiredAt first instant at which the code was no longer accepted */
  constructor(readonly expiredAt: Instant) {
    super('The activation code has expired; request a new one.');
  }
}

/** The guess was wrong, and was counted. */
export class ActivationCodeIncorrect extends AccountError {
  override readonly name = 'ActivationCodeIncorrect';

  /** @param attemptsLeft further guesses that the newest code would still be compared with */
  constructor(readonly attemptsLeft: number) {
    super('The activation code is incorrect.');
  }
}

/** Wrong guesses burnt the newest code: even the right one is refused now. */
export class ActivationCodeExhausted extends AccountError {
  override readonly name = 'ActivationCodeExhausted';

  constructor() {
    super('The activation code was guessed wrong too often; request a new one.');
  }
}

/** The newest code looks different: four digits, or the long form. It was not compared. */
export class ActivationCodeOfOtherForm extends AccountError {
  override readonly name = 'ActivationCodeOfOtherForm';

  /** @param form of the newest code */
  constructor(readonly form: CodeForm) {
    super('The newest activation code has another form than the one that was given.');
  }
}

/** A new code would exceed what the address may have. */
export class ActivationCodeRequestedTooSoon extends AccountError {
  override readonly name = 'ActivationCodeRequestedTooSoon';

  /** @param retryAt first instant at which a new code is issued */
  constructor(readonly retryAt: Instant) {
    super('A new activation code was requested too soon; try again later.');
  }
}

/** There is nothing to reissue: the mail is under way, was sent, or a newer code replaced it. */
export class ActivationCodeNotUndeliverable extends AccountError {
  override readonly name = 'ActivationCodeNotUndeliverable';

  constructor(readonly issueNumber: number) {
    super(`Activation code ${issueNumber} is not one that waits to be sent again.`);
  }
}

type Errors = typeof errors;

/** Every broken rule: what this file exports. A rule that is declared elsewhere does not compile. */
export type BrokenRule = {
  [Name in keyof Errors]: Errors[Name] extends new (...args: never[]) => infer Rule ? Rule : never;
}[keyof Errors];

export type BrokenRuleName = BrokenRule['name'];

/** What each broken rule is answered with: the compiler asks for those that are missing. */
export type RuleTable<Answer> = {
  readonly [Name in BrokenRuleName]: (rule: Extract<BrokenRule, { readonly name: Name }>) => Answer;
};

/** What the table answers to the broken rule. */
export function answerTo<Answer>(rule: AccountError, table: RuleTable<Answer>): Answer {
  return (table[rule.name] as (rule: AccountError) => Answer)(rule);
}
