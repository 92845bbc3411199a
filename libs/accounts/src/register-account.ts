import { codeExpiry, type Account, type ActiveAccount, type PendingAccount } from './account.js';
import type { AccountEvent, Instant, OwnerNoticeIssued } from './account-events.js';
import { formOfNextCode, newCodeAllowedFrom } from './activation-budgets.js';
import { hasRoomFor } from './claims.js';
import { DAY, type ActivationPolicy } from './activation-policy.js';
import { defaultMailLanguage, type MailLanguage } from './mail-language.js';
import { nextCode } from './request-activation-code.js';

/** `registration`: neither a code nor a notice follows, which would be a mail; `nothing`: not even an event. */
export type RegistrationAllowance = 'registration-and-mail' | 'registration' | 'nothing';

export interface RegisterAccount {
  readonly type: 'RegisterAccount';
  /** As typed by the person. */
  readonly address: string;
  readonly passwordHash: string;
  /** Name of the caller's network, made with the account's network key, or else with the one below. */
  readonly network: string;
  /** For a person who has none yet: 16 random bytes, lower-case hexadecimal. */
  readonly networkKey: string;
  /** For the code that may be issued: 16 random bytes, lower-case hexadecimal. */
  readonly nonce: string;
  /** Names the master key to derive that code from. */
  readonly keyId: string;
  /** What the caller reads; undefined when the call does not say: a claim of the same network keeps its language. */
  readonly language: MailLanguage | undefined;
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
  const { address, passwordHash, network, networkKey, now } = command;
  if (command.allowed === 'nothing') return [];
  const mayMail = command.allowed !== 'registration';
  const language = command.language ?? languageBefore(state, network) ?? defaultMailLanguage;
  const claim = { address, passwordHash, network, language };
  switch (state.status) {
    case 'not-registered':
      return [
        { type: 'AccountRegistered', data: { ...claim, networkKey, registeredAt: now } },
        ...(mayMail ? [nextCode(command, 1, 0, 'short')] : []),
      ];
    case 'lapsed':
    case 'erased': {
      const registrationNumber = state.registrationNumber + 1;
      const registered: AccountEvent = {
        type: 'AccountRegistered',
        data: { ...claim, networkKey, registeredAt: now, registrationNumber },
      };
      return !mayMail || now < newCodeAllowedFrom(state, network, policy)
        ? [registered]
        : [
            registered,
            nextCode(
              command,
              registrationNumber,
              state.lastIssueNumber,
              formOfNextCode(state, policy, now),
            ),
          ];
    }
    case 'pending': {
      if (!hasRoomFor(state.claims, network, now)) return [];
      const renewed: AccountEvent = {
        type: 'RegistrationRenewed',
        data: { ...claim, renewedAt: now },
      };
      // Without a new code the one mailed before stays live: renewing must not lock the owner out.
      return !mayMail ||
        now < newCodeAllowedFrom(state, network, policy) ||
        isCodeOfOthersAlive(state, network, policy, now)
        ? [renewed]
        : [
            renewed,
            nextCode(
              command,
              state.registrationNumber + 1,
              state.lastIssueNumber,
              formOfNextCode(state, policy, now),
            ),
          ];
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

/** Of the claim that this network has. */
function languageBefore(state: Account, network: string): MailLanguage | undefined {
  if (state.status !== 'pending') return undefined;
  return state.claims.find((claim) => claim.network === network)?.language;
}

/** Then its mail is in the inbox, or on its way to it: with it, the owner activates the claim of whichever network. */
function isCodeOfOthersAlive(
  { code }: PendingAccount,
  network: string,
  policy: ActivationPolicy,
  now: Instant,
) {
  return (
    code !== undefined &&
    code.askedBy.network !== network &&
    code.delivery.status !== 'undeliverable' &&
    now < codeExpiry(code, policy)
  );
}

/** Anybody can register an address again and again: that must not make its stream grow. */
function isRecordDue({ registrationRefusedAt }: ActiveAccount, now: Instant) {
  return registrationRefusedAt === undefined || now >= registrationRefusedAt + DAY;
}

/** Nor must it fill its owner's inbox. */
function isNoticeDue({ ownerNotice }: ActiveAccount, policy: ActivationPolicy, now: Instant) {
  return ownerNotice === undefined || now >= ownerNotice.issuedAt + policy.ownerNoticeIntervalMs;
}

/** In the language of the owner, whatever the caller reads. */
function nextNotice(
  { now }: RegisterAccount,
  { ownerNotice, claim: { language } }: ActiveAccount,
): OwnerNoticeIssued {
  const noticeNumber = (ownerNotice?.noticeNumber ?? 0) + 1;
  return { type: 'OwnerNoticeIssued', data: { noticeNumber, issuedAt: now, language } };
}
