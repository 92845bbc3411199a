import type { AccountEvent } from '../account-events.js';
import type { StoredAccountEvent } from '../account-event-serde.js';

/**
 * One sample per type and version ever stored, beside the fact it must be read as. Samples are only added:
 * an old one that can no longer be read means histories that can no longer be read.
 */
export const storedAccountEvents: readonly {
  readonly stored: StoredAccountEvent;
  readonly event: AccountEvent;
  /** Written by an earlier program: still read, no longer written. */
  readonly outdated?: true;
}[] = [
  {
    stored: {
      type: 'AccountRegistered',
      schemaVersion: 1,
      data: {
        address: 'Ada@Example.org',
        passwordHash: 'v1$p1$2b$12$hash',
        registeredAt: '2026-11-22T12:00:00.000Z',
      },
    },
    event: {
      type: 'AccountRegistered',
      data: {
        address: 'Ada@Example.org',
        passwordHash: 'v1$p1$2b$12$hash',
        registeredAt: Date.UTC(2026, 10, 22, 12),
      },
    },
  },
  {
    stored: {
      type: 'RegistrationRenewed',
      schemaVersion: 1,
      data: { passwordHash: 'v1$p1$2b$12$other', renewedAt: '2026-11-22T12:00:40.001Z' },
    },
    event: {
      type: 'RegistrationRenewed',
      data: { passwordHash: 'v1$p1$2b$12$other', renewedAt: Date.UTC(2026, 10, 22, 12, 0, 40, 1) },
    },
  },
  {
    stored: {
      type: 'PasswordHashUpgraded',
      schemaVersion: 1,
      data: { passwordHash: 'v1$p2$2b$12$newer', upgradedAt: '2026-11-22T12:00:50.000Z' },
    },
    event: {
      type: 'PasswordHashUpgraded',
      data: { passwordHash: 'v1$p2$2b$12$newer', upgradedAt: Date.UTC(2026, 10, 22, 12, 0, 50) },
    },
  },
  {
    stored: {
      type: 'RegistrationRefused',
      schemaVersion: 1,
      data: { reason: 'already-active', refusedAt: '2026-11-23T08:30:00.250Z' },
    },
    event: {
      type: 'RegistrationRefused',
      data: { reason: 'already-active', refusedAt: Date.UTC(2026, 10, 23, 8, 30, 0, 250) },
    },
  },
  {
    // From before anybody was asked for a language.
    outdated: true,
    stored: {
      type: 'ActivationCodeIssued',
      schemaVersion: 1,
      data: {
        issueNumber: 2,
        nonce: '00112233445566778899aabbccddeeff',
        keyId: 'k1',
        issuedAt: '2026-11-22T12:00:40.001Z',
      },
    },
    event: {
      type: 'ActivationCodeIssued',
      data: {
        issueNumber: 2,
        nonce: '00112233445566778899aabbccddeeff',
        keyId: 'k1',
        issuedAt: Date.UTC(2026, 10, 22, 12, 0, 40, 1),
        language: 'en',
      },
    },
  },
  {
    stored: {
      type: 'ActivationCodeIssued',
      schemaVersion: 1,
      data: {
        issueNumber: 3,
        nonce: 'ffeeddccbbaa99887766554433221100',
        keyId: 'k2',
        issuedAt: '2026-11-22T12:01:40.001Z',
        language: 'fr',
      },
    },
    event: {
      type: 'ActivationCodeIssued',
      data: {
        issueNumber: 3,
        nonce: 'ffeeddccbbaa99887766554433221100',
        keyId: 'k2',
        issuedAt: Date.UTC(2026, 10, 22, 12, 1, 40, 1),
        language: 'fr',
      },
    },
  },
  {
    stored: {
      type: 'ActivationCodeSent',
      schemaVersion: 1,
      data: {
        issueNumber: 2,
        sentAt: '2026-11-22T12:00:41.500Z',
        expiresAt: '2026-11-22T12:01:41.500Z',
        providerMessageId: '4ef9a417-02e9-4d39-ad75-9611e0fcc33c',
      },
    },
    event: {
      type: 'ActivationCodeSent',
      data: {
        issueNumber: 2,
        sentAt: Date.UTC(2026, 10, 22, 12, 0, 41, 500),
        expiresAt: Date.UTC(2026, 10, 22, 12, 1, 41, 500),
        providerMessageId: '4ef9a417-02e9-4d39-ad75-9611e0fcc33c',
      },
    },
  },
  {
    stored: {
      type: 'ActivationCodeUndeliverable',
      schemaVersion: 1,
      data: {
        issueNumber: 1,
        reason: 'delivery window passed',
        attempts: 12,
        abandonedAt: '2026-11-22T12:15:00.000Z',
      },
    },
    event: {
      type: 'ActivationCodeUndeliverable',
      data: {
        issueNumber: 1,
        reason: 'delivery window passed',
        attempts: 12,
        abandonedAt: Date.UTC(2026, 10, 22, 12, 15),
      },
    },
  },
  {
    stored: {
      type: 'ActivationMailDelivered',
      schemaVersion: 1,
      data: {
        issueNumber: 2,
        deliveredAt: '2026-11-22T12:00:43.120Z',
        providerEventId: 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W',
      },
    },
    event: {
      type: 'ActivationMailDelivered',
      data: {
        issueNumber: 2,
        deliveredAt: Date.UTC(2026, 10, 22, 12, 0, 43, 120),
        providerEventId: 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W',
      },
    },
  },
  {
    stored: {
      type: 'ActivationMailBounced',
      schemaVersion: 1,
      data: {
        issueNumber: 2,
        kind: 'permanent',
        bouncedAt: '2026-11-22T12:00:44.000Z',
        providerEventId: 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4X',
      },
    },
    event: {
      type: 'ActivationMailBounced',
      data: {
        issueNumber: 2,
        kind: 'permanent',
        bouncedAt: Date.UTC(2026, 10, 22, 12, 0, 44),
        providerEventId: 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4X',
      },
    },
  },
  {
    stored: {
      type: 'ActivationMailReportedAsSpam',
      schemaVersion: 1,
      data: {
        issueNumber: 2,
        reportedAt: '2026-11-22T13:30:00.000Z',
        providerEventId: 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4Y',
      },
    },
    event: {
      type: 'ActivationMailReportedAsSpam',
      data: {
        issueNumber: 2,
        reportedAt: Date.UTC(2026, 10, 22, 13, 30),
        providerEventId: 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4Y',
      },
    },
  },
  {
    stored: {
      type: 'OwnerNoticeIssued',
      schemaVersion: 1,
      data: { noticeNumber: 1, issuedAt: '2026-11-23T08:30:00.250Z', language: 'en' },
    },
    event: {
      type: 'OwnerNoticeIssued',
      data: { noticeNumber: 1, issuedAt: Date.UTC(2026, 10, 23, 8, 30, 0, 250), language: 'en' },
    },
  },
  {
    stored: {
      type: 'OwnerNotified',
      schemaVersion: 1,
      data: {
        noticeNumber: 1,
        sentAt: '2026-11-23T08:30:01.000Z',
        providerMessageId: '9ef9a417-02e9-4d39-ad75-9611e0fcc33c',
      },
    },
    event: {
      type: 'OwnerNotified',
      data: {
        noticeNumber: 1,
        sentAt: Date.UTC(2026, 10, 23, 8, 30, 1),
        providerMessageId: '9ef9a417-02e9-4d39-ad75-9611e0fcc33c',
      },
    },
  },
  {
    stored: {
      type: 'OwnerNoticeUndeliverable',
      schemaVersion: 1,
      data: {
        noticeNumber: 1,
        reason: 'the provider answered 422',
        attempts: 1,
        abandonedAt: '2026-11-23T08:30:01.000Z',
      },
    },
    event: {
      type: 'OwnerNoticeUndeliverable',
      data: {
        noticeNumber: 1,
        reason: 'the provider answered 422',
        attempts: 1,
        abandonedAt: Date.UTC(2026, 10, 23, 8, 30, 1),
      },
    },
  },
  {
    stored: {
      type: 'ActivationRefused',
      schemaVersion: 1,
      data: { issueNumber: 2, reason: 'incorrect', refusedAt: '2026-11-22T12:01:00.000Z' },
    },
    event: {
      type: 'ActivationRefused',
      data: { issueNumber: 2, reason: 'incorrect', refusedAt: Date.UTC(2026, 10, 22, 12, 1) },
    },
  },
  {
    stored: {
      type: 'AccountActivated',
      schemaVersion: 1,
      data: { issueNumber: 2, activatedAt: '2026-11-22T12:01:41.499Z' },
    },
    event: {
      type: 'AccountActivated',
      data: { issueNumber: 2, activatedAt: Date.UTC(2026, 10, 22, 12, 1, 41, 499) },
    },
  },
  {
    // Of an address whose person before was forgotten.
    stored: {
      type: 'AccountRegistered',
      schemaVersion: 1,
      data: {
        address: 'ada@example.org',
        passwordHash: 'v1$p1$2b$12$third',
        registeredAt: '2026-12-24T12:00:00.000Z',
        registrationNumber: 3,
      },
    },
    event: {
      type: 'AccountRegistered',
      data: {
        address: 'ada@example.org',
        passwordHash: 'v1$p1$2b$12$third',
        registeredAt: Date.UTC(2026, 11, 24, 12),
        registrationNumber: 3,
      },
    },
  },
  {
    stored: {
      type: 'RegistrationLapsed',
      schemaVersion: 1,
      data: { registrationNumber: 2, lapsedAt: '2026-12-22T12:00:00.000Z' },
    },
    event: {
      type: 'RegistrationLapsed',
      data: { registrationNumber: 2, lapsedAt: Date.UTC(2026, 11, 22, 12) },
    },
  },
  {
    stored: {
      type: 'AccountErased',
      schemaVersion: 1,
      data: {
        receiptId: '0b0f5dcb-5a7c-4f6a-9f0e-2a1f6f2f7a55',
        reason: 'requested-by-owner',
        registrationNumber: 2,
        erasedAt: '2026-12-23T12:00:00.000Z',
      },
    },
    event: {
      type: 'AccountErased',
      data: {
        receiptId: '0b0f5dcb-5a7c-4f6a-9f0e-2a1f6f2f7a55',
        reason: 'requested-by-owner',
        registrationNumber: 2,
        erasedAt: Date.UTC(2026, 11, 23, 12),
      },
    },
  },
];
