import {
  AccountAlreadyActive,
  AccountNotRegistered,
  ActivationAttemptsExhausted,
  ActivationCodeExhausted,
  ActivationCodeExpired,
  ActivationCodeIncorrect,
  ActivationCodeMissing,
  ActivationCodeRequestedTooSoon,
  CredentialsSuperseded,
  type AccountError,
} from '../account-errors.js';
import type { AccountCommand } from '../account-decider.js';
import type { OperatorCommand } from '../operator-decider.js';
import type {
  AccountEvent,
  AccountEventType,
  ActivationCodeIssued,
  Instant,
} from '../account-events.js';
import type { ActivateAccount } from '../activate-account.js';
import type { ActivationPolicy } from '../activation-policy.js';
import type { RequestActivationCode } from '../request-activation-code.js';
import { DAY, HOUR } from './account-examples.js';

/**
 * The account's rules a second time, written to be checked by eye: it keeps no state, searches the whole
 * history for each question, and finds the answer by trying. Slow and independent of the decider, whose
 * every answer must be the same.
 */

export interface ReferenceAnswer {
  readonly events: readonly AccountEvent[];
  /** Thrown at once, nothing being recorded. */
  readonly thrown?: AccountError;
  /** Answered after the events were recorded. */
  readonly told?: AccountError | { readonly activatedAt: Instant };
}

type History = readonly AccountEvent[];

