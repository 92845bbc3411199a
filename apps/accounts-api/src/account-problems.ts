import { AccountError, answerTo } from '@app/accounts';
import type { RuleTable } from '@app/accounts';
import { EventStoreUnavailable, TooMuchContention } from '@app/event-store';
import {
  Problem,
  invalidRequest,
  problemType,
  retryAfterHeader,
  serviceUnavailable,
} from '@app/http-service';
import type { ProblemTable, ProblemType } from '@app/http-service';
import { concernsOneAccount } from '@app/personal-data';
import { ReadModelBehind } from '@app/consumers';
import { DatabaseUnavailable } from '@app/postgres';
import type { Clock } from '@app/process';
import { unauthenticated } from './basic-auth/unauthenticated.js';
import { MailEventNotAuthentic } from './record-mail-event/mail-event-signature.js';
import { WriteNotInLog } from './read-your-writes/read-your-writes.js';
import { rateLimitHeaders } from './limits/rate-limit-headers.js';
import { LimitExceeded } from './limits/throttle.js';
import { CaptchaUnavailable } from './who-may-register/captcha.js';
import { CaptchaNotPassed, RegistrationClosed } from './who-may-register/registration-gate.js';
import { HashingOverloaded } from './passwords/password-hasher.js';

/** Every problem of this API beside the common ones. The slugs are part of the contract. */
export const accountProblems = {
  accountAlreadyActive: problemType(
    'account-already-active',
    409,
    'The account is already active',
    'There is nothing left to activate. Use the account.',
  ),
  writeNotInLog: problemType(
    'write-not-in-log',
    409,
    'The change that the token names is not there',
    'The header Consistency-Token is a true one, but the log does not have, or no longer has, the change that it names: it was put back from a copy, or is another log. Leave the header out, and look at the account: what was changed since the copy may have to be done again.',
  ),
  activationCodeMissing: problemType(
    'activation-code-missing',
    409,
    'There is no code to activate with',
    'No code is on its way to this address: none was issued, or the mail could not be delivered. Ask for a new one.',
  ),
  activationCodeExpired: problemType(
    'activation-code-expired',
    410,
    'The activation code has expired',
    'A code is accepted for one minute after its mail was handed over. Ask for a new one.',
  ),
  activationCodeExhausted: problemType(
    'activation-code-exhausted',
    410,
    'The activation code is burnt',
    'Too many wrong codes were tried against it from this network, so that even the right one is refused here now. Ask for a new one.',
  ),
  activationCodeIncorrect: problemType(
    'activation-code-incorrect',
    422,
    'The activation code is not correct',
    'Compare it with the newest mail. The member "attemptsLeft" says how many more may be tried.',
  ),
  activationCodeRequestedTooSoon: problemType(
    'activation-code-requested-too-soon',
    429,
    'A new code was asked for too soon',
    'New codes are limited per account. The newest mail may still arrive; otherwise wait for the time in the header Retry-After.',
  ),
  tooManyRequests: problemType(
    'too-many-requests',
    429,
    'Too many calls',
    'This network, or calls for this address, used up what an hour allows. Wait for the time in the header Retry-After.',
  ),
  accountUnreadable: problemType(
    'account-unreadable',
    500,
    'What is kept about this account cannot be read',
    'Nothing was changed, and repeating does not help. The operators of the service can put it right: quote the request id.',
  ),
  registrationClosed: problemType(
    'registration-closed',
    403,
    'Registration is closed',
    'The service takes no new accounts for now. Accounts that exist, and those that wait for their code, go on.',
  ),
  captchaNotPassed: problemType(
    'captcha-not-passed',
    403,
    'The captcha was not passed',
    'Registrations carry the token of a captcha in "captchaToken". It was missing, used before, too old, or of another page. Show the captcha again.',
  ),
  mailEventNotAuthentic: problemType(
    'mail-event-not-authentic',
    403,
    'The message is not from the e-mail provider',
    'Messages to this address are signed by the e-mail provider with a key that it shares with the service, and are accepted for five minutes. Compare the key and the clocks.',
  ),
} as const satisfies Record<string, ProblemType>;

