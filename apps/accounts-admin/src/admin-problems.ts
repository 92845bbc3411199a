import { AccountError, answerTo } from '@app/accounts';
import type { RuleTable } from '@app/accounts';
import { EventStoreUnavailable, TooMuchContention } from '@app/event-store';
import { Problem, problemType, serviceUnavailable } from '@app/http-service';
import type { ProblemTable, ProblemType } from '@app/http-service';
import { concernsOneAccount } from '@app/personal-data';
import { NothingToRebuild, ReadModelBehind, RebuildRunning } from '@app/consumers';
import { DatabaseUnavailable } from '@app/postgres';
import { LastManagingKey } from './keys/admin-keys.js';

/** Every problem of this API beside the common ones. The slugs are part of the contract. */
export const adminProblems = {
  forbidden: problemType(
    'forbidden',
    403,
    'The key does not allow this',
    'The key is right, but lacks the scope that the call needs. Ask for a key with it.',
  ),
  accountNotFound: problemType(
    'account-not-found',
    404,
    'There is no such account',
    'No account has this id, or this e-mail address. Nothing was ever recorded about it.',
  ),
  accountUnreadable: problemType(
    'account-unreadable',
    500,
    'The account cannot be read',
    'The key of its personal data is missing or damaged, or what was sealed with it: see "Putting copies back" in docs/operations.md. Or this version does not know one of its events: see "EventsFail" there.',
  ),
  keyNotFound: problemType(
    'admin-key-not-found',
    404,
    'There is no such key',
    'No key of the admin API has this id. GET /admin/v1/keys lists them all.',
  ),
  lastManagingKey: problemType(
    'last-managing-key',
    409,
    'No other key manages keys',
    'The last valid key with the scope keys:manage cannot be revoked: make another one first.',
  ),
  projectionNotFound: problemType(
    'projection-not-found',
    404,
    'There is no such projection',
    'GET /admin/v1/projections lists the projections, and which of them can be rebuilt.',
  ),
  failedEventNotFound: problemType(
    'failed-event-not-found',
    404,
    'No such event is failing',
    'No event at this position fails in any consumer: it was handled later, or it was skipped before.',
  ),
  receiptsNotConfigured: problemType(
    'receipts-not-configured',
    503,
    'Nothing can be signed here',
    'The key that receipts and exports are signed with is not configured (RECEIPT_KEY), so that nothing is erased or exported.',
  ),
  logWalkRunning: problemType(
    'log-walk-running',
    409,
    'Somebody is reading the whole log already',
    'Verifying all histories, exporting their heads and what-if replays read the whole log, one at a time. Ask again when the other one is over.',
  ),
  rebuildRunning: problemType(
    'rebuild-running',
    409,
    'A rebuild is under way',
    'A projection is rebuilt once at a time. GET /admin/v1/projections shows how far it is.',
  ),
  nothingToRebuild: problemType(
    'nothing-to-rebuild',
    409,
    'The projection has no rows yet',
    'The projection has not projected a single event, so that there is nothing to build anew.',
  ),
  accountAlreadyActive: problemType(
    'account-already-active',
    409,
    'The account is already active',
    'An active account needs no activation code.',
  ),
  activationCodeNotUndeliverable: problemType(
    'activation-code-not-undeliverable',
    409,
    'The mail does not wait to be sent again',
    'Only the newest code of an account, and only when its mail could not be delivered, can be replaced by an operator.',
  ),
} as const satisfies Record<string, ProblemType>;

const as = (type: ProblemType) => (rule: Error) => new Problem(type, rule.message);
/** No command of an operator is refused with it: a failure. */
const failure = () => undefined;

const rules: RuleTable<Problem | undefined> = {
  AccountNotRegistered: as(adminProblems.accountNotFound),
  AccountAlreadyActive: as(adminProblems.accountAlreadyActive),
  ActivationCodeNotUndeliverable: as(adminProblems.activationCodeNotUndeliverable),
  CredentialsSuperseded: failure,
  ActivationCodeMissing: failure,
  ActivationCodeExpired: failure,
  ActivationCodeIncorrect: failure,
  ActivationCodeExhausted: failure,
  ActivationCodeOfOtherForm: failure,
  ActivationCodeRequestedTooSoon: failure,
};

/** The one table from broken rules and missing dependencies to the problems they are answered with. */
export const adminProblemTable: ProblemTable = (error) => {
  if (error instanceof AccountError) return answerTo(error, rules);
  if (error instanceof RebuildRunning) return as(adminProblems.rebuildRunning)(error);
  if (error instanceof LastManagingKey) return as(adminProblems.lastManagingKey)(error);
  if (error instanceof NothingToRebuild) return as(adminProblems.nothingToRebuild)(error);
  if (error instanceof EventStoreUnavailable || error instanceof DatabaseUnavailable) {
    return serviceUnavailable('A database does not answer. Try again in a moment.', 2, error);
  }
  if (error instanceof ReadModelBehind) {
    return serviceUnavailable('The worker has not come so far yet. Try again.', 1, error);
  }
  if (concernsOneAccount(error)) {
    return new Problem(adminProblems.accountUnreadable, `${error.name}: ${error.message}`, {
      cause: error,
    });
  }
  if (error instanceof TooMuchContention) {
    return serviceUnavailable('Too many calls change this account at once. Try again.', 1, error);
  }
  return undefined;
};

/**
 * What signs receipts and exports.
 *
 * @throws Problem receipts-not-configured
 */
export function configured<Signer>(signer: Signer | undefined): Signer {
  if (signer !== undefined) return signer;
  throw new Problem(adminProblems.receiptsNotConfigured, 'RECEIPT_KEY is not set.');
}
