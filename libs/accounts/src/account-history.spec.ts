import { describe, expect, it } from '@jest/globals';
import type { AccountEvent } from './account-events.js';
import { sentenceOf } from './account-history.js';
import {
  accountActivated,
  accountRegistered,
  activationRefused,
  ada,
  codeIssued,
  codeSent,
  codeUndeliverable,
  noon,
  registrationRefused,
  registrationRenewed,
} from './testing/account-examples.js';
import { storedAccountEvents } from './testing/stored-account-events.js';

describe('The sentence', () => {
  const sentences: [AccountEvent, string][] = [
    [accountRegistered(), 'The address was registered.'],
    [
      registrationRenewed(noon),
      'The address was registered again before it was activated; the new password replaced the old one.',
    ],
    [
      registrationRefused(noon),
      'Somebody registered the address although its account is active; nothing changed.',
    ],
    [codeIssued(1), 'Activation code 1 was issued.'],
    [codeIssued(2), 'Activation code 2 was issued; earlier codes are void.'],
    [
      codeSent(2),
      'Activation code 2 was accepted by the e-mail provider; it can be used until 2026-11-22T12:01:00.000Z.',
    ],
    [
      codeUndeliverable(3, noon),
      'Activation code 3 could not be delivered; sending was given up after 1 call to the e-mail provider.',
    ],
    [activationRefused(1, 'incorrect', noon), 'A wrong guess was made at activation code 1.'],
    [activationRefused(1, 'expired', noon), 'Activation code 1 was tried after it had expired.'],
    [
      activationRefused(1, 'exhausted', noon),
      'Activation code 1 was tried when no guess was left.',
    ],
    [accountActivated(1, noon), 'The account was activated with activation code 1.'],
  ];
  for (const [event, sentence] of sentences) {
    it(sentence, () => expect(sentenceOf(event)).toBe(sentence));
  }

  it('holds nothing that tells who somebody is, and no nonce', () => {
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
