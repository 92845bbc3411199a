import type {
  AccountActivated,
  AccountErased,
  AccountEvent,
  AccountRegistered,
  ActivationCodeIssued,
  ActivationCodeSent,
  ActivationCodeUndeliverable,
  ActivationMailBounced,
  ActivationMailDelivered,
  ActivationMailReportedAsSpam,
  ActivationRefused,
  Instant,
  OwnerNoticeIssued,
  OwnerNoticeUndeliverable,
  OwnerNotified,
  RegistrationLapsed,
  RegistrationRenewed,
} from './account-events.js';
import {
  codeBudgetWindowMs,
  guessBudgetWindowMs,
  HOUR,
  type ActivationPolicy,
} from './activation-policy.js';
import type { MailLanguage } from './mail-language.js';
import type { PersonalText } from './personal-text.js';

export type Account = NotRegistered | RegisteredAccount | ForgottenAccount;

export type RegisteredAccount = PendingAccount | ActiveAccount;

export interface NotRegistered {
  readonly status: 'not-registered';
}

/**
 * What outlives the person who registered the address: numbers that never begin anew, so that no code or
 * key of one person fits the next, and what budgets count, so that erasure grants no further guess.
 */
interface OfTheAddress {
  /** 1 for the first registration, one more for each later one: says which credentials are in force. */
  readonly registrationNumber: number;
  /** Of the newest code; 0 before the first. */
  readonly lastIssueNumber: number;
  /** Codes that a budget may still count, whichever issue; oldest first. */
  readonly codesIssuedAt: readonly Instant[];
  /** Wrong guesses that a budget may still count, on whichever issue; oldest first. */
  readonly wrongGuessesAt: readonly Instant[];
  /** Ids of the provider's reports on our mails. */
  readonly mailEventIds: readonly string[];
  /** The newest notice that the address was registered again, if there ever was one. */
  readonly ownerNotice: OwnerNotice | undefined;
}

/** Registered, the address not yet proven. */
export interface PendingAccount extends OfTheAddress {
  readonly status: 'pending';
  readonly address: PersonalText;
  readonly passwordHash: PersonalText;
  readonly registeredAt: Instant;
  /** The newest issue, the only one that can activate. */
  readonly code: ActivationCode | undefined;
}

export interface ActiveAccount extends OfTheAddress {
  readonly status: 'active';
  readonly address: PersonalText;
  readonly passwordHash: PersonalText;
  readonly registeredAt: Instant;
  readonly activatedAt: Instant;
  /** When a repeated registration of the address was last recorded. */
  readonly registrationRefusedAt: Instant | undefined;
}

/** The person is forgotten; the next registration of the address is another person. */
export type ForgottenAccount = LapsedRegistration | ErasedAccount;

/** Never activated in time. */
export interface LapsedRegistration extends OfTheAddress {
  readonly status: 'lapsed';
  readonly lapsedAt: Instant;
}

export interface ErasedAccount extends OfTheAddress {
  readonly status: 'erased';
  readonly erasure: AccountErased['data'];
}

export interface OwnerNotice {
  readonly noticeNumber: number;
  readonly issuedAt: Instant;
  readonly language: MailLanguage;
  readonly delivery: 'awaited' | 'sent' | 'undeliverable';
}

export interface ActivationCode {
  readonly issueNumber: number;
  readonly nonce: string;
  readonly keyId: string;
  readonly issuedAt: Instant;
  readonly language: MailLanguage;
  readonly delivery: CodeDelivery;
  readonly wrongGuesses: number;
  /** Refusals that are recorded at most once per issue and already were. */
  readonly refusals: readonly StandingRefusal[];
}

export type CodeDelivery =
  | { readonly status: 'awaited' }
  | { readonly status: 'sent'; readonly sentAt: Instant; readonly expiresAt: Instant }
  | { readonly status: 'undeliverable' };

export type StandingRefusal = Exclude<ActivationRefused['data']['reason'], 'incorrect'>;

export const initialState: Account = { status: 'not-registered' };

/**
 * The account after one more fact. Total: a fact that cannot follow the state changes nothing, so that
 * no history can stop a replay.
 */
