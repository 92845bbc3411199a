import {
  defineEvent,
  instant,
  oneOf,
  optional,
  personalText,
  secret,
  text,
  wholeNumberFrom,
  type DataOf,
  type EventDefinition,
  type Instant,
} from './event-fields.js';
import { codeForms } from './activation-code.js';
import { mailLanguages } from './mail-language.js';

export type { Instant } from './event-fields.js';

/** Why an account is erased; chosen from a list, because free text would tell who it was. */
export const erasureReasons = [
  'requested-by-owner',
  'required-by-law',
  'registered-by-abuse',
  'test-data',
] as const;

export type ErasureReason = (typeof erasureReasons)[number];

/** 1, 2, 3, … within the account. */
const issueNumber = wholeNumberFrom(1);
const noticeNumber = wholeNumberFrom(1);
/** The registration that made a claim. */
const claimNumber = wholeNumberFrom(1);
/** Name of the network that registered: means nothing without the account's network key. */
const network = text;
/** What the person who registered reads. */
const language = oneOf(...mailLanguages);
/** Calls made to the e-mail provider. */
const attempts = wholeNumberFrom(0);
/** The provider's own id of its report: the same report sent twice is recorded once. */
const providerEventId = text;

/**
 * Every event an account's stream can hold, each defined once: types, reading and writing, personal fields, instants,
 * sentences, docs/events.md and the generators of tests follow from here. One stream holds one account, so that the
 * account's id is the stream's and is not repeated. The names are literals in the log: they never change.
 */
