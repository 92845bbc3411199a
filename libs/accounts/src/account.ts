import type {
  AccountActivated,
  AccountEvent,
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
  RegistrationRenewed,
} from './account-events.js';
import {
  codeBudgetWindowMs,
  guessBudgetWindowMs,
  HOUR,
  type ActivationPolicy,
} from './activation-policy.js';
import type { MailLanguage } from './mail-language.js';

export type Account = NotRegistered | PendingAccount | ActiveAccount;

export interface NotRegistered {
  readonly status: 'not-registered';
}

/** Registered, the address not yet proven. */
export interface PendingAccount {
  readonly status: 'pending';
  readonly address: string;
  readonly passwordHash: string;
  /** 1 for the first registration, one more for each renewal: says which credentials are in force. */
  readonly registrationNumber: number;
  readonly registeredAt: Instant;
  /** The newest issue, the only one that can activate. */
  readonly code: ActivationCode | undefined;
  /** Codes that a budget may still count, whichever issue; oldest first. */
  readonly codesIssuedAt: readonly Instant[];
  /** Wrong guesses that a budget may still count, on whichever issue; oldest first. */
  readonly wrongGuessesAt: readonly Instant[];
  /** What the provider has told of our mails, by its own ids. */
  readonly mailEventIds: readonly string[];
}

export interface ActiveAccount {
  readonly status: 'active';
  readonly address: string;
  readonly passwordHash: string;
  readonly registrationNumber: number;
  readonly registeredAt: Instant;
  readonly activatedAt: Instant;
  /** The issue that activated the account. */
  readonly lastIssueNumber: number;
  /** What the provider has told of our mails, by its own ids. */
  readonly mailEventIds: readonly string[];
  /** The newest one, if the owner ever had to be told that somebody registered the address again. */
  readonly ownerNotice: OwnerNotice | undefined;
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
      return state.status === 'not-registered' ? registered(event.data) : state;
    case 'RegistrationRefused':
      return state;
    case 'PasswordHashUpgraded':
      return state.status === 'not-registered'
        ? state
        : { ...state, passwordHash: event.data.passwordHash };
    case 'OwnerNoticeIssued':
    case 'OwnerNotified':
    case 'OwnerNoticeUndeliverable':
      return state.status === 'active' ? withNotice(state, event) : state;
    case 'ActivationMailDelivered':
    case 'ActivationMailBounced':
    case 'ActivationMailReportedAsSpam':
      return state.status === 'not-registered' ? state : withMailEvent(state, event);
    default:
      return state.status === 'pending' ? evolvePending(state, event) : state;
  }
}

/** Whether this issue still waits to be mailed: it is the newest, of a pending account, and untold. */
export function isCodeToBeSent(
  state: Account,
  issueNumber: number,
): state is PendingAccount & { readonly code: ActivationCode } {
  return (
    state.status === 'pending' &&
    state.code?.issueNumber === issueNumber &&
    state.code.delivery.status === 'awaited'
  );
}

/** Whether this notice still waits to be mailed: it is the newest of an active account, and untold. */
export function isNoticeToBeSent(
  state: Account,
  noticeNumber: number,
): state is ActiveAccount & { readonly ownerNotice: OwnerNotice } {
  return (
    state.status === 'active' &&
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

function registered(data: {
  readonly address: string;
  readonly passwordHash: string;
  readonly registeredAt: Instant;
}): PendingAccount {
  return {
    status: 'pending',
    address: data.address,
    passwordHash: data.passwordHash,
    registrationNumber: 1,
    registeredAt: data.registeredAt,
    code: undefined,
    codesIssuedAt: [],
    wrongGuessesAt: [],
    mailEventIds: [],
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
        status: 'active',
        address: account.address,
        passwordHash: account.passwordHash,
        registrationNumber: account.registrationNumber,
        registeredAt: account.registeredAt,
        activatedAt: event.data.activatedAt,
        lastIssueNumber: event.data.issueNumber,
        mailEventIds: account.mailEventIds,
        ownerNotice: undefined,
      };
  }
}

function withMailEvent(
  account: PendingAccount | ActiveAccount,
  event: ActivationMailDelivered | ActivationMailBounced | ActivationMailReportedAsSpam,
): PendingAccount | ActiveAccount {
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