export function evolve(state: Account, event: AccountEvent): Account {
  switch (event.type) {
    case 'AccountRegistered':
      return isRegistered(state) ? state : registered(state, event.data);
    case 'RegistrationLapsed':
      return state.status === 'pending' ? forgotten(state, event) : state;
    case 'AccountErased':
      return state.status === 'not-registered' || state.status === 'erased'
        ? state
        : forgotten(state, event);
    case 'RegistrationRefused':
      return state.status === 'active'
        ? { ...state, registrationRefusedAt: event.data.refusedAt }
        : state;
    case 'PasswordHashUpgraded':
      return isRegistered(state) ? { ...state, passwordHash: event.data.passwordHash } : state;
    case 'OwnerNoticeIssued':
    case 'OwnerNotified':
    case 'OwnerNoticeUndeliverable':
      return state.status === 'active' ? withNotice(state, event) : state;
    case 'ActivationMailDelivered':
    case 'ActivationMailBounced':
    case 'ActivationMailReportedAsSpam':
      return isRegistered(state) ? withMailEvent(state, event) : state;
    default:
      return state.status === 'pending' ? evolvePending(state, event) : state;
  }
}

/** Whether the address is registered: pending or active. */
export function isRegistered(state: Account): state is RegisteredAccount {
  return state.status === 'pending' || state.status === 'active';
}

/** Whether this issue still waits to be mailed: it is the newest, of a pending account, and without an outcome. */
export function isCodeToBeSent(
  state: Account,
  issueNumber: number,
): state is PendingAccount & { readonly code: ActivationCode; readonly address: string } {
  return (
    state.status === 'pending' &&
    typeof state.address === 'string' &&
    state.code?.issueNumber === issueNumber &&
    state.code.delivery.status === 'awaited'
  );
}

/** Whether this notice still waits to be mailed: it is the newest of an active account, and without an outcome. */
export function isNoticeToBeSent(
  state: Account,
  noticeNumber: number,
): state is ActiveAccount & { readonly ownerNotice: OwnerNotice; readonly address: string } {
  return (
    state.status === 'active' &&
    typeof state.address === 'string' &&
    state.ownerNotice?.noticeNumber === noticeNumber &&
    state.ownerNotice.delivery === 'awaited'
  );
}

/** First instant at which delivery of the code, or of the notice, is given up. */
export function deliveryDeadline(
  { issuedAt }: Pick<ActivationCode | OwnerNotice, 'issuedAt'>,
  policy: ActivationPolicy,
): Instant {
  return issuedAt + policy.deliveryWindowMs;
}

/**
 * First instant at which the code is no longer accepted. Until its dispatch is on record the latest
 * possible one counts: the owner may hold the mail before the account knows of it.
 */
export function codeExpiry(code: ActivationCode, policy: ActivationPolicy): Instant {
  return code.delivery.status === 'sent'
    ? code.delivery.expiresAt
    : deliveryDeadline(code, policy) + policy.codeTtlMs;
}

type PendingEvent =
  | RegistrationRenewed
  | ActivationCodeIssued
  | ActivationCodeSent
  | ActivationCodeUndeliverable
  | ActivationRefused
  | AccountActivated;

const nothingBefore: OfTheAddress = {
  registrationNumber: 0,
  lastIssueNumber: 0,
  codesIssuedAt: [],
  wrongGuessesAt: [],
  mailEventIds: [],
  ownerNotice: undefined,
};

function registered(
  before: NotRegistered | ForgottenAccount,
  data: AccountRegistered['data'],
): PendingAccount {
  const { address, passwordHash, registeredAt, registrationNumber = 1 } = data;
  return {
    ...(before.status === 'not-registered' ? nothingBefore : ofTheAddress(before)),
    status: 'pending',
    address,
    passwordHash,
    registrationNumber,
    registeredAt,
    code: undefined,
  };
}

function forgotten(
  account: RegisteredAccount | LapsedRegistration,
  event: RegistrationLapsed | AccountErased,
): ForgottenAccount {
  const { ownerNotice, ...kept } = ofTheAddress(account);
  // A notice that was not sent yet was meant for the forgotten person.
  const settled = ownerNotice?.delivery === 'awaited' ? 'undeliverable' : ownerNotice?.delivery;
  const before = {
    ...kept,
    ownerNotice: ownerNotice && settled && { ...ownerNotice, delivery: settled },
  };
  return event.type === 'AccountErased'
    ? { ...before, status: 'erased', erasure: event.data }
    : { ...before, status: 'lapsed', lapsedAt: event.data.lapsedAt };
}

