import { describe, expect, it } from '@jest/globals';
import { accountEventTypes, type AccountEvent } from './account-events.js';
import {
  fromStored,
  fromStoredHiding,
  instantOf,
  listedDataOf,
  MalformedAccountEvent,
  personalFieldsOf,
  readableDataOf,
  sentenceOf,
  toStored,
  UnknownAccountEvent,
} from './account-event-serde.js';
import {
  accountActivated,
  accountErased,
  accountFreed,
  accountRegistered,
  activationRefused,
  ada,
  codeIssued,
  codeSent,
  codeUndeliverable,
  mailBounced,
  mailDelivered,
  mailReportedAsSpam,
  noon,
  ownerNoticeIssued,
  ownerNoticeUndeliverable,
  ownerNotified,
  registeredAnew,
  registrationRefused,
  registrationRenewed,
} from './testing/account-examples.js';
import { storedAccountEvents } from './testing/stored-account-events.js';

describe('A stored sample', () => {
  for (const { stored, event, isOutdated } of storedAccountEvents) {
    const what = `${stored.type}, version ${stored.schemaVersion}${isOutdated ? ', outdated' : ''}`;

    it(`of ${what} is read with every value it holds, instants as milliseconds`, () => {
      const data = Object.entries(stored.data as object).map(([name, value]: [string, unknown]) => [
        name,
        typeof value === 'string' && /^\d{4}-.*Z$/.test(value) ? Date.parse(value) : value,
      ]);
      expect(event).toMatchObject({ type: stored.type, data: Object.fromEntries(data) });
      expect(instantOf(event)).toBeGreaterThan(Date.UTC(2026, 10, 1));
    });

    if (isOutdated) {
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

    it(`of ${what} may have fields that its shape does not name`, () => {
      const data = { ...(stored.data as object), added: 'later' };
      expect(fromStored({ ...stored, data })).toEqual(event);
    });
  }
});

/** Fields that the first samples of their type do not have. */
function isAddedLater(type: string, field: string): boolean {
  return storedAccountEvents.some(
    ({ stored }) => stored.type === type && !Object.hasOwn(stored.data as object, field),
  );
}

describe('What cannot be read', () => {
  it('is an unknown type', () => {
    for (const type of ['AccountRenamed', '', 'constructor', '__proto__', 'toString']) {
      expect(() => fromStored({ type, schemaVersion: 1, data: {} })).toThrow(UnknownAccountEvent);
    }
  });

  it('is an unknown version', () => {
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
      const data = { issueNumber: 1, claimNumber: 1, activatedAt };
      expect(() => fromStored({ type: 'AccountActivated', schemaVersion: 1, data })).toThrow(
        new MalformedAccountEvent('AccountActivated', 1, 'activatedAt'),
      );
    }
  });

  it('is a word that is none of those agreed', () => {
    const data = {
      issueNumber: 1,
      claimNumber: 1,
      reason: 'bored',
      refusedAt: '2026-11-22T12:00:00.000Z',
    };
    expect(() => fromStored({ type: 'ActivationRefused', schemaVersion: 1, data })).toThrow(
      new MalformedAccountEvent('ActivationRefused', 1, 'reason'),
    );
  });

  it('is reported without quoting the data', () => {
    const data = { address: 'ada@example.org', passwordHash: 7, registeredAt: 'never' };
    expect(() => fromStored({ type: 'AccountRegistered', schemaVersion: 1, data })).toThrow(
      /^AccountRegistered in version 1 has no valid passwordHash$/,
    );
  });
});

describe('Personal data', () => {
  it('is in these fields alone', () => {
    const named = accountEventTypes.flatMap((type) =>
      personalFieldsOf(type).map((field) => `${type}.${field}`),
    );
    expect(named).toEqual([
      'AccountRegistered.address',
      'AccountRegistered.passwordHash',
      'AccountRegistered.networkKey',
      'RegistrationRenewed.address',
      'RegistrationRenewed.passwordHash',
      'PasswordHashUpgraded.passwordHash',
    ]);
    expect(personalFieldsOf('AccountRenamed')).toEqual([]);
  });

  it('can be hidden without being readable', () => {
    const { type, schemaVersion, data } = toStored(accountRegistered());
    const sealed = { ...(data as object), address: { sealed: 'AAAA' }, passwordHash: undefined };
    expect(fromStoredHiding({ type, schemaVersion, data: sealed }, '')).toEqual({
      type,
      data: {
        address: '',
        passwordHash: '',
        networkKey: '',
        network: ada.network,
        language: ada.language,
        registeredAt: noon,
      },
    });
  });
});

