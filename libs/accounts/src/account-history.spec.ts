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
  mailBounced,
  mailDelivered,
  mailReportedAsSpam,
  noon,
  ownerNoticeIssued,
  ownerNoticeUndeliverable,
  ownerNotified,
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
      'The mail with activation code 2 was reported as spam by whoever received it.',
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
