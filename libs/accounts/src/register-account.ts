import type { Account, ActiveAccount } from './account.js';
import type { AccountEvent, Instant, OwnerNoticeIssued } from './account-events.js';
import { newCodeAllowedFrom } from './activation-budgets.js';
import { DAY, type ActivationPolicy } from './activation-policy.js';
import type { MailLanguage } from './mail-language.js';
import { nextCode } from './request-activation-code.js';

/** `registration`: neither a code nor a notice follows, which would be a mail; `nothing`: not even an event. */
export type RegistrationAllowance = 'registration-and-mail' | 'registration' | 'nothing';

export interface RegisterAccount {
  readonly type: 'RegisterAccount';
  /** As typed by the person. */
  readonly address: string;
  readonly passwordHash: string;
  /** For the code that may be issued: 16 random bytes, lower-case hexadecimal. */
  readonly nonce: string;
  /** Names the master key to derive that code from. */
  readonly keyId: string;
  /** What the caller reads: for the mail that may follow. */
  readonly language: MailLanguage;
  /** What calls from everywhere have left of what may happen to the address; everything when left out. */
  readonly allowed?: RegistrationAllowance;
  readonly now: Instant;
}

/** Never refuses by throwing: the caller must not learn whether the address was known. */
export function registerAccount(
  command: RegisterAccount,
  state: Account,
  policy: ActivationPolicy,
): AccountEvent[] {
  const { address, passwordHash, now } = command;
  if (command.allowed === 'nothing') return [];
  const mayMail = command.allowed !== 'registration';
  switch (state.status) {
    case 'not-registered':
      return [
        { type: 'AccountRegistered', data: { address, passwordHash, registeredAt: now } },
        ...(mayMail ? [nextCode(command, 0)] : []),
      ];
    case 'lapsed':
    case 'erased': {
      const registrationNumber = state.registrationNumber + 1;
      const registered: AccountEvent = {
        type: 'AccountRegistered',
        data: { address, passwordHash, registeredAt: now, registrationNumber },
      };
      // The address' codes stay counted, or forgetting and registering in turn would fill an inbox.
      return !mayMail || now < newCodeAllowedFrom(state, policy)
        ? [registered]
        : [registered, nextCode(command, state.lastIssueNumber)];
    }
    case 'pending': {
      const renewed: AccountEvent = {
        type: 'RegistrationRenewed',
        data: { passwordHash, renewedAt: now },
      };
      // Without a new code the one mailed before stays live: renewing must not lock the owner out.
      return !mayMail || now < newCodeAllowedFrom(state, policy)
        ? [renewed]
        : [renewed, nextCode(command, state.lastIssueNumber)];
    }
    case 'active': {
      const events: AccountEvent[] = [];
      if (isRecordDue(state, now)) {
        events.push({
          type: 'RegistrationRefused',
          data: { reason: 'already-active', refusedAt: now },
        });
      }
      if (mayMail && isNoticeDue(state, policy, now)) events.push(nextNotice(command, state));
      return events;
    }
  }
}

/** Anybody can register an address again and again: that must not make its stream grow. */
function isRecordDue({ registrationRefusedAt }: ActiveAccount, now: Instant) {
  return registrationRefusedAt === undefined || now >= registrationRefusedAt + DAY;
}

/** Nor must it fill its owner's inbox. */
function isNoticeDue({ ownerNotice }: ActiveAccount, policy: ActivationPolicy, now: Instant) {
  return ownerNotice === undefined || now >= ownerNotice.issuedAt + policy.ownerNoticeIntervalMs;
}

function nextNotice(
  { language, now }: RegisterAccount,
  { ownerNotice }: ActiveAccount,
): OwnerNoticeIssued {
  const noticeNumber = (ownerNotice?.noticeNumber ?? 0) + 1;
  return { type: 'OwnerNoticeIssued', data: { noticeNumber, issuedAt: now, language } };
}