/**
 * The one table from broken rules and missing dependencies to the problems they are answered with.
 *
 * @param clock turns the instant from which a call may be repeated into seconds from now
 */
export function accountProblemTable(clock: Clock): ProblemTable {
  const as = (type: ProblemType) => (rule: Error) => new Problem(type, rule.message);
  const later = (type: ProblemType) => (rule: Error & { readonly retryAt: number }) => {
    const seconds = retryAfterHeader((rule.retryAt - clock()) / 1_000);
    return new Problem(type, rule.message, { headers: { 'Retry-After': seconds } });
  };
  const rules: RuleTable<Problem | undefined> = {
    AccountAlreadyActive: ({ message, activatedAt }) =>
      new Problem(accountProblems.accountAlreadyActive, message, {
        members: { activatedAt: new Date(activatedAt).toISOString() },
      }),
    ActivationCodeMissing: as(accountProblems.activationCodeMissing),
    ActivationCodeExpired: as(accountProblems.activationCodeExpired),
    ActivationCodeExhausted: as(accountProblems.activationCodeExhausted),
    ActivationCodeIncorrect: ({ message, attemptsLeft }) =>
      new Problem(accountProblems.activationCodeIncorrect, message, { members: { attemptsLeft } }),
    ActivationCodeOfOtherForm: ({ form }) =>
      invalidRequest([
        {
          field: 'code',
          code: form === 'long' ? 'code-is-long' : 'code-is-short',
          message:
            form === 'long'
              ? 'the newest code is a long one: 12 letters and digits in three groups, see the newest mail'
              : 'the newest code has 4 digits, see the newest mail',
        },
      ]),
    ActivationCodeRequestedTooSoon: later(accountProblems.activationCodeRequestedTooSoon),
    // The password was right for a registration that is no longer in force.
    CredentialsSuperseded: () => unauthenticated(),
    AccountNotRegistered: () => unauthenticated(),
    // No command of this API is refused with it: a failure.
    ActivationCodeNotUndeliverable: () => undefined,
  };
  return (error) => {
    if (error instanceof AccountError) return answerTo(error, rules);
    if (error instanceof WriteNotInLog) {
      return new Problem(
        accountProblems.writeNotInLog,
        'The change that the header Consistency-Token names is not there. Leave the header out.',
      );
    }
    if (error instanceof MailEventNotAuthentic) {
      return new Problem(accountProblems.mailEventNotAuthentic, error.message);
    }
    if (error instanceof RegistrationClosed) {
      return new Problem(accountProblems.registrationClosed, 'Registration is closed.');
    }
    if (error instanceof CaptchaNotPassed) {
      return new Problem(accountProblems.captchaNotPassed, 'Show the captcha, and send its token.');
    }
    if (error instanceof CaptchaUnavailable) {
      return serviceUnavailable('The captcha cannot be verified. Try again in a moment.', 5, error);
    }
    if (error instanceof LimitExceeded) {
      return new Problem(
        accountProblems.tooManyRequests,
        'Too many calls. Wait for the time in the header Retry-After.',
        { headers: rateLimitHeaders(error) },
      );
    }
    if (error instanceof HashingOverloaded) {
      return serviceUnavailable(
        'More passwords are being checked than the service can serve. Try again in a moment.',
        error.retryAfterSeconds,
        error,
      );
    }
    if (error instanceof EventStoreUnavailable || error instanceof DatabaseUnavailable) {
      return serviceUnavailable('A database does not answer. Try again in a moment.', 2, error);
    }
    if (error instanceof ReadModelBehind) {
      return serviceUnavailable('Your last change is not visible yet. Try again.', 1, error);
    }
    if (concernsOneAccount(error)) {
      return new Problem(
        accountProblems.accountUnreadable,
        'What is kept about this account cannot be read. Nothing was changed.',
        { cause: error },
      );
    }
    if (error instanceof TooMuchContention) {
      return serviceUnavailable('Too many calls change this account at once. Try again.', 1, error);
    }
    return undefined;
  };
}