export function referenceAnswer(
  history: History,
  command: AccountCommand | Extract<OperatorCommand, { type: 'EraseAccount' }>,
  policy: ActivationPolicy,
): ReferenceAnswer {
  // Numbers and budgets go by the whole history; everything else by what is known of the person.
  const life = lifeOfPerson(history);
  const isRegistered = life.length > 0;
  const newest = all(life, 'ActivationCodeIssued').at(-1);
  const registrations =
    all(history, 'AccountRegistered').length + all(history, 'RegistrationRenewed').length;
  const activated = all(life, 'AccountActivated')[0];

  switch (command.type) {
    case 'RegisterAccount': {
      const { address, passwordHash, now, language } = command;
      if (!isRegistered && registrations > 0) {
        const registrationNumber = registrations + 1;
        const data = { address, passwordHash, registeredAt: now, registrationNumber };
        return {
          events: [
            { type: 'AccountRegistered', data },
            ...(mayIssue(history, now, policy)
              ? [issue(command, all(history, 'ActivationCodeIssued').length + 1)]
              : []),
          ],
        };
      }
      if (registrations === 0) {
        return {
          events: [
            { type: 'AccountRegistered', data: { address, passwordHash, registeredAt: now } },
            issue(command, 1),
          ],
        };
      }
      if (activated) {
        const notices = all(history, 'OwnerNoticeIssued');
        const early = notices.some(
          (event) => event.data.issuedAt + policy.ownerNoticeIntervalMs > now,
        );
        const data = { noticeNumber: notices.length + 1, issuedAt: now, language };
        const isOnRecord = all(life, 'RegistrationRefused').some(
          (event) => event.data.refusedAt + DAY > now,
        );
        return {
          events: [
            ...(isOnRecord
              ? []
              : [
                  {
                    type: 'RegistrationRefused' as const,
                    data: { reason: 'already-active' as const, refusedAt: now },
                  },
                ]),
            ...(early ? [] : [{ type: 'OwnerNoticeIssued' as const, data }]),
          ],
        };
      }
      const renewed: AccountEvent = {
        type: 'RegistrationRenewed',
        data: { passwordHash, renewedAt: now },
      };
      return {
        events: mayIssue(history, now, policy)
          ? [renewed, issue(command, all(history, 'ActivationCodeIssued').length + 1)]
          : [renewed],
      };
    }

    case 'EraseAccount': {
      const { receiptId, reason, now } = command;
      if (registrations === 0) return thrown(new AccountNotRegistered());
      const data = { receiptId, reason, registrationNumber: registrations, erasedAt: now };
      const isErased = history.at(-1)?.type === 'AccountErased';
      return { events: isErased ? [] : [{ type: 'AccountErased', data }] };
    }

    case 'LapseRegistration': {
      const { retentionMs, now } = command;
      if (!isRegistered || activated) return { events: [] };
      const asked = life.some(
        (event) =>
          (event.type === 'AccountRegistered' && event.data.registeredAt + retentionMs > now) ||
          (event.type === 'ActivationCodeIssued' &&
            event === newest &&
            event.data.issuedAt + retentionMs > now),
      );
      const data = { registrationNumber: registrations, lapsedAt: now };
      return { events: asked ? [] : [{ type: 'RegistrationLapsed', data }] };
    }

    case 'RequestActivationCode': {
      if (!isRegistered) return thrown(new AccountNotRegistered());
      if (command.provenRegistration !== registrations) return thrown(new CredentialsSuperseded());
      if (activated) return thrown(new AccountAlreadyActive(activated.data.activatedAt));
      if (!mayIssue(history, command.now, policy)) {
        const retryAt = earliest(history, (at) => mayIssue(history, at, policy), policy);
        return thrown(new ActivationCodeRequestedTooSoon(retryAt));
      }
      return { events: [issue(command, all(history, 'ActivationCodeIssued').length + 1)] };
    }

    case 'UpgradePasswordHash': {
      const { replaces, passwordHash, now } = command;
      const hashes = life.flatMap((event) =>
        'passwordHash' in event.data ? [event.data.passwordHash] : [],
      );
      return {
        events:
          hashes.at(-1) === replaces
            ? [{ type: 'PasswordHashUpgraded', data: { passwordHash, upgradedAt: now } }]
            : [],
      };
    }

    case 'ActivateAccount': {
      if (!isRegistered) return thrown(new AccountNotRegistered());
      if (command.provenRegistration !== registrations) return thrown(new CredentialsSuperseded());
      if (activated) return thrown(new AccountAlreadyActive(activated.data.activatedAt));
      if (!newest || isLost(history, newest.data.issueNumber))
        return thrown(new ActivationCodeMissing());
      return guess(history, newest, command, policy);
    }

    case 'RecordActivationCodeSent': {
      const { issueNumber, sentAt, providerMessageId } = command;
      const expiresAt = sentAt + policy.codeTtlMs;
      const data = { issueNumber, sentAt, expiresAt, providerMessageId };
      return {
        events: waits(life, issueNumber) ? [{ type: 'ActivationCodeSent', data }] : [],
      };
    }

    case 'RecordMailEvent': {
      const { issueNumber, kind, occurredAt, providerEventId } = command;
      const issues = all(history, 'ActivationCodeIssued');
      const isIssue = issues.some((event) => event.data.issueNumber === issueNumber);
      const known = history.some(
        (event) =>
          'providerEventId' in event.data && event.data.providerEventId === providerEventId,
      );
      if (!isRegistered || !isIssue || known) return { events: [] };
      const fact: Record<typeof kind, AccountEvent> = {
        delivered: {
          type: 'ActivationMailDelivered',
          data: { issueNumber, deliveredAt: occurredAt, providerEventId },
        },
        'bounced-permanently': {
          type: 'ActivationMailBounced',
          data: { issueNumber, kind: 'permanent', bouncedAt: occurredAt, providerEventId },
        },
        'bounced-transiently': {
          type: 'ActivationMailBounced',
          data: { issueNumber, kind: 'transient', bouncedAt: occurredAt, providerEventId },
        },
        'reported-as-spam': {
          type: 'ActivationMailReportedAsSpam',
          data: { issueNumber, reportedAt: occurredAt, providerEventId },
        },
      };
      return { events: [fact[kind]] };
    }

    case 'RecordOwnerNotified': {
      const { noticeNumber, sentAt, providerMessageId } = command;
      const data = { noticeNumber, sentAt, providerMessageId };
      return {
        events: noticeWaits(life, noticeNumber) ? [{ type: 'OwnerNotified', data }] : [],
      };
    }

    case 'RecordOwnerNoticeUndeliverable': {
      const { noticeNumber, reason, attempts, now } = command;
      const data = { noticeNumber, reason, attempts, abandonedAt: now };
      return {
        events: noticeWaits(life, noticeNumber) ? [{ type: 'OwnerNoticeUndeliverable', data }] : [],
      };
    }

    case 'RecordActivationCodeUndeliverable': {
      const { issueNumber, reason, attempts, now } = command;
      const data = { issueNumber, reason, attempts, abandonedAt: now };
      return {
        events: waits(life, issueNumber) ? [{ type: 'ActivationCodeUndeliverable', data }] : [],
      };
    }
  }
}

/** What happened since the present owner registered the address; nothing when it has no owner. */
function lifeOfPerson(history: History): History {
  const forgotten = history.findLastIndex(
    ({ type }) => type === 'RegistrationLapsed' || type === 'AccountErased',
  );
  return history.slice(forgotten + 1);
}

