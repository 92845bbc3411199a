import type {
  AccountActivated,
  AccountErased,
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
  RegistrationRefused,
  RegistrationRenewed,
} from '../account-events.js';
import type { CodeForm } from '../activation-code.js';
import { defaultActivationPolicy } from '../activation-policy.js';

/** Facts about one account, Ada's, to build histories from. Times are fixed; nothing here is secret. */

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export { DAY, HOUR } from '../activation-policy.js';

/** When the examples begin. */
export const noon: Instant = Date.UTC(2026, 10, 22, 12);

export const ada = {
  accountId: '6f9619ff-8b86-8d01-b42d-00cf4fc964ff',
  address: 'Ada@Example.org',
  addressKey: 'ada@example.org',
  passwordHash: 'hash of the first password',
  newPasswordHash: 'hash of the second password',
  upgradedPasswordHash: 'another hash of the first password',
  networkKey: '00112233445566778899aabbccddeeff',
  network: 'home',
  keyId: 'k1',
  language: 'fr',
  receiptId: '0b0f5dcb-5a7c-4f6a-9f0e-2a1f6f2f7a55',
} as const;

/** A nonce of its own for each issue. */
export function exampleNonce(issueNumber: number): string {
  return issueNumber.toString(16).padStart(32, '0');
}

/** A code of its own for each of the first 10,000 issues: "0001", "0002", … */
export function exampleCode(issueNumber: number): string {
  return String(issueNumber % 10_000).padStart(4, '0');
}

/** Never a code of `exampleCode` for an issue below 9,999. */
export const wrongCode = '9999';

/** A long code of its own for each of the first 10,000 issues. */
export function exampleLongCode(issueNumber: number): string {
  return `ABCD-EFGH-${exampleCode(issueNumber)}`;
}

/** Never one of `exampleLongCode`. */
export const wrongLongCode = 'ZZZZ-ZZZZ-ZZZZ';

export function accountRegistered(at: Instant = noon): AccountRegistered {
  return {
    type: 'AccountRegistered',
    data: {
      address: ada.address,
      passwordHash: ada.passwordHash,
      networkKey: ada.networkKey,
      network: ada.network,
      language: ada.language,
      registeredAt: at,
    },
  };
}

/** Claims are numbered in the order of the facts that make them: 2 for the first renewal. */
export function registrationRenewed(
  at: Instant,
  claim: Partial<RegistrationRenewed['data']> = {},
): RegistrationRenewed {
  const { address, newPasswordHash: passwordHash, network, language } = ada;
  return {
    type: 'RegistrationRenewed',
    data: { address, passwordHash, network, language, ...claim, renewedAt: at },
  };
}

export function passwordHashUpgraded(at: Instant): PasswordHashUpgraded {
  return {
    type: 'PasswordHashUpgraded',
    data: { claimNumber: 1, passwordHash: ada.upgradedPasswordHash, upgradedAt: at },
  };
}

export function registrationRefused(at: Instant): RegistrationRefused {
  return { type: 'RegistrationRefused', data: { reason: 'already-active', refusedAt: at } };
}

export function codeIssued(
  issueNumber = 1,
  at: Instant = noon,
  claimNumber = 1,
  form: CodeForm = 'short',
): ActivationCodeIssued {
  return {
    type: 'ActivationCodeIssued',
    data: {
      issueNumber,
      nonce: exampleNonce(issueNumber),
      keyId: ada.keyId,
      issuedAt: at,
      claimNumber,
      form,
    },
  };
}

export function codeSent(issueNumber = 1, at: Instant = noon): ActivationCodeSent {
  return {
    type: 'ActivationCodeSent',
    data: {
      issueNumber,
      sentAt: at,
      expiresAt: at + defaultActivationPolicy.codeTtlMs,
      providerMessageId: `message-${issueNumber}`,
    },
  };
}

export function codeUndeliverable(issueNumber: number, at: Instant): ActivationCodeUndeliverable {
  return {
    type: 'ActivationCodeUndeliverable',
    data: { issueNumber, reason: 'refused by the provider', attempts: 1, abandonedAt: at },
  };
}

export function mailDelivered(
  issueNumber: number,
  at: Instant,
  providerEventId = `delivered ${issueNumber}`,
): ActivationMailDelivered {
  return {
    type: 'ActivationMailDelivered',
    data: { issueNumber, deliveredAt: at, providerEventId },
  };
}

export function mailBounced(
  issueNumber: number,
  kind: ActivationMailBounced['data']['kind'],
  at: Instant,
  providerEventId = `bounced ${issueNumber}`,
): ActivationMailBounced {
  return {
    type: 'ActivationMailBounced',
    data: { issueNumber, kind, bouncedAt: at, providerEventId },
  };
}

export function mailReportedAsSpam(
  issueNumber: number,
  at: Instant,
  providerEventId = `reported ${issueNumber}`,
): ActivationMailReportedAsSpam {
  return {
    type: 'ActivationMailReportedAsSpam',
    data: { issueNumber, reportedAt: at, providerEventId },
  };
}

export function ownerNoticeIssued(noticeNumber: number, at: Instant): OwnerNoticeIssued {
  return {
    type: 'OwnerNoticeIssued',
    data: { noticeNumber, issuedAt: at, language: ada.language },
  };
}

export function ownerNotified(noticeNumber: number, at: Instant): OwnerNotified {
  return {
    type: 'OwnerNotified',
    data: { noticeNumber, sentAt: at, providerMessageId: `notice-${noticeNumber}` },
  };
}

export function ownerNoticeUndeliverable(
  noticeNumber: number,
  at: Instant,
): OwnerNoticeUndeliverable {
  return {
    type: 'OwnerNoticeUndeliverable',
    data: { noticeNumber, reason: 'refused by the provider', attempts: 2, abandonedAt: at },
  };
}

export function activationRefused(
  issueNumber: number,
  reason: ActivationRefused['data']['reason'],
  at: Instant,
  claimNumber = 1,
): ActivationRefused {
  return { type: 'ActivationRefused', data: { issueNumber, claimNumber, reason, refusedAt: at } };
}

export function accountActivated(
  issueNumber: number,
  at: Instant,
  claimNumber = 1,
): AccountActivated {
  return { type: 'AccountActivated', data: { issueNumber, claimNumber, activatedAt: at } };
}

export function accountFreed(at: Instant, claims: number): AccountFreed {
  return { type: 'AccountFreed', data: { claims, freedAt: at } };
}

export function registrationLapsed(at: Instant, registrationNumber = 1): RegistrationLapsed {
  return { type: 'RegistrationLapsed', data: { registrationNumber, lapsedAt: at } };
}

export function accountErased(at: Instant, registrationNumber = 1): AccountErased {
  return {
    type: 'AccountErased',
    data: {
      receiptId: ada.receiptId,
      reason: 'requested-by-owner',
      registrationNumber,
      erasedAt: at,
    },
  };
}

/** The next person registers the address after the first was forgotten. */
export function registeredAnew(at: Instant, registrationNumber = 2): AccountRegistered {
  return {
    type: 'AccountRegistered',
    data: {
      address: ada.address,
      passwordHash: ada.newPasswordHash,
      networkKey: ada.networkKey,
      network: ada.network,
      language: ada.language,
      registeredAt: at,
      registrationNumber,
    },
  };
}

/** Registered at noon, code 1 mailed at once. */
export const pendingAccount = [accountRegistered(), codeIssued(), codeSent()] as const;

/** Registered at noon, activated ten seconds later. */
export const activeAccount = [...pendingAccount, accountActivated(1, noon + 10 * SECOND)] as const;
