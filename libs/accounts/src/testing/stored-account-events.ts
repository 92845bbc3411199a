import type { AccountEvent } from '../account-events.js';
import type { StoredAccountEvent } from '../account-event-serde.js';

/**
 * One sample per type and version ever stored, beside the fact it must be read as. Samples are only added:
 * an old one that can no longer be read means histories that can no longer be read.
 */
export const storedAccountEvents: readonly {
  readonly stored: StoredAccountEvent;
  readonly event: AccountEvent;
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
];
