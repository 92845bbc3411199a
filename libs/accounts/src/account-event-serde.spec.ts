import { describe, expect, it } from '@jest/globals';
import type { AccountEventType } from './account-events.js';
import {
  fromStored,
  MalformedAccountEvent,
  personalFields,
  toStored,
  UnknownAccountEvent,
} from './account-event-serde.js';
import { storedAccountEvents } from './testing/stored-account-events.js';

describe('A stored sample', () => {
  for (const { stored, event, outdated } of storedAccountEvents) {
    const what = `${stored.type}, version ${stored.schemaVersion}${outdated ? ', outdated' : ''}`;

    it(`of ${what} is read as the fact it was`, () => {
      expect(fromStored(stored)).toEqual(event);
    });

    if (outdated) {
      it(`of ${what} is no longer written, and its fact is read back the same`, () => {
        expect(toStored(event)).not.toEqual(stored);
        expect(fromStored(toStored(event))).toEqual(event);
      });
    } else {
      it(`of ${what} is what the fact is stored as`, () => {
        expect(toStored(event)).toEqual(stored);
      });
    }

    it(`of ${what} is refused when a field is missing or of another kind`, () => {
      const data = stored.data as Record<string, unknown>;
      for (const field of Object.keys(data)) {
        for (const value of [undefined, null, true, {}, [], -1, 1.5, Number.NaN]) {
          if (value === undefined && isAddedLater(stored.type, field)) continue;
          const faulty = { ...stored, data: { ...data, [field]: value } };
          expect(() => fromStored(faulty)).toThrow(
            new MalformedAccountEvent(stored.type, stored.schemaVersion, field),
          );
        }
      }
    });

    it(`of ${what} may have fields that nobody asks for`, () => {
      const data = { ...(stored.data as object), added: 'later' };
      expect(fromStored({ ...stored, data })).toEqual(event);
    });
  }

  it('exists for every type', () => {
    const types = new Set(storedAccountEvents.map(({ stored }) => stored.type));
    expect([...types].sort()).toEqual(Object.keys(personalFields).sort());
  });
});

/** Fields that the first samples of their type do not have. */
function isAddedLater(type: string, field: string): boolean {
  return storedAccountEvents.some(
    ({ stored }) => stored.type === type && !Object.hasOwn(stored.data as object, field),
  );
}

describe('What cannot be read', () => {
  it('is a type nobody knows', () => {
    for (const type of ['AccountRenamed', '', 'constructor', '__proto__', 'toString']) {
      expect(() => fromStored({ type, schemaVersion: 1, data: {} })).toThrow(UnknownAccountEvent);
    }
  });

  it('is a version nobody knows', () => {
    for (const { stored } of storedAccountEvents) {
      for (const schemaVersion of [0, 2, 1.5, Number.NaN]) {
        expect(() => fromStored({ ...stored, schemaVersion })).toThrow(UnknownAccountEvent);
      }
    }
  });

  it('is data that is no object', () => {
    for (const data of [undefined, null, 'text', 7]) {
      expect(() => fromStored({ type: 'AccountActivated', schemaVersion: 1, data })).toThrow(
        new MalformedAccountEvent('AccountActivated', 1, 'data'),
      );
    }
  });

  it('is a time in any form but ISO 8601 in UTC with milliseconds', () => {
    for (const activatedAt of [
      '2026-11-22',
      '2026-11-22T12:00:00Z',
      '2026-11-22T12:00:00.000+01:00',
      '2026-02-30T12:00:00.000Z',
      'Sun, 22 Nov 2026 12:00:00 GMT',
      '',
      1795348800000,
    ]) {
      const data = { issueNumber: 1, activatedAt };
      expect(() => fromStored({ type: 'AccountActivated', schemaVersion: 1, data })).toThrow(
        new MalformedAccountEvent('AccountActivated', 1, 'activatedAt'),
      );
    }
  });

  it('is a word that is none of those agreed', () => {
    const data = { issueNumber: 1, reason: 'bored', refusedAt: '2026-11-22T12:00:00.000Z' };
    expect(() => fromStored({ type: 'ActivationRefused', schemaVersion: 1, data })).toThrow(
      new MalformedAccountEvent('ActivationRefused', 1, 'reason'),
    );
  });

  it('is told without quoting the data', () => {
    const data = { address: 'ada@example.org', passwordHash: 7, registeredAt: 'never' };
    expect(() => fromStored({ type: 'AccountRegistered', schemaVersion: 1, data })).toThrow(
      /^AccountRegistered in version 1 has no valid passwordHash$/,
    );
  });
});

describe('Personal data', () => {
  it('is named per type', () => {
    const expected: Record<AccountEventType, readonly string[]> = {
      AccountRegistered: ['address', 'passwordHash'],
      RegistrationRenewed: ['passwordHash'],
      PasswordHashUpgraded: ['passwordHash'],
      RegistrationRefused: [],
      ActivationCodeIssued: [],
      ActivationCodeSent: [],
      ActivationCodeUndeliverable: [],
      ActivationMailDelivered: [],
      ActivationMailBounced: [],
      ActivationMailReportedAsSpam: [],
      ActivationRefused: [],
      AccountActivated: [],
      OwnerNoticeIssued: [],
      OwnerNotified: [],
      OwnerNoticeUndeliverable: [],
      RegistrationLapsed: [],
      AccountErased: [],
    };
    expect(personalFields).toEqual(expected);
  });
});