function ofTheAddress({
  registrationNumber,
  lastIssueNumber,
  codesIssuedAt,
  wrongGuessesAt,
  mailEventIds,
  ownerNotice,
}: OfTheAddress): OfTheAddress {
  return {
    registrationNumber,
    lastIssueNumber,
    codesIssuedAt,
    wrongGuessesAt,
    mailEventIds,
    ownerNotice,
  };
}

function evolvePending(account: PendingAccount, event: PendingEvent): Account {
  switch (event.type) {
    case 'RegistrationRenewed':
      return {
        ...account,
        passwordHash: event.data.passwordHash,
        registrationNumber: account.registrationNumber + 1,
      };
    case 'ActivationCodeIssued': {
      const { issueNumber, nonce, keyId, issuedAt, language } = event.data;
      return {
        ...account,
        lastIssueNumber: issueNumber,
        code: {
          issueNumber,
          nonce,
          keyId,
          issuedAt,
          language,
          delivery: { status: 'awaited' },
          wrongGuesses: 0,
          refusals: [],
        },
        codesIssuedAt: countable(account.codesIssuedAt, issuedAt, codeBudgetWindowMs),
      };
    }
    case 'ActivationCodeSent': {
      const { issueNumber, sentAt, expiresAt } = event.data;
      const delivery = { status: 'sent', sentAt, expiresAt } as const;
      return changingCode(account, issueNumber, (code) => ({ ...code, delivery }));
    }
    case 'ActivationCodeUndeliverable':
      return changingCode(account, event.data.issueNumber, (code) => ({
        ...code,
        delivery: { status: 'undeliverable' },
      }));
    case 'ActivationRefused':
      return refused(account, event.data);
    case 'AccountActivated':
      return {
        ...ofTheAddress(account),
        status: 'active',
        address: account.address,
        passwordHash: account.passwordHash,
        registeredAt: account.registeredAt,
        activatedAt: event.data.activatedAt,
        registrationRefusedAt: undefined,
      };
  }
}

function withMailEvent(
  account: RegisteredAccount,
  event: ActivationMailDelivered | ActivationMailBounced | ActivationMailReportedAsSpam,
): RegisteredAccount {
  const { issueNumber, providerEventId } = event.data;
  const told = { ...account, mailEventIds: [...account.mailEventIds, providerEventId] };
  const isLost = event.type === 'ActivationMailBounced' && event.data.kind === 'permanent';
  return isLost && told.status === 'pending'
    ? changingCode(told, issueNumber, (code) => ({
        ...code,
        delivery: { status: 'undeliverable' },
      }))
    : told;
}

function withNotice(
  account: ActiveAccount,
  event: OwnerNoticeIssued | OwnerNotified | OwnerNoticeUndeliverable,
): ActiveAccount {
  if (event.type === 'OwnerNoticeIssued') {
    return { ...account, ownerNotice: { ...event.data, delivery: 'awaited' } };
  }
  if (account.ownerNotice?.noticeNumber !== event.data.noticeNumber) return account;
  const delivery = event.type === 'OwnerNotified' ? 'sent' : 'undeliverable';
  return { ...account, ownerNotice: { ...account.ownerNotice, delivery } };
}

function refused(
  account: PendingAccount,
  { issueNumber, reason, refusedAt }: ActivationRefused['data'],
): PendingAccount {
  if (reason !== 'incorrect') {
    return changingCode(account, issueNumber, (code) => ({
      ...code,
      refusals: [...code.refusals, reason],
    }));
  }
  const guessed = changingCode(account, issueNumber, (code) => ({
    ...code,
    wrongGuesses: code.wrongGuesses + 1,
  }));
  return {
    ...guessed,
    wrongGuessesAt: countable(account.wrongGuessesAt, refusedAt, guessBudgetWindowMs),
  };
}

/** Facts about an issue that a newer one replaced change nothing. */
function changingCode(
  account: PendingAccount,
  issueNumber: number,
  change: (code: ActivationCode) => ActivationCode,
): PendingAccount {
  return account.code?.issueNumber === issueNumber
    ? { ...account, code: change(account.code) }
    : account;
}

/** Kept an hour longer than any budget looks back, because the clocks of two replicas may differ. */
function countable(
  past: readonly Instant[],
  newest: Instant,
  windowMs: number,
): readonly Instant[] {
  return [...past.filter((instant) => instant > newest - windowMs - HOUR), newest];
}
