import {
  AccountAlreadyActive,
  AccountNotRegistered,
  ActivationCodeExhausted,
  ActivationCodeExpired,
  ActivationCodeIncorrect,
  ActivationCodeMissing,
  ActivationCodeOfOtherForm,
  ActivationCodeRequestedTooSoon,
  CredentialsSuperseded,
  type AccountError,
} from '../account-errors.js';
import type { AccountCommand } from '../account-decider.js';
import type { OperatorCommand } from '../operator-decider.js';
import type {
  AccountActivated,
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
  readonly answered?: AccountError | { readonly activatedAt: Instant };
}

type History = readonly AccountEvent[];

export function referenceAnswer(
  history: History,
  command: AccountCommand | Extract<OperatorCommand, { type: 'EraseAccount' | 'FreeAccount' }>,
  policy: ActivationPolicy,
): ReferenceAnswer {
  // Numbers and budgets go by the whole history; everything else by what is known of the person.
  const life = lifeOfPerson(history);
  const isRegistered = life.length > 0;
  const newest = all(sinceFreed(life), 'ActivationCodeIssued').at(-1);
  const registrations =
    all(history, 'AccountRegistered').length + all(history, 'RegistrationRenewed').length;
  const activated = all(life, 'AccountActivated')[0];

  switch (command.type) {
    case 'RegisterAccount': {
      const { address, passwordHash, network, networkKey, now } = command;
      const before = isRegistered ? claimsIn(history) : [];
      const language =
        command.language ?? before.find((one) => one.network === network)?.language ?? 'en';
      const claim = { address, passwordHash, network, language };
      const mayBeIssued = mayIssue(history, network, now, policy);
      const form = mayGuess(history, now, policy) ? 'short' : 'long';
      if (!isRegistered && registrations > 0) {
        const registrationNumber = registrations + 1;
        const data = { ...claim, networkKey, registeredAt: now, registrationNumber };
        return {
          events: [
            { type: 'AccountRegistered', data },
            ...(mayBeIssued
              ? [
                  issue(
                    command,
                    registrationNumber,
                    all(history, 'ActivationCodeIssued').length + 1,
                    form,
                  ),
                ]
              : []),
          ],
        };
      }
      if (registrations === 0) {
        return {
          events: [
            { type: 'AccountRegistered', data: { ...claim, networkKey, registeredAt: now } },
            issue(command, 1, 1, 'short'),
          ],
        };
      }
      if (activated) {
        const notices = all(history, 'OwnerNoticeIssued');
        const early = notices.some(
          (event) => event.data.issuedAt + policy.ownerNoticeIntervalMs > now,
        );
        const data = {
          noticeNumber: notices.length + 1,
          issuedAt: now,
          language: provenIn(history, activated).language,
        };
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
      const claims = claimsIn(history);
      const isNew = claims.every((one) => one.network !== network);
      if (isNew && claims.length === 10 && (claims[0]?.madeAt ?? 0) + DAY > now) {
        return { events: [] };
      }
      const renewed: AccountEvent = {
        type: 'RegistrationRenewed',
        data: { ...claim, renewedAt: now },
      };
      const isOfOthers =
        newest &&
        networkOf(history, newest.data.claimNumber) !== network &&
        !isLost(history, newest.data.issueNumber) &&
        now < endOf(history, newest, policy);
      return {
        events:
          mayBeIssued && !isOfOthers
            ? [
                renewed,
                issue(
                  command,
                  registrations + 1,
                  all(history, 'ActivationCodeIssued').length + 1,
                  form,
                ),
              ]
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

    case 'FreeAccount': {
      if (!isRegistered) return thrown(new AccountNotRegistered());
      if (activated) return thrown(new AccountAlreadyActive(activated.data.activatedAt));
      const data = { claims: claimsIn(history).length, freedAt: command.now };
      return { events: [{ type: 'AccountFreed', data }] };
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
      if (!isInForce(history, activated, command.provenClaim))
        return thrown(new CredentialsSuperseded());
      if (activated) return thrown(new AccountAlreadyActive(activated.data.activatedAt));
      const network = networkOf(history, command.provenClaim);
      if (!mayIssue(history, network, command.now, policy)) {
        const retryAt = earliest(history, (at) => mayIssue(history, network, at, policy), policy);
        return thrown(new ActivationCodeRequestedTooSoon(retryAt));
      }
      const issueNumber = all(history, 'ActivationCodeIssued').length + 1;
      const form = mayGuess(history, command.now, policy) ? 'short' : 'long';
      return { events: [issue(command, command.provenClaim, issueNumber, form)] };
    }

    case 'UpgradePasswordHash': {
      const { replaces, passwordHash, now } = command;
      const claims = activated
        ? [provenIn(history, activated)]
        : isRegistered
          ? claimsIn(history)
          : [];
      const claim = claims.find((one) => one.passwordHash === replaces);
      const data = { claimNumber: claim?.number ?? 0, passwordHash, upgradedAt: now };
      return { events: claim ? [{ type: 'PasswordHashUpgraded', data }] : [] };
    }

    case 'ActivateAccount': {
      if (!isRegistered) return thrown(new AccountNotRegistered());
      if (!isInForce(history, activated, command.provenClaim))
        return thrown(new CredentialsSuperseded());
      if (activated) return thrown(new AccountAlreadyActive(activated.data.activatedAt));
      if (!newest) return thrown(new ActivationCodeMissing());
      const isLong = command.guess.length > 4;
      if (isLong !== (newest.data.form === 'long'))
        return thrown(new ActivationCodeOfOtherForm(newest.data.form));
      if (isLost(history, newest.data.issueNumber)) return thrown(new ActivationCodeMissing());
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

/** What an operator's freeing left. */
function sinceFreed(history: History): History {
  return history.slice(history.findLastIndex(({ type }) => type === 'AccountFreed') + 1);
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
  command: ActivateAccount,
  policy: ActivationPolicy,
): ReferenceAnswer {
  const { guess: guessed, expected, provenClaim: claimNumber, now } = command;
  const { issueNumber, form } = newest.data;
  const network = networkOf(history, claimNumber);
  const isFull =
    form === 'long' &&
    refusalsAtLongCodes(history).filter(({ data }) => data.refusedAt + DAY > now).length >=
      policy.recordedLongGuessesPerDay;
  const refusal = whyNotCompared(history, newest, network, now, policy);
  if (refusal) {
    const reason = refusal.name === 'ActivationCodeExpired' ? 'expired' : 'exhausted';
    const known = all(history, 'ActivationRefused').some(
      (event) =>
        event.data.issueNumber === issueNumber &&
        networkOf(history, event.data.claimNumber) === network &&
        event.data.reason === reason,
    );
    return known || isFull
      ? thrown(refusal)
      : {
          events: [
            {
              type: 'ActivationRefused',
              data: { issueNumber, claimNumber, reason, refusedAt: now },
            },
          ],
          answered: refusal,
        };
  }
  if (guessed === expected?.code) {
    return {
      events: [{ type: 'AccountActivated', data: { issueNumber, claimNumber, activatedAt: now } }],
      answered: { activatedAt: now },
    };
  }
  const wrong: AccountEvent = {
    type: 'ActivationRefused',
    data: { issueNumber, claimNumber, reason: 'incorrect', refusedAt: now },
  };
  // The guesses left are those that would be compared if they came right now, one after the other.
  let attemptsLeft = 0;
  const future = isFull ? [...history] : [...history, wrong];
  while (!whyNotCompared(future, newest, network, now, policy)) {
    future.push(wrong);
    attemptsLeft += 1;
  }
  const answered = new ActivationCodeIncorrect(attemptsLeft);
  if (isFull) return thrown(answered);
  if (form === 'long' || mayGuess([...history, wrong], now, policy))
    return { events: [wrong], answered };
  const asker = networkOf(history, newest.data.claimNumber);
  const claims = claimsIn(history);
  const claim = claims.find((one) => one.network === asker) ?? claims.at(-1);
  return { events: [wrong, issue(command, claim?.number ?? 0, issueNumber + 1, 'long')], answered };
}

function whyNotCompared(
  history: History,
  newest: ActivationCodeIssued,
  network: string,
  now: Instant,
  policy: ActivationPolicy,
): AccountError | undefined {
  const { issueNumber, form } = newest.data;
  if (form === 'short' && !mayGuess(history, now, policy)) return new ActivationCodeExhausted();
  const wrong = wrongIn(history);
  const ofNetwork = wrong.filter(
    (event) =>
      event.data.issueNumber === issueNumber &&
      networkOf(history, event.data.claimNumber) === network,
  );
  const most = form === 'long' ? policy.guessesPerLongCode : policy.guessesPerCode;
  if (ofNetwork.length >= most) return new ActivationCodeExhausted();
  const end = endOf(history, newest, policy);
  return now < end ? undefined : new ActivationCodeExpired(end);
}

function wrongIn(history: History) {
  return all(history, 'ActivationRefused').filter((event) => event.data.reason === 'incorrect');
}

/** What the present owner's claims were refused at long codes. */
function refusalsAtLongCodes(history: History) {
  const life = lifeOfPerson(history);
  const long = all(life, 'ActivationCodeIssued').filter(({ data }) => data.form === 'long');
  return all(life, 'ActivationRefused').filter(({ data }) =>
    long.some((issued) => issued.data.issueNumber === data.issueNumber),
  );
}

/** Whether the address has a guess at a code of four digits left. */
function mayGuess(history: History, at: Instant, policy: ActivationPolicy): boolean {
  const issues = all(history, 'ActivationCodeIssued');
  const wrong = wrongIn(history).filter(({ data }) =>
    issues.some(
      (event) => event.data.issueNumber === data.issueNumber && event.data.form === 'short',
    ),
  );
  const within = (span: number) => wrong.filter((event) => event.data.refusedAt + span > at).length;
  return within(DAY) < policy.guessesPerDay && within(30 * DAY) < policy.guessesPerMonth;
}

/** First instant at which the code is no longer accepted. */
function endOf(
  history: History,
  { data: { issueNumber, issuedAt } }: ActivationCodeIssued,
  policy: ActivationPolicy,
): Instant {
  const sent = all(history, 'ActivationCodeSent').find(
    (event) => event.data.issueNumber === issueNumber,
  );
  return (sent ? sent.data.sentAt : issuedAt + policy.deliveryWindowMs) + policy.codeTtlMs;
}

function mayIssue(
  history: History,
  network: string,
  at: Instant,
  policy: ActivationPolicy,
): boolean {
  const issues = all(sinceFreed(history), 'ActivationCodeIssued');
  const own = issues.filter(({ data }) => networkOf(history, data.claimNumber) === network);
  const within = (some: typeof issues, span: number) =>
    some.filter((event) => event.data.issuedAt + span > at).length;
  return (
    within(issues, policy.resendIntervalMs) < 1 &&
    within(own, HOUR) < policy.codesPerHour &&
    within(own, DAY) < policy.codesPerDay
  );
}

/** Each history is searched many times. */
const registrations = new WeakMap<History, ReturnType<typeof searchRegistrations>>();

/** Every registration that made a claim, of every person who had the address. */
function registrationsIn(history: History) {
  const found = registrations.get(history) ?? searchRegistrations(history);
  registrations.set(history, found);
  return found;
}

function searchRegistrations(history: History) {
  return history
    .filter((event) => event.type === 'AccountRegistered' || event.type === 'RegistrationRenewed')
    .map(({ data }, index) => ({
      ...data,
      number: index + 1,
      madeAt: 'renewedAt' in data ? data.renewedAt : data.registeredAt,
    }));
}

function networkOf(history: History, claimNumber: number): string {
  return registrationsIn(history)[claimNumber - 1]?.network ?? 'none';
}

/** The claims of the present owner, as long as the address is pending; the newest last. */
function claimsIn(history: History) {
  const life = sinceFreed(lifeOfPerson(history));
  const before = registrationsIn(history).length - registrationsIn(life).length;
  const made = registrationsIn(history).slice(before);
  return made
    .filter(
      ({ network }, index) => !made.slice(index + 1).some((later) => later.network === network),
    )
    .slice(-10)
    .map((claim) => ({
      ...claim,
      passwordHash:
        all(life, 'PasswordHashUpgraded').findLast(({ data }) => data.claimNumber === claim.number)
          ?.data.passwordHash ?? claim.passwordHash,
    }));
}

/** The claim that was activated. */
function provenIn(history: History, { data: { claimNumber } }: AccountActivated) {
  const claim = claimsIn(history).find(({ number }) => number === claimNumber);
  if (claim === undefined) throw new Error('a claim was activated that there was not');
  return claim;
}

function isInForce(
  history: History,
  activated: AccountActivated | undefined,
  claimNumber: number,
): boolean {
  if (activated) return activated.data.claimNumber === claimNumber;
  return claimsIn(history).some(({ number }) => number === claimNumber);
}

function waits(history: History, issueNumber: number): boolean {
  const newest = all(sinceFreed(history), 'ActivationCodeIssued').at(-1);
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
  { nonce, keyId, now }: Pick<RequestActivationCode, 'nonce' | 'keyId' | 'now'>,
  claimNumber: number,
  issueNumber: number,
  form: ActivationCodeIssued['data']['form'],
): AccountEvent {
  return {
    type: 'ActivationCodeIssued',
    data: { issueNumber, nonce, keyId, issuedAt: now, claimNumber, form },
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