const accountEvents = {
  AccountRegistered: defineEvent({
    meaning: 'An address without an account was registered',
    schemaVersion: 1,
    fields: {
      /** As typed by the person: mail goes here. */
      address: personalText,
      passwordHash: secret(personalText),
      /** 16 random bytes, lower-case hexadecimal: the networks of this person's claims are named with it. */
      networkKey: secret(personalText),
      network,
      language,
      registeredAt: instant,
      /** 1 when left out. */
      registrationNumber: optional(
        wholeNumberFrom(1),
        'only after an account of the address was forgotten',
      ),
    },
    happenedAt: 'registeredAt',
    sentence: ({ registrationNumber = 1 }) =>
      registrationNumber === 1
        ? 'The address was registered.'
        : 'The address was registered anew, after what was known of the person before was forgotten.',
    samples: [
      {
        address: 'Ada@Example.org',
        passwordHash: 'v1$p1$2b$12$hash',
        networkKey: '8f3a0c5d1e9b47a6b2c4d6e8f0a1b3c5',
        network: 'q3Vx0b7eXkq2mW1c',
        language: 'en',
        registeredAt: '2026-11-22T12:00:00.000Z',
      },
      {
        address: 'ada@example.org',
        passwordHash: 'v1$p1$2b$12$third',
        networkKey: '0123456789abcdef0123456789abcdef',
        network: 'b81Zr5oTtY0c2nLq',
        language: 'fr',
        registeredAt: '2026-12-24T12:00:00.000Z',
        registrationNumber: 3,
      },
    ],
  }),

  RegistrationRenewed: defineEvent({
    meaning:
      'It was registered again before activation: a claim was made, or replaced that of the same network ([ADR 115](adr/0115-claims-on-a-pending-address.md))',
    schemaVersion: 1,
    fields: {
      /** As typed by the person. */
      address: personalText,
      passwordHash: secret(personalText),
      network,
      language,
      renewedAt: instant,
    },
    happenedAt: 'renewedAt',
    sentence: () =>
      'The address was registered again before it was activated; a password that the same network had chosen before no longer counts.',
    samples: [
      {
        address: 'ada@example.org',
        passwordHash: 'v1$p1$2b$12$other',
        network: 'q3Vx0b7eXkq2mW1c',
        language: 'en',
        renewedAt: '2026-11-22T12:00:40.001Z',
      },
    ],
  }),

  // A fact, not a detail of the read model: once the old pepper is gone, a rebuild could not make it again.
  PasswordHashUpgraded: defineEvent({
    meaning:
      "The same password is kept under a hash of today's cost and pepper ([ADR 40](adr/0040-password-hashes-are-upgraded-by-a-fact.md))",
    schemaVersion: 1,
    fields: { claimNumber, passwordHash: secret(personalText), upgradedAt: instant },
    happenedAt: 'upgradedAt',
    sentence: () => 'The password proved to be right, and is now kept under a stronger hash.',
    samples: [
      {
        claimNumber: 1,
        passwordHash: 'v1$p2$2b$12$newer',
        upgradedAt: '2026-11-22T12:00:50.000Z',
      },
    ],
  }),

  RegistrationRefused: defineEvent({
    meaning:
      'It was registered again after activation: nothing changed. Recorded once in 24 hours, however often that happens',
    schemaVersion: 1,
    fields: { reason: oneOf('already-active'), refusedAt: instant },
    happenedAt: 'refusedAt',
    sentence: () =>
      'Somebody registered the address although its account is active; nothing changed.',
    samples: [{ reason: 'already-active', refusedAt: '2026-11-23T08:30:00.250Z' }],
  }),

  // The code itself is derived and stored nowhere.
  ActivationCodeIssued: defineEvent({
    meaning:
      'There is a new code; every earlier one is void. `long` while the wrong guesses of the address are used up ([ADR 116](adr/0116-contested-addresses.md))',
    schemaVersion: 1,
    fields: {
      issueNumber,
      /** 16 random bytes, lower-case hexadecimal. */
      nonce: secret(text),
      /** Names the master key that the code is derived from. */
      keyId: secret(text),
      issuedAt: instant,
      /** The claim that asked for it: says where the mail goes, and in which language. */
      claimNumber,
      form: oneOf(...codeForms),
    },
    happenedAt: 'issuedAt',
    sentence: ({ issueNumber, form }) =>
      `${form === 'long' ? 'Long activation code' : 'Activation code'} ${issueNumber} was issued` +
      (issueNumber === 1 ? '.' : '; earlier codes are void.'),
    samples: [
      {
        issueNumber: 3,
        nonce: 'ffeeddccbbaa99887766554433221100',
        keyId: 'k2',
        issuedAt: '2026-11-22T12:01:40.001Z',
        claimNumber: 2,
        form: 'short',
      },
      {
        issueNumber: 4,
        nonce: '0f1e2d3c4b5a69788796a5b4c3d2e1f0',
        keyId: 'k2',
        issuedAt: '2026-11-22T12:03:00.001Z',
        claimNumber: 2,
        form: 'long',
      },
    ],
  }),

  ActivationCodeSent: defineEvent({
    meaning: 'The e-mail provider accepted the mail: the minute runs',
    schemaVersion: 1,
    fields: {
      issueNumber,
      sentAt: instant,
      /** First instant at which the code is no longer accepted. */
      expiresAt: instant,
      providerMessageId: text,
    },
    happenedAt: 'sentAt',
    sentence: ({ issueNumber, expiresAt }) =>
      `Activation code ${issueNumber} was accepted by the e-mail provider; it can be used until ${timeOf(expiresAt)}.`,
    samples: [
      {
        issueNumber: 2,
        sentAt: '2026-11-22T12:00:41.500Z',
        expiresAt: '2026-11-22T12:01:41.500Z',
        providerMessageId: '4ef9a417-02e9-4d39-ad75-9611e0fcc33c',
      },
    ],
  }),

  ActivationCodeUndeliverable: defineEvent({
    meaning: 'The provider refused for good, or the delivery window passed',
    schemaVersion: 1,
    fields: { issueNumber, reason: text, attempts, abandonedAt: instant },
    happenedAt: 'abandonedAt',
    sentence: ({ issueNumber, attempts }) =>
      `Activation code ${issueNumber} could not be delivered; sending was given up after ${callsOf(attempts)} to the e-mail provider.`,
    samples: [
      {
        issueNumber: 1,
        reason: 'delivery window passed',
        attempts: 12,
        abandonedAt: '2026-11-22T12:15:00.000Z',
      },
    ],
  }),

  ActivationMailDelivered: defineEvent({
    meaning:
      'The provider reported that the mail reached the inbox ([ADR 22](adr/0022-what-a-provider-tells.md))',
    schemaVersion: 1,
    fields: {
      issueNumber,
      /** By the provider's clock. */
      deliveredAt: instant,
      providerEventId,
    },
    happenedAt: 'deliveredAt',
    sentence: ({ issueNumber }) => `The mail with activation code ${issueNumber} was delivered.`,
    samples: [
      {
        issueNumber: 2,
        deliveredAt: '2026-11-22T12:00:43.120Z',
        providerEventId: 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W',
      },
    ],
  }),

  ActivationMailBounced: defineEvent({
    meaning:
      'The provider reported that it came back; `permanent` makes the code undeliverable, after `transient` the provider goes on trying',
    schemaVersion: 1,
    fields: {
      issueNumber,
      kind: oneOf('permanent', 'transient'),
      /** By the provider's clock. */
      bouncedAt: instant,
      providerEventId,
    },
    happenedAt: 'bouncedAt',
    sentence: ({ issueNumber, kind }) =>
      kind === 'permanent'
        ? `The mail with activation code ${issueNumber} came back: the address takes no mail.`
        : `The mail with activation code ${issueNumber} was turned away for the time being; the e-mail provider goes on trying.`,
    samples: [
      {
        issueNumber: 2,
        kind: 'permanent',
        bouncedAt: '2026-11-22T12:00:44.000Z',
        providerEventId: 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4X',
      },
    ],
  }),

  ActivationMailReportedAsSpam: defineEvent({
    meaning: 'The owner of the address called the mail spam',
    schemaVersion: 1,
    fields: {
      issueNumber,
      /** By the provider's clock. */
      reportedAt: instant,
      providerEventId,
    },
    happenedAt: 'reportedAt',
    sentence: ({ issueNumber }) =>
      `The mail with activation code ${issueNumber} was reported as spam by the person who received it.`,
    samples: [
      {
        issueNumber: 2,
        reportedAt: '2026-11-22T13:30:00.000Z',
        providerEventId: 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4Y',
      },
    ],
  }),

  ActivationRefused: defineEvent({
    // A refusal that reveals nothing need not be counted.
    meaning:
      'A code was tried in vain. `incorrect` once per guess, the others once per issue and network',
    schemaVersion: 1,
    fields: {
      issueNumber,
      claimNumber,
      reason: oneOf('incorrect', 'expired', 'exhausted'),
      refusedAt: instant,
    },
    happenedAt: 'refusedAt',
    sentence: ({ issueNumber, reason }) => refusals[reason](issueNumber),
    samples: [
      {
        issueNumber: 2,
        claimNumber: 1,
        reason: 'incorrect',
        refusedAt: '2026-11-22T12:01:00.000Z',
      },
    ],
  }),

  AccountActivated: defineEvent({
    meaning:
      'The right code arrived in time: the claim whose password came with it is the account, the others ended',
    schemaVersion: 1,
    fields: { issueNumber, claimNumber, activatedAt: instant },
    happenedAt: 'activatedAt',
    sentence: ({ issueNumber }) => `The account was activated with activation code ${issueNumber}.`,
    samples: [{ issueNumber: 2, claimNumber: 1, activatedAt: '2026-11-22T12:01:41.499Z' }],
  }),

  AccountFreed: defineEvent({
    meaning:
      'An operator ended all claims on an address that waits for activation, and its code: the owner registers again ([ADR 117](adr/0117-freeing-an-address.md))',
    schemaVersion: 1,
    fields: {
      /** Claims that ended. */
      claims: wholeNumberFrom(0),
      freedAt: instant,
    },
    happenedAt: 'freedAt',
    sentence: ({ claims }) =>
      `An operator freed the address: ${claims === 1 ? 'the claim of 1 network' : `the claims of ${claims} networks`} on it ended, and so did its code.`,
    samples: [{ claims: 8, freedAt: '2026-11-22T12:04:00.000Z' }],
  }),

  OwnerNoticeIssued: defineEvent({
    meaning:
      'The address of an active account was registered: the owner gets a mail, once in 24 hours ([ADR 23](adr/0023-notice-to-the-owner.md))',
    schemaVersion: 1,
    fields: { noticeNumber, issuedAt: instant, language: oneOf(...mailLanguages) },
    happenedAt: 'issuedAt',
    sentence: ({ noticeNumber }) =>
      `Notice ${noticeNumber} was issued, to tell the owner that somebody registered the address again.`,
    samples: [{ noticeNumber: 1, issuedAt: '2026-11-23T08:30:00.250Z', language: 'en' }],
  }),

  OwnerNotified: defineEvent({
    meaning: 'The provider accepted the notice',
    schemaVersion: 1,
    fields: { noticeNumber, sentAt: instant, providerMessageId: text },
    happenedAt: 'sentAt',
    sentence: ({ noticeNumber }) =>
      `Notice ${noticeNumber} to the owner was accepted by the e-mail provider.`,
    samples: [
      {
        noticeNumber: 1,
        sentAt: '2026-11-23T08:30:01.000Z',
        providerMessageId: '9ef9a417-02e9-4d39-ad75-9611e0fcc33c',
      },
    ],
  }),

  OwnerNoticeUndeliverable: defineEvent({
    meaning: 'The notice was given up',
    schemaVersion: 1,
    fields: { noticeNumber, reason: text, attempts, abandonedAt: instant },
    happenedAt: 'abandonedAt',
    sentence: ({ noticeNumber, attempts }) =>
      `Notice ${noticeNumber} to the owner could not be delivered; sending was given up after ${callsOf(attempts)} to the e-mail provider.`,
    samples: [
      {
        noticeNumber: 1,
        reason: 'the provider answered 422',
        attempts: 1,
        abandonedAt: '2026-11-23T08:30:01.000Z',
      },
    ],
  }),

  RegistrationLapsed: defineEvent({
    meaning: 'It was never activated within the retention time: the person is forgotten',
    schemaVersion: 1,
    fields: {
      /** The newest registration that is forgotten; the keys of all up to it are destroyed. */
      registrationNumber: wholeNumberFrom(1),
      lapsedAt: instant,
    },
    happenedAt: 'lapsedAt',
    forgetsPerson: true,
    sentence: () =>
      'The registration was never completed; what was known of the person was forgotten, and the address is free again.',
    samples: [{ registrationNumber: 2, lapsedAt: '2026-12-22T12:00:00.000Z' }],
  }),

  AccountErased: defineEvent({
    meaning: 'An operator had the person forgotten ([ADR 60](adr/0060-forgetting-a-person.md))',
    schemaVersion: 1,
    fields: {
      /** UUID: the receipt that the operator was given. */
      receiptId: text,
      reason: oneOf(...erasureReasons),
      /** The newest registration that is forgotten; the keys of all up to it are destroyed. */
      registrationNumber: wholeNumberFrom(1),
      erasedAt: instant,
    },
    happenedAt: 'erasedAt',
    forgetsPerson: true,
    sentence: () =>
      'The account was erased; what was known of the person was forgotten, and the address is free again.',
    samples: [
      {
        receiptId: '0b0f5dcb-5a7c-4f6a-9f0e-2a1f6f2f7a55',
        reason: 'requested-by-owner',
        registrationNumber: 2,
        erasedAt: '2026-12-23T12:00:00.000Z',
      },
    ],
  }),
};