describe('The readable data of an event', () => {
  it('leaves out what passwords and codes could be found with, of every event ever stored', () => {
    for (const { event } of storedAccountEvents) {
      const text = JSON.stringify(readableDataOf(event));
      expect(text).not.toMatch(/passwordHash|nonce|keyId|\$2b\$/);
    }
  });

  it('shows the rest, instants as text', () => {
    expect(readableDataOf(accountRegistered())).toEqual({
      address: ada.address,
      network: ada.network,
      language: ada.language,
      registeredAt: '2026-11-22T12:00:00.000Z',
    });
  });

  it('is narrowed to what holds no free text: numbers, instants and words from lists', () => {
    expect(listedDataOf(registeredAnew(noon))).toEqual({
      language: ada.language,
      registeredAt: '2026-11-22T12:00:00.000Z',
      registrationNumber: 2,
    });
    expect(listedDataOf(codeIssued(2))).toEqual({
      issueNumber: 2,
      issuedAt: '2026-11-22T12:00:00.000Z',
      claimNumber: 1,
      form: 'short',
    });
    expect(listedDataOf(accountErased(noon))).toMatchObject({ reason: 'requested-by-owner' });
    expect(listedDataOf(codeUndeliverable(1, noon))).not.toHaveProperty('reason');
  });
});

describe('The sentence', () => {
  const sentences: [AccountEvent, string][] = [
    [accountRegistered(), 'The address was registered.'],
    [
      registrationRenewed(noon),
      'The address was registered again before it was activated; a password that the same network had chosen before no longer counts.',
    ],
    [
      registrationRefused(noon),
      'Somebody registered the address although its account is active; nothing changed.',
    ],
    [codeIssued(1), 'Activation code 1 was issued.'],
    [codeIssued(2), 'Activation code 2 was issued; earlier codes are void.'],
    [codeIssued(3, noon, 1, 'long'), 'Long activation code 3 was issued; earlier codes are void.'],
    [
      codeSent(2),
      'Activation code 2 was accepted by the e-mail provider; it can be used until 2026-11-22T12:01:00.000Z.',
    ],
    [
      codeUndeliverable(3, noon),
      'Activation code 3 could not be delivered; sending was given up after 1 call to the e-mail provider.',
    ],
    [mailDelivered(2, noon), 'The mail with activation code 2 was delivered.'],
    [
      mailBounced(2, 'permanent', noon),
      'The mail with activation code 2 came back: the address takes no mail.',
    ],
    [
      mailBounced(2, 'transient', noon),
      'The mail with activation code 2 was turned away for the time being; the e-mail provider goes on trying.',
    ],
    [
      mailReportedAsSpam(2, noon),
      'The mail with activation code 2 was reported as spam by the person who received it.',
    ],
    [
      ownerNoticeIssued(1, noon),
      'Notice 1 was issued, to tell the owner that somebody registered the address again.',
    ],
    [ownerNotified(1, noon), 'Notice 1 to the owner was accepted by the e-mail provider.'],
    [
      ownerNoticeUndeliverable(1, noon),
      'Notice 1 to the owner could not be delivered; sending was given up after 2 calls to the e-mail provider.',
    ],
    [activationRefused(1, 'incorrect', noon), 'A wrong guess was made at activation code 1.'],
    [activationRefused(1, 'expired', noon), 'Activation code 1 was tried after it had expired.'],
    [
      activationRefused(1, 'exhausted', noon),
      'Activation code 1 was tried when no guess was left.',
    ],
    [
      accountFreed(noon, 8),
      'An operator freed the address: the claims of 8 networks on it ended, and so did its code.',
    ],
    [
      accountFreed(noon, 1),
      'An operator freed the address: the claim of 1 network on it ended, and so did its code.',
    ],
    [accountActivated(1, noon), 'The account was activated with activation code 1.'],
  ];
  for (const [event, sentence] of sentences) {
    it(sentence, () => expect(sentenceOf(event)).toBe(sentence));
  }

  it('holds no personal data and no nonce', () => {
    for (const event of [accountRegistered(), registrationRenewed(noon), codeIssued()]) {
      const { length } = [ada.address, ada.passwordHash, ada.newPasswordHash, 'nonce'].filter(
        (text) => sentenceOf(event).includes(text),
      );
      expect(length).toBe(0);
    }
  });

  it('counts calls', () => {
    const given = storedAccountEvents.find(
      ({ event }) => event.type === 'ActivationCodeUndeliverable',
    );
    expect(given && sentenceOf(given.event)).toContain('after 12 calls');
  });
});