function guess(
  history: History,
  newest: ActivationCodeIssued,
  { guess: guessed, expected, now }: ActivateAccount,
  policy: ActivationPolicy,
): ReferenceAnswer {
  const { issueNumber } = newest.data;
  const refusal = whyNotCompared(history, newest, now, policy);
  if (refusal) {
    const reason = refusal.name === 'ActivationCodeExpired' ? 'expired' : 'exhausted';
    const known = all(history, 'ActivationRefused').some(
      (event) => event.data.issueNumber === issueNumber && event.data.reason === reason,
    );
    return known
      ? thrown(refusal)
      : {
          events: [{ type: 'ActivationRefused', data: { issueNumber, reason, refusedAt: now } }],
          told: refusal,
        };
  }
  if (guessed === expected?.code) {
    return {
      events: [{ type: 'AccountActivated', data: { issueNumber, activatedAt: now } }],
      told: { activatedAt: now },
    };
  }
  const wrong: AccountEvent = {
    type: 'ActivationRefused',
    data: { issueNumber, reason: 'incorrect', refusedAt: now },
  };
  // The guesses left are those that would be compared if they came right now, one after the other.
  let attemptsLeft = 0;
  const future = [...history, wrong];
  while (!whyNotCompared(future, newest, now, policy)) {
    future.push(wrong);
    attemptsLeft += 1;
  }
  return { events: [wrong], told: new ActivationCodeIncorrect(attemptsLeft) };
}

function whyNotCompared(
  history: History,
  newest: ActivationCodeIssued,
  now: Instant,
  policy: ActivationPolicy,
): AccountError | undefined {
  const { issueNumber, issuedAt } = newest.data;
  const wrong = all(history, 'ActivationRefused').filter(
    (event) => event.data.reason === 'incorrect',
  );
  const mayGuess = (at: Instant) => {
    const within = (span: number) =>
      wrong.filter((event) => event.data.refusedAt + span > at).length;
    return within(DAY) < policy.guessesPerDay && within(30 * DAY) < policy.guessesPerMonth;
  };
  if (!mayGuess(now)) {
    return new ActivationAttemptsExhausted(earliest(history, mayGuess, policy));
  }
  if (
    wrong.filter((event) => event.data.issueNumber === issueNumber).length >= policy.guessesPerCode
  ) {
    return new ActivationCodeExhausted();
  }
  const sent = all(history, 'ActivationCodeSent').find(
    (event) => event.data.issueNumber === issueNumber,
  );
  const end = (sent ? sent.data.sentAt : issuedAt + policy.deliveryWindowMs) + policy.codeTtlMs;
  return now < end ? undefined : new ActivationCodeExpired(end);
}

function mayIssue(history: History, at: Instant, policy: ActivationPolicy): boolean {
  const within = (span: number) =>
    all(history, 'ActivationCodeIssued').filter((event) => event.data.issuedAt + span > at).length;
  return (
    within(policy.resendIntervalMs) < 1 &&
    within(HOUR) < policy.codesPerHour &&
    within(DAY) < policy.codesPerDay
  );
}

function waits(history: History, issueNumber: number): boolean {
  const newest = all(history, 'ActivationCodeIssued').at(-1);
  const settled = history.some(
    (event) =>
      event.type === 'AccountActivated' ||
      (event.type === 'ActivationCodeSent' && event.data.issueNumber === issueNumber),
  );
  return newest?.data.issueNumber === issueNumber && !settled && !isLost(history, issueNumber);
}

/** Given up by us, or turned away for good by the owner's mail server. */
function isLost(history: History, issueNumber: number): boolean {
  return history.some(
    (event) =>
      (event.type === 'ActivationCodeUndeliverable' ||
        (event.type === 'ActivationMailBounced' && event.data.kind === 'permanent')) &&
      event.data.issueNumber === issueNumber,
  );
}

function noticeWaits(history: History, noticeNumber: number): boolean {
  const settled = history.some(
    (event) =>
      (event.type === 'OwnerNotified' || event.type === 'OwnerNoticeUndeliverable') &&
      event.data.noticeNumber === noticeNumber,
  );
  return all(history, 'OwnerNoticeIssued').at(-1)?.data.noticeNumber === noticeNumber && !settled;
}

/** Something becomes possible only when a fact leaves a window, so only those instants are tried. */
function earliest(
  history: History,
  possible: (at: Instant) => boolean,
  policy: ActivationPolicy,
): Instant {
  const instants = [
    ...all(history, 'ActivationCodeIssued').map((event) => event.data.issuedAt),
    ...all(history, 'ActivationRefused').map((event) => event.data.refusedAt),
  ];
  const spans = [policy.resendIntervalMs, HOUR, DAY, 30 * DAY];
  const candidates = instants.flatMap((at) => spans.map((span) => at + span));
  return Math.min(...candidates.filter(possible));
}

function issue(
  { nonce, keyId, language, now }: Omit<RequestActivationCode, 'type' | 'provenRegistration'>,
  issueNumber: number,
): AccountEvent {
  return {
    type: 'ActivationCodeIssued',
    data: { issueNumber, nonce, keyId, issuedAt: now, language },
  };
}

function thrown(error: AccountError): ReferenceAnswer {
  return { events: [], thrown: error };
}

function all<Type extends AccountEventType>(
  history: History,
  type: Type,
): Extract<AccountEvent, { type: Type }>[] {
  return history.filter(
    (event): event is Extract<AccountEvent, { type: Type }> => event.type === type,
  );
}
