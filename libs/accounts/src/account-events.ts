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
    readonly address: string;
    readonly passwordHash: string;
    readonly registeredAt: Instant;
  };
}

/** The address was registered again while not yet activated: the new password replaces the old. */
export interface RegistrationRenewed {
  readonly type: 'RegistrationRenewed';
  readonly data: { readonly passwordHash: string; readonly renewedAt: Instant };
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

export type AccountEvent =
  | AccountRegistered
  | RegistrationRenewed
  | RegistrationRefused
  | ActivationCodeIssued
  | ActivationCodeSent
  | ActivationCodeUndeliverable
  | ActivationRefused
  | AccountActivated;

export type AccountEventType = AccountEvent['type'];
