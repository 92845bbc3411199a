import type {
  AccountActivated,
  AccountErased,
  AccountEvent,
  AccountFreed,
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
  PasswordHashUpgraded,
  RegistrationLapsed,
  RegistrationRenewed,
} from './account-events.js';
import {
  codeBudgetWindowMs,
  DAY,
  guessBudgetWindowMs,
  HOUR,
  type ActivationPolicy,
} from './activation-policy.js';
import type { CodeForm } from './activation-code.js';
import { claimsAfter, type Claim } from './claims.js';
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
  /** 1 for the first registration, one more for each later one. */
  readonly registrationNumber: number;
  /** Of the newest code; 0 before the first. */
  readonly lastIssueNumber: number;
  /** Codes that a budget may still count, oldest first. */
  readonly codesIssued: readonly CountedCode[];
  /** Wrong guesses at short codes that a budget may still count, on whichever issue; oldest first. */
  readonly wrongGuessesAt: readonly Instant[];
  /** Ids of the provider's newest reports on our mails. */
  readonly mailEventIds: readonly string[];
  /** The newest notice that the address was registered again, if there ever was one. */
  readonly ownerNotice: OwnerNotice | undefined;
}

/** When a code was issued, and for which network. */
export interface CountedCode {
  readonly at: Instant;
  readonly network: string;
}

/** Registered, the address not yet proven. */
export interface PendingAccount extends OfTheAddress {
  readonly status: 'pending';
  /** The networks of its claims are named with it. */
  readonly networkKey: PersonalText;
  /** The newest last; one for each network. */
  readonly claims: readonly Claim[];
  readonly registeredAt: Instant;
  /** The newest issue, the only one that can activate. */
  readonly code: ActivationCode | undefined;
  /** Refusals at long codes within a day, oldest first. */
  readonly longRefusalsAt: readonly Instant[];
}

export interface ActiveAccount extends OfTheAddress {
  readonly status: 'active';
  /** The one whose holder brought the code. */
  readonly claim: Claim;
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
  readonly form: CodeForm;
  /** The claim that asked for it, as it was then. */
  readonly askedBy: Pick<Claim, 'network' | 'address' | 'language'>;
  readonly delivery: CodeDelivery;
  /** The provider reported that the mail arrived. */
  readonly isDelivered?: true;
  /** Of every network that tried it in vain. */
  readonly tries: readonly TriesOfNetwork[];
}

/** What the holders of one network's claim did with one code: a claim that is replaced grants no further guess. */
export interface TriesOfNetwork {
  readonly network: string;
  readonly wrongGuesses: number;
  /** Refusals that are recorded at most once, and already were. */
  readonly refusals: readonly StandingRefusal[];
}

export type CodeDelivery =
  | { readonly status: 'awaited' }
  | { readonly status: 'sent'; readonly sentAt: Instant; readonly expiresAt: Instant }
  | { readonly status: 'undeliverable' };

export type StandingRefusal = Exclude<ActivationRefused['data']['reason'], 'incorrect'>;

/**
 * Reports whose repetition an account knows, so that its state does not grow with its history. A provider repeats one
 * within days, and some 20 codes a day are mailed at most. An older one that is repeated is one fact more, and changes nothing.
 */
export const MOST_MAIL_EVENT_IDS = 100;

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
      return isRegistered(state) ? withUpgradedHash(state, event.data) : state;
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
): state is PendingAccount & {
  readonly code: ActivationCode & { readonly askedBy: { readonly address: string } };
} {
  return (
    state.status === 'pending' &&
    state.code?.issueNumber === issueNumber &&
    typeof state.code.askedBy.address === 'string' &&
    state.code.delivery.status === 'awaited'
  );
}

/** Whether this notice still waits to be mailed: it is the newest of an active account, and without an outcome. */
export function isNoticeToBeSent(
  state: Account,
  noticeNumber: number,
): state is ActiveAccount & {
  readonly ownerNotice: OwnerNotice;
  readonly claim: Claim & { readonly address: string };
} {
  return (
    state.status === 'active' &&
    typeof state.claim.address === 'string' &&
    state.ownerNotice?.noticeNumber === noticeNumber &&
    state.ownerNotice.delivery === 'awaited'
  );
}

/** What the networks of a pending account are named with; undefined where there is nothing to be named. */
export function networkKeyOf(state: Account): string | undefined {
  return state.status === 'pending' && typeof state.networkKey === 'string'
    ? state.networkKey
    : undefined;
}

/** What the account's owner is shown of the address: as it was typed last, until one claim is proven. */
export function addressOf(account: RegisteredAccount): PersonalText | undefined {
  return account.status === 'active' ? account.claim.address : account.claims.at(-1)?.address;
}