export type AccountEventType = keyof typeof accountEvents;

/** The same as a list. The compiler cannot follow that each data fits its fields; `defineEvent` has checked it. */
export const accountEventDefinitions = Object.entries(
  accountEvents,
) as unknown as readonly (readonly [type: AccountEventType, definition: EventDefinition])[];

/** Every type that a stream of an account can hold. */
export const accountEventTypes: readonly AccountEventType[] = accountEventDefinitions.map(
  ([type]) => type,
);

type EventOf<Type extends AccountEventType> = {
  readonly type: Type;
  readonly data: DataOf<(typeof accountEvents)[Type]['fields']>;
};

export type AccountEvent = { [Type in AccountEventType]: EventOf<Type> }[AccountEventType];

export type AccountRegistered = EventOf<'AccountRegistered'>;
export type RegistrationRenewed = EventOf<'RegistrationRenewed'>;
export type PasswordHashUpgraded = EventOf<'PasswordHashUpgraded'>;
export type RegistrationRefused = EventOf<'RegistrationRefused'>;
export type ActivationCodeIssued = EventOf<'ActivationCodeIssued'>;
export type ActivationCodeSent = EventOf<'ActivationCodeSent'>;
export type ActivationCodeUndeliverable = EventOf<'ActivationCodeUndeliverable'>;
export type ActivationMailDelivered = EventOf<'ActivationMailDelivered'>;
export type ActivationMailBounced = EventOf<'ActivationMailBounced'>;
export type ActivationMailReportedAsSpam = EventOf<'ActivationMailReportedAsSpam'>;
export type ActivationRefused = EventOf<'ActivationRefused'>;
export type AccountActivated = EventOf<'AccountActivated'>;
export type AccountFreed = EventOf<'AccountFreed'>;
export type OwnerNoticeIssued = EventOf<'OwnerNoticeIssued'>;
export type OwnerNotified = EventOf<'OwnerNotified'>;
export type OwnerNoticeUndeliverable = EventOf<'OwnerNoticeUndeliverable'>;
export type RegistrationLapsed = EventOf<'RegistrationLapsed'>;
export type AccountErased = EventOf<'AccountErased'>;

const refusals = {
  incorrect: (issueNumber: number) => `A wrong guess was made at activation code ${issueNumber}.`,
  expired: (issueNumber: number) =>
    `Activation code ${issueNumber} was tried after it had expired.`,
  exhausted: (issueNumber: number) =>
    `Activation code ${issueNumber} was tried when no guess was left.`,
};

function callsOf(attempts: number): string {
  return attempts === 1 ? '1 call' : `${attempts} calls`;
}

function timeOf(instant: Instant): string {
  return new Date(instant).toISOString();
}
