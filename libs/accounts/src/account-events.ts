import type { MailLanguage } from './mail-language.js';
import type { PersonalText } from './personal-text.js';

/**
 * Every fact an account's history can hold. One stream holds one account, so the account's id is the
 * stream's and is not repeated here.
 */

/** Milliseconds since the Unix epoch. */
export type Instant = number;

/** Somebody registered an address that had no account. */
export interface AccountRegistered {
  readonly type: 'AccountRegistered';
  readonly data: {
    /** As typed by the person: mail goes here. */
    readonly address: PersonalText;
    readonly passwordHash: PersonalText;
    readonly registeredAt: Instant;
    /** Of an address that had an account before, whose person was forgotten; 1 when left out. */
    readonly registrationNumber?: number;
  };
}

/** The address was registered again while not yet activated: the new password replaces the old. */
export interface RegistrationRenewed {
  readonly type: 'RegistrationRenewed';
  readonly data: { readonly passwordHash: PersonalText; readonly renewedAt: Instant };
}

/**
 * The same password is kept under a hash of today's cost and pepper. A fact, not a detail of the read model:
 * once the old pepper is gone, a rebuild could not make it again.
 */
export interface PasswordHashUpgraded {
  readonly type: 'PasswordHashUpgraded';
  readonly data: { readonly passwordHash: PersonalText; readonly upgradedAt: Instant };
}

/** Somebody registered an address whose account is active already; nothing changed. */
export interface RegistrationRefused {
  readonly type: 'RegistrationRefused';
  readonly data: { readonly reason: 'already-active'; readonly refusedAt: Instant };
}

/** A new code exists; every earlier one is void. The code itself is derived and stored nowhere. */
export interface ActivationCodeIssued {
  readonly type: 'ActivationCodeIssued';
  readonly data: {
    /** 1, 2, 3, … within the account. */
    readonly issueNumber: number;
    /** 16 random bytes, lower-case hexadecimal. */
    readonly nonce: string;
    /** Names the master key that the code is derived from. */
    readonly keyId: string;
    readonly issuedAt: Instant;
    /** What the person who asked for the code reads. */
    readonly language: MailLanguage;
  };
}

/** The e-mail provider accepted the message: the code's minute starts at `sentAt`. */
export interface ActivationCodeSent {
  readonly type: 'ActivationCodeSent';
  readonly data: {
    readonly issueNumber: number;
    readonly sentAt: Instant;
    /** First instant at which the code is no longer accepted. */
    readonly expiresAt: Instant;
    readonly providerMessageId: string;
  };
}

/** The code will never reach its owner: refused by the provider for good, or too late. */
export interface ActivationCodeUndeliverable {
  readonly type: 'ActivationCodeUndeliverable';
  readonly data: {
    readonly issueNumber: number;
    readonly reason: string;
    /** Calls made to the provider. */
    readonly attempts: number;
    readonly abandonedAt: Instant;
  };
}

/** The provider delivered a code's mail to the owner's mail server. */
export interface ActivationMailDelivered {
  readonly type: 'ActivationMailDelivered';
  readonly data: {
    readonly issueNumber: number;
    /** By the provider's clock. */
    readonly deliveredAt: Instant;
    /** The provider's own id of what it told us: the same thing told twice is recorded once. */
    readonly providerEventId: string;
  };
}

/**
 * A code's mail came back. `permanent`: the address takes no mail, so that this code will never arrive;
 * `transient`: the provider goes on trying.
 */
export interface ActivationMailBounced {
  readonly type: 'ActivationMailBounced';
  readonly data: {
    readonly issueNumber: number;
    readonly kind: 'permanent' | 'transient';
    /** By the provider's clock. */
    readonly bouncedAt: Instant;
    readonly providerEventId: string;
  };
}

/** Whoever received a code's mail called it spam: it arrived, and was not wanted. */
export interface ActivationMailReportedAsSpam {
  readonly type: 'ActivationMailReportedAsSpam';
  readonly data: {
    readonly issueNumber: number;
    /** By the provider's clock. */
    readonly reportedAt: Instant;
    readonly providerEventId: string;
  };
}

/** The owner of an active account is to be told that somebody registered the address again. */
export interface OwnerNoticeIssued {
  readonly type: 'OwnerNoticeIssued';
  readonly data: {
    /** 1, 2, 3, … within the account. */
    readonly noticeNumber: number;
    readonly issuedAt: Instant;
    readonly language: MailLanguage;
  };
}

/** The e-mail provider accepted the notice. */
export interface OwnerNotified {
  readonly type: 'OwnerNotified';
  readonly data: {
    readonly noticeNumber: number;
    readonly sentAt: Instant;
    readonly providerMessageId: string;
  };
}

/** The notice will never reach the owner: refused by the provider for good, or too late. */
export interface OwnerNoticeUndeliverable {
  readonly type: 'OwnerNoticeUndeliverable';
  readonly data: {
    readonly noticeNumber: number;
    readonly reason: string;
    /** Calls made to the provider. */
    readonly attempts: number;
    readonly abandonedAt: Instant;
  };
}

/**
 * A code was tried in vain. `incorrect` once per wrong guess; `expired` and `exhausted` (no guess left)
 * at most once per issue, because a refusal that reveals nothing need not be counted.
 */
export interface ActivationRefused {
  readonly type: 'ActivationRefused';
  readonly data: {
    readonly issueNumber: number;
    readonly reason: 'incorrect' | 'expired' | 'exhausted';
    readonly refusedAt: Instant;
  };
}

/** The right code arrived in time: the address belongs to whoever registered it. */
export interface AccountActivated {
  readonly type: 'AccountActivated';
  readonly data: { readonly issueNumber: number; readonly activatedAt: Instant };
}

/** A registration was never completed and its time is over: its personal data is forgotten. */
export interface RegistrationLapsed {
  readonly type: 'RegistrationLapsed';
  readonly data: {
    /** The newest registration that is forgotten; the keys of all up to it are destroyed. */
    readonly registrationNumber: number;
    readonly lapsedAt: Instant;
  };
}

/** Why an account is erased; chosen from a list, because free text would tell who it was. */
export const erasureReasons = [
  'requested-by-owner',
  'required-by-law',
  'registered-by-abuse',
  'test-data',
] as const;

export type ErasureReason = (typeof erasureReasons)[number];

/** The person is forgotten: what was known of them cannot be read any more, and the address is free. */
export interface AccountErased {
  readonly type: 'AccountErased';
  readonly data: {
    /** UUID: the receipt that the operator was given. */
    readonly receiptId: string;
    readonly reason: ErasureReason;
    /** The newest registration that is forgotten; the keys of all up to it are destroyed. */
    readonly registrationNumber: number;
    readonly erasedAt: Instant;
  };
}

export type AccountEvent =
  | AccountRegistered
  | RegistrationRenewed
  | PasswordHashUpgraded
  | RegistrationRefused
  | ActivationCodeIssued
  | ActivationCodeSent
  | ActivationCodeUndeliverable
  | ActivationMailDelivered
  | ActivationMailBounced
  | ActivationMailReportedAsSpam
  | ActivationRefused
  | AccountActivated
  | OwnerNoticeIssued
  | OwnerNotified
  | OwnerNoticeUndeliverable
  | RegistrationLapsed
  | AccountErased;

export type AccountEventType = AccountEvent['type'];

/** The facts after which nothing is known of the person any more. */
export const typesThatForget: ReadonlySet<string> = new Set<AccountEventType>([
  'AccountErased',
  'RegistrationLapsed',
]);