/** What one network's claim did with the code so far. */
export function triesOf(code: ActivationCode, network: string): TriesOfNetwork {
  const none = { network, wrongGuesses: 0, refusals: [] };
  return code.tries.find((tries) => tries.network === network) ?? none;
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
  | AccountFreed
  | RegistrationRenewed
  | ActivationCodeIssued
  | ActivationCodeSent
  | ActivationCodeUndeliverable
  | ActivationRefused
  | AccountActivated;

const nothingBefore: OfTheAddress = {
  registrationNumber: 0,
  lastIssueNumber: 0,
  codesIssued: [],
  wrongGuessesAt: [],
  mailEventIds: [],
  ownerNotice: undefined,
};

function registered(
  before: NotRegistered | ForgottenAccount,
  data: AccountRegistered['data'],
): PendingAccount {
  const { networkKey, registeredAt, registrationNumber = 1 } = data;
  return {
    ...(before.status === 'not-registered' ? nothingBefore : ofTheAddress(before)),
    status: 'pending',
    networkKey,
    claims: [claimOf(data, registrationNumber, registeredAt)],
    registrationNumber,
    registeredAt,
    code: undefined,
    longRefusalsAt: [],
  };
}

function claimOf(
  {
    network,
    address,
    passwordHash,
    language,
  }: RegistrationRenewed['data'] | AccountRegistered['data'],
  number: number,
  madeAt: Instant,
): Claim {
  return { number, network, address, passwordHash, language, madeAt };
}

function withUpgradedHash(
  account: RegisteredAccount,
  { claimNumber, passwordHash }: PasswordHashUpgraded['data'],
): RegisteredAccount {
  const upgraded = (claim: Claim) =>
    claim.number === claimNumber ? { ...claim, passwordHash } : claim;
  return account.status === 'active'
    ? { ...account, claim: upgraded(account.claim) }
    : { ...account, claims: account.claims.map(upgraded) };
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
  codesIssued,
  wrongGuessesAt,
  mailEventIds,
  ownerNotice,
}: OfTheAddress): OfTheAddress {
  return {
    registrationNumber,
    lastIssueNumber,
    codesIssued,
    wrongGuessesAt,
    mailEventIds,
    ownerNotice,
  };
}

function evolvePending(account: PendingAccount, event: PendingEvent): Account {
  switch (event.type) {
    case 'RegistrationRenewed': {
      const registrationNumber = account.registrationNumber + 1;
      const made = claimOf(event.data, registrationNumber, event.data.renewedAt);
      return { ...account, claims: claimsAfter(account.claims, made), registrationNumber };
    }
    case 'ActivationCodeIssued': {
      const { issueNumber, nonce, keyId, issuedAt, claimNumber, form } = event.data;
      const claim = claimNumbered(account, claimNumber);
      if (claim === undefined) return account;
      const { network, address, language } = claim;
      return {
        ...account,
        lastIssueNumber: issueNumber,
        code: {
          issueNumber,
          nonce,
          keyId,
          issuedAt,
          form,
          askedBy: { network, address, language },
          delivery: { status: 'awaited' },
          tries: [],
        },
        codesIssued: countable(
          account.codesIssued,
          { at: issuedAt, network },
          codeBudgetWindowMs,
          ({ at }) => at,
        ),
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
    case 'AccountFreed':
      // Wrong guesses stay counted.
      return { ...account, claims: [], code: undefined, codesIssued: [] };
    case 'ActivationRefused':
      return refused(account, event.data);
    case 'AccountActivated': {
      const claim = claimNumbered(account, event.data.claimNumber);
      if (claim === undefined) return account;
      return {
        ...ofTheAddress(account),
        status: 'active',
        claim,
        registeredAt: account.registeredAt,
        activatedAt: event.data.activatedAt,
        registrationRefusedAt: undefined,
      };
    }
  }
}

function withMailEvent(
  account: RegisteredAccount,
  event: ActivationMailDelivered | ActivationMailBounced | ActivationMailReportedAsSpam,
): RegisteredAccount {
  const { issueNumber, providerEventId } = event.data;
  const mailEventIds = [...account.mailEventIds, providerEventId].slice(-MOST_MAIL_EVENT_IDS);
  const known = { ...account, mailEventIds };
  if (known.status !== 'pending') return known;
  if (event.type === 'ActivationMailDelivered') {
    return changingCode(known, issueNumber, (code) => ({ ...code, isDelivered: true }));
  }
  const isLost = event.type === 'ActivationMailBounced' && event.data.kind === 'permanent';
  return isLost
    ? changingCode(known, issueNumber, (code) => ({
        ...code,
        delivery: { status: 'undeliverable' },
      }))
    : known;
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
  { issueNumber, claimNumber, reason, refusedAt }: ActivationRefused['data'],
): PendingAccount {
  const network = claimNumbered(account, claimNumber)?.network;
  if (network === undefined) return account;
  const tried = changingCode(account, issueNumber, (code) => {
    const before = triesOf(code, network);
    const after =
      reason === 'incorrect'
        ? { ...before, wrongGuesses: before.wrongGuesses + 1 }
        : { ...before, refusals: [...before.refusals, reason] };
    return { ...code, tries: [...code.tries.filter((one) => one.network !== network), after] };
  });
  const withThis = (past: readonly Instant[], windowMs: number) =>
    countable(past, refusedAt, windowMs, (instant) => instant);
  // A long code cannot be found by guessing: what is tried at it is no part of the budget.
  if (account.code?.form === 'long') {
    return { ...tried, longRefusalsAt: withThis(account.longRefusalsAt, DAY) };
  }
  return reason === 'incorrect'
    ? { ...tried, wrongGuessesAt: withThis(account.wrongGuessesAt, guessBudgetWindowMs) }
    : tried;
}

export function claimNumbered({ claims }: PendingAccount, number: number): Claim | undefined {
  return claims.find((claim) => claim.number === number);
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
function countable<Counted>(
  past: readonly Counted[],
  newest: Counted,
  windowMs: number,
  instantOf: (counted: Counted) => Instant,
): readonly Counted[] {
  const from = instantOf(newest) - windowMs - HOUR;
  return [...past.filter((counted) => instantOf(counted) > from), newest];
}
