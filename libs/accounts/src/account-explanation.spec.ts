import { describe, expect, it } from '@jest/globals';
import { explainAccount } from './account-explanation.js';
import type { AccountEvent } from './account-events.js';
import { defaultActivationPolicy } from './activation-policy.js';
import {
  accountFreed,
  accountRegistered,
  activationRefused,
  activeAccount,
  ada,
  codeIssued,
  codeSent,
  codeUndeliverable,
  DAY,
  HOUR,
  MINUTE,
  noon,
  pendingAccount,
  registrationRenewed,
  SECOND,
} from './testing/account-examples.js';

function explain(now: number, ...events: readonly AccountEvent[]) {
  return explainAccount(events, now, defaultActivationPolicy);
}

describe('The explanation of an account', () => {
  it('explains why a person could not activate, with what did not happen', () => {
    const at = (seconds: number) => noon + seconds * SECOND;
    const { conclusion, steps } = explain(
      at(3_600),
      accountRegistered(at(0)),
      codeIssued(1, at(0)),
      codeSent(1, at(1)),
      activationRefused(1, 'incorrect', at(20)),
      activationRefused(1, 'incorrect', at(31)),
      activationRefused(1, 'expired', at(90)),
    );
    expect(steps.map(({ at: instant, sentence }) => [(instant - noon) / SECOND, sentence])).toEqual(
      [
        [0, 'The address was registered.'],
        [0, 'Activation code 1 was issued.'],
        [
          1,
          'Activation code 1 was accepted by the e-mail provider; it can be used until 2026-11-22T12:01:01.000Z.',
        ],
        [20, 'Activation code 1 was guessed wrong twice.'],
        [61, 'The time of activation code 1 was over.'],
        [90, 'Activation code 1 was tried after it had expired.'],
      ],
    );
    expect(conclusion).toBe(
      'The account is not activated: the time of code 1 was over at 2026-11-22T12:01:01.000Z, ' +
        'after it was guessed wrong twice, and no new code was asked for.',
    );
  });

  it.each<[string, number, readonly AccountEvent[], string]>([
    ['an address that is not registered', 0, [], 'The address is not registered.'],
    [
      'active',
      HOUR,
      activeAccount,
      'The account is active since 2026-11-22T12:00:10.000Z, activated with code 1.',
    ],
    [
      'mail on its way',
      SECOND,
      [accountRegistered(), codeIssued()],
      'The account is not activated: code 1 waits for the e-mail provider to accept it since 2026-11-22T12:00:00.000Z.',
    ],
    [
      'code usable',
      59 * SECOND,
      pendingAccount,
      'The account is not activated: code 1 can be used until 2026-11-22T12:01:00.000Z.',
    ],
    [
      'minute over',
      MINUTE,
      pendingAccount,
      'The account is not activated: the time of code 1 was over at 2026-11-22T12:01:00.000Z, and no new code was asked for.',
    ],
    [
      'undeliverable',
      HOUR,
      [accountRegistered(), codeIssued(), codeUndeliverable(1, noon + MINUTE)],
      'The account is not activated: code 1 could not be delivered, and no new code was asked for.',
    ],
    [
      'burnt',
      30 * SECOND,
      [...pendingAccount, ...[1, 2, 3].map((s) => activationRefused(1, 'incorrect', noon + s))],
      'The account is not activated: code 1 was burnt by 3 wrong guesses, and no new code was asked for.',
    ],
    [
      'no guess left for the day',
      HOUR,
      [
        ...pendingAccount,
        ...[1, 2, 3, 4].flatMap((issueNumber) => [
          codeIssued(issueNumber),
          ...Array.from({ length: issueNumber < 4 ? 3 : 1 }, () =>
            activationRefused(issueNumber, 'incorrect', noon + SECOND),
          ),
        ]),
        codeIssued(5, noon + SECOND, 1, 'long'),
        codeSent(5, noon + HOUR),
      ],
      'The account is not activated: code 5 can be used until 2026-11-22T13:01:00.000Z. The address is contested: 1 network used up its wrong guesses at codes of four digits, and its codes are long until 2026-11-23T12:00:01.000Z.',
    ],
    [
      'several networks guessed',
      HOUR,
      [
        ...pendingAccount,
        registrationRenewed(noon, { network: 'train' }),
        ...[1, 2, 3].flatMap((issueNumber) => [
          codeIssued(issueNumber),
          ...Array.from({ length: 2 }, () =>
            activationRefused(issueNumber, 'incorrect', noon + SECOND),
          ),
          ...Array.from({ length: 2 }, () =>
            activationRefused(issueNumber, 'incorrect', noon + SECOND, 2),
          ),
        ]),
        codeIssued(4, noon + SECOND, 1, 'long'),
        codeSent(4, noon + HOUR),
      ],
      'The account is not activated: code 4 can be used until 2026-11-22T13:01:00.000Z. The address is contested: 2 networks used up its wrong guesses at codes of four digits, and its codes are long until 2026-11-23T12:00:01.000Z.',
    ],
    [
      'freed',
      HOUR,
      [...pendingAccount, accountFreed(noon + SECOND, 1)],
      'The account is not activated: an operator freed the address, and it was not registered since.',
    ],
    [
      'registered without a code',
      HOUR,
      [accountRegistered()],
      'The account is not activated: no code was issued.',
    ],
  ])('concludes: %s', (_, afterMs, events, conclusion) => {
    expect(explain(noon + afterMs, ...events).conclusion).toBe(conclusion);
  });

  it('does not call the time of a code over that was used or replaced before', () => {
    const over = (events: readonly AccountEvent[]) =>
      explain(noon + DAY, ...events).steps.filter(({ sentence }) => /was over/.test(sentence));
    expect(over(activeAccount)).toEqual([]);
    expect(over([...pendingAccount, codeIssued(2, noon + 40 * SECOND)])).toEqual([]);
    expect(over([...pendingAccount, codeIssued(2, noon + 70 * SECOND)])).toHaveLength(1);
  });

  it('holds no personal data', () => {
    const text = JSON.stringify(explain(noon + DAY, ...activeAccount));
    expect(text).not.toContain(ada.address);
  });
});
