import { describe, expect, it } from '@jest/globals';
import type { Account } from './account.js';
import { accountDecider } from './account-decider.js';
import {
  AccountAlreadyActive,
  AccountNotRegistered,
  ActivationCodeExhausted,
  ActivationCodeExpired,
  ActivationCodeIncorrect,
  ActivationCodeMissing,
  ActivationCodeOfOtherForm,
  CredentialsSuperseded,
} from './account-errors.js';
import type { AccountEvent } from './account-events.js';
import type { ActivateAccount } from './activate-account.js';
import { activationOutcome } from './activation-outcome.js';
import { defaultActivationPolicy } from './activation-policy.js';
import {
  accountActivated,
  accountRegistered,
  activationRefused,
  activeAccount,
  ada,
  codeIssued,
  codeSent,
  codeUndeliverable,
  DAY,
  exampleCode,
  exampleLongCode,
  exampleNonce,
  HOUR,
  MINUTE,
  mailBounced,
  registrationLapsed,
  noon,
  pendingAccount,
  registrationRenewed,
  SECOND,
  wrongCode,
  wrongLongCode,
} from './testing/account-examples.js';
import { givenWhenThen, particularsOf, type Decided } from './testing/given-when-then.js';

const policy = defaultActivationPolicy;
const given = givenWhenThen(accountDecider(policy), expect);

function guess(code: string, now: number, change: Partial<ActivateAccount> = {}): ActivateAccount {
  return {
    type: 'ActivateAccount',
    provenClaim: 1,
    guess: code,
    expected: { issueNumber: 1, code: exampleCode(1) },
    nonce: exampleNonce(2),
    keyId: ada.keyId,
    now,
    ...change,
  };
}

function guessAtIssue(issueNumber: number, code: string, now: number): ActivateAccount {
  return guess(code, now, { expected: { issueNumber, code: exampleCode(issueNumber) } });
}

/** The caller's answer; an error with all its particulars. */
function answered({ state, events }: Decided<Account, AccountEvent>): unknown {
  return particularsOf(activationOutcome(state, events, policy));
}

/** `count` wrong guesses at one issue, a second apart. */
function wrongGuesses(count: number, issueNumber: number, from: number): AccountEvent[] {
  return Array.from({ length: count }, (_, n) =>
    activationRefused(issueNumber, 'incorrect', from + n * SECOND),
  );
}

/** A code of its own issued and sent at each instant, with as many wrong guesses as it says. */
function guessedWrong(...batches: [at: number, guesses: number][]): AccountEvent[] {
  return [
    accountRegistered(),
    ...batches.flatMap(([at, guesses], index) => [
      codeIssued(index + 1, at),
      codeSent(index + 1, at),
      ...wrongGuesses(guesses, index + 1, at),
    ]),
  ];
}

describe('The right code', () => {
  it('activates the account', () => {
    const decided = given(...pendingAccount).when(guess('0001', noon + SECOND));
    decided.then(accountActivated(1, noon + SECOND));
    expect(answered(decided)).toEqual({ activatedAt: noon + SECOND });
    expect(decided.state).toMatchObject({
      status: 'active',
      registrationNumber: 1,
      registeredAt: noon,
      activatedAt: noon + SECOND,
      lastIssueNumber: 1,
    });
  });

  it('activates 59.999 s after it was sent, and no longer after 60 s', () => {
    given(...pendingAccount)
      .when(guess('0001', noon + 59_999))
      .then(accountActivated(1, noon + 59_999));
    given(...pendingAccount)
      .when(guess('0001', noon + 60_000))
      .then(activationRefused(1, 'expired', noon + 60_000));
  });

  it('counts the minute from the dispatch, not from the issue', () => {
    const sentLate = [accountRegistered(), codeIssued(), codeSent(1, noon + 10 * MINUTE)];
    given(...sentLate)
      .when(guess('0001', noon + 10 * MINUTE + 59_999))
      .then(accountActivated(1, noon + 10 * MINUTE + 59_999));
  });

  it('activates before its dispatch is on record, until the last possible minute is over', () => {
    const unsent = [accountRegistered(), codeIssued()];
    given(...unsent)
      .when(guess('0001', noon + SECOND))
      .then(accountActivated(1, noon + SECOND));
    given(...unsent)
      .when(guess('0001', noon + 16 * MINUTE - 1))
      .then(accountActivated(1, noon + 16 * MINUTE - 1));
    const late = given(...unsent).when(guess('0001', noon + 16 * MINUTE));
    late.then(activationRefused(1, 'expired', noon + 16 * MINUTE));
    expect(answered(late)).toEqual(particularsOf(new ActivationCodeExpired(noon + 16 * MINUTE)));
  });

  it('of an earlier issue is a wrong guess', () => {
    given(...pendingAccount, codeIssued(2, noon + 30 * SECOND))
      .when(guessAtIssue(2, exampleCode(1), noon + 31 * SECOND))
      .then(activationRefused(2, 'incorrect', noon + 31 * SECOND));
  });

  it('after two wrong ones still activates', () => {
    given(...pendingAccount, ...wrongGuesses(2, 1, noon + SECOND))
      .when(guess('0001', noon + 5 * SECOND))
      .then(accountActivated(1, noon + 5 * SECOND));
  });

  it('keeps its leading zeros', () => {
    for (const other of ['1', '001', '00001', '0001 ']) {
      given(...pendingAccount)
        .when(guess(other, noon + SECOND))
        .thenThrows(new ActivationCodeOfOtherForm('short'));
    }
    given(...pendingAccount)
      .when(guess('1000', noon + SECOND))
      .then(activationRefused(1, 'incorrect', noon + SECOND));
  });
});

describe('A wrong code', () => {
  it('is recorded, and the answer states the guesses left', () => {
    for (const [before, attemptsLeft] of [
      [0, 2],
      [1, 1],
      [2, 0],
    ] as const) {
      const decided = given(...pendingAccount, ...wrongGuesses(before, 1, noon)).when(
        guess(wrongCode, noon + 5 * SECOND),
      );
      decided.then(activationRefused(1, 'incorrect', noon + 5 * SECOND));
      expect(answered(decided)).toEqual(particularsOf(new ActivationCodeIncorrect(attemptsLeft)));
    }
  });

  it('states no more guesses than the address has left within 24 hours', () => {
    const history = guessedWrong([noon, 3], [noon + MINUTE, 3], [noon + 2 * MINUTE, 2]);
    const nine = [...history, codeIssued(4, noon + 3 * MINUTE)];
    const decided = given(...nine).when(guessAtIssue(4, wrongCode, noon + 4 * MINUTE));
    expect(answered(decided)).toEqual(particularsOf(new ActivationCodeIncorrect(1)));
  });

  it('states no more guesses than the address has left within 30 days', () => {
    const days = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((n): [number, number] => [noon + n * 2 * DAY, 3]);
    const history = [...guessedWrong(...days), codeIssued(10, noon + 18 * DAY)];
    const decided = given(...history, ...wrongGuesses(1, 10, noon + 18 * DAY)).when(
      guessAtIssue(10, wrongCode, noon + 18 * DAY + MINUTE),
    );
    // 27 + 1 before, this is the 29th of 30.
    expect(answered(decided)).toEqual(particularsOf(new ActivationCodeIncorrect(1)));
  });
});

describe('A code guessed wrong three times', () => {
  const burnt = [...pendingAccount, ...wrongGuesses(3, 1, noon + SECOND)];
  const at = noon + 10 * SECOND;

  it('is refused even when right, which is recorded once', () => {
    const decided = given(...burnt).when(guess('0001', at));
    decided.then(activationRefused(1, 'exhausted', at));
    expect(answered(decided)).toEqual(particularsOf(new ActivationCodeExhausted()));
    given(...burnt, activationRefused(1, 'exhausted', at))
      .when(guess('0001', at + SECOND))
      .thenThrows(new ActivationCodeExhausted());
  });

  it('stays exhausted after its minute', () => {
    given(...burnt, activationRefused(1, 'exhausted', at))
      .when(guess('0001', noon + HOUR))
      .thenThrows(new ActivationCodeExhausted());
  });

  it('is replaced by a new one with three guesses of its own', () => {
    const renewed = [...burnt, codeIssued(2, noon + MINUTE), codeSent(2, noon + MINUTE)];
    const decided = given(...renewed).when(guessAtIssue(2, wrongCode, noon + 61 * SECOND));
    expect(answered(decided)).toEqual(particularsOf(new ActivationCodeIncorrect(2)));
  });
});

describe('One code and the claims of several networks', () => {
  const train = registrationRenewed(noon, { network: 'train' });
  const byTrain = (code: string, now: number) => guess(code, now, { provenClaim: 2 });
  const burntByTrain = [
    ...pendingAccount,
    train,
    ...[1, 2, 3].map((n) => activationRefused(1, 'incorrect', noon + n * SECOND, 2)),
  ];

  it('has three guesses for each, and ends for the one that made them', () => {
    given(...burntByTrain)
      .when(byTrain('0001', noon + 4 * SECOND))
      .then(activationRefused(1, 'exhausted', noon + 4 * SECOND, 2));
    given(...burntByTrain)
      .when(guess('0001', noon + 4 * SECOND))
      .then(accountActivated(1, noon + 4 * SECOND));
    const wrong = given(...burntByTrain).when(guess(wrongCode, noon + 4 * SECOND));
    expect(answered(wrong)).toEqual(particularsOf(new ActivationCodeIncorrect(2)));
  });

  it('gives a network that registers again no further guess', () => {
    given(...burntByTrain, registrationRenewed(noon + 4 * SECOND, { network: 'train' }))
      .when(guess('0001', noon + 5 * SECOND, { provenClaim: 3 }))
      .then(activationRefused(1, 'exhausted', noon + 5 * SECOND, 3));
  });

  it('activates the claim that came with it', () => {
    const decided = given(...pendingAccount, train).when(byTrain('0001', noon + SECOND));
    decided.then(accountActivated(1, noon + SECOND, 2));
    expect(decided.state).toMatchObject({ claim: { number: 2, network: 'train' } });
  });
});

describe('A contested address, whose guesses at four digits are used up,', () => {
  const nine = guessedWrong([noon, 3], [noon + MINUTE, 3], [noon + 2 * MINUTE, 3]);
  const last = noon + 3 * MINUTE;
  const fourth = [codeIssued(4, last), codeSent(4, last)];
  const tenth = activationRefused(4, 'incorrect', last + SECOND);
  const firstLong = codeIssued(5, last + SECOND, 1, 'long');
  const ten = [...nine, ...fourth, tenth, firstLong, codeSent(5, last + 2 * SECOND)];
  const guessAtLong = (code: string, now: number, change: Partial<ActivateAccount> = {}) =>
    guess(code, now, { expected: { issueNumber: 5, code: exampleLongCode(5) }, ...change });

  it('gets a long code at once, whatever limits new codes have', () => {
    const wrong = guessAtIssue(4, wrongCode, last + SECOND);
    const decided = given(...nine, ...fourth).when({ ...wrong, nonce: exampleNonce(5) });
    decided.then(tenth, firstLong);
    expect(answered(decided)).toEqual(particularsOf(new ActivationCodeIncorrect(0)));
    expect(decided.state).toMatchObject({
      code: { form: 'long', delivery: { status: 'awaited' } },
    });
  });

  it('gets it for the claim that asked for the code before, not for the one that guessed', () => {
    const stranger = registrationRenewed(noon, { network: 'elsewhere', language: 'en' });
    const wrong = guessAtIssue(4, wrongCode, last + SECOND);
    const decided = given(...nine, ...fourth, stranger).when({ ...wrong, provenClaim: 2 });
    expect(decided.events.at(-1)).toMatchObject({ data: { claimNumber: 1, form: 'long' } });
    expect(decided.state).toMatchObject({
      code: { askedBy: { address: ada.address, language: ada.language } },
    });
  });

  it('is activated with the long code', () => {
    given(...ten)
      .when(guessAtLong(exampleLongCode(5), last + 3 * SECOND))
      .then(accountActivated(5, last + 3 * SECOND));
  });

  it('answers a guess of four digits without comparing or counting it, in every state of the code', () => {
    for (const facts of [[], [codeUndeliverable(5, last)], [mailBounced(5, 'permanent', last)]]) {
      for (const now of [last + 3 * SECOND, last + HOUR]) {
        given(...ten, ...facts)
          .when(guessAtLong('0005', now))
          .thenThrows(new ActivationCodeOfOtherForm('long'));
      }
    }
    given(...pendingAccount)
      .when(guess(wrongLongCode, noon + SECOND))
      .thenThrows(new ActivationCodeOfOtherForm('short'));
  });

  it('has five guesses at a long code for each claim, which count for nothing else', () => {
    const from = last + 3 * SECOND;
    const four = [...ten, ...wrongGuesses(4, 5, from)];
    const fifth = given(...four).when(guessAtLong(wrongLongCode, from + 4 * SECOND));
    fifth.then(activationRefused(5, 'incorrect', from + 4 * SECOND));
    expect(answered(fifth)).toEqual(particularsOf(new ActivationCodeIncorrect(0)));
    expect(fifth.state).toMatchObject({ wrongGuessesAt: { length: 10 } });
    given(...four, activationRefused(5, 'incorrect', from + 4 * SECOND))
      .when(guessAtLong(exampleLongCode(5), from + 5 * SECOND))
      .then(activationRefused(5, 'exhausted', from + 5 * SECOND));
  });

  it('records so many refusals at long codes a day; further guesses are compared and end nothing', () => {
    const from = last + 3 * SECOND;
    const stranger = registrationRenewed(from, { network: 'elsewhere' });
    const others = Array.from({ length: 199 }, () => activationRefused(5, 'incorrect', from, 2));
    const full = given(...ten, stranger, activationRefused(5, 'incorrect', from), ...others);
    const wrong = guessAtLong(wrongLongCode, from + SECOND);
    full.when(wrong).thenThrows(new ActivationCodeIncorrect(4));
    full
      .when(guessAtLong(exampleLongCode(5), from + SECOND))
      .then(accountActivated(5, from + SECOND));
    const late = from + 2 * MINUTE;
    full.when({ ...wrong, now: late }).thenThrows(new ActivationCodeExpired(last + 62 * SECOND));
    full.when({ ...wrong, now: from + DAY }).then(activationRefused(5, 'expired', from + DAY));
  });

  const form = (issueNumber: number, now: number) => {
    const { events } = given(...ten).when({
      type: 'RequestActivationCode',
      provenClaim: 1,
      nonce: exampleNonce(issueNumber),
      keyId: ada.keyId,
      now,
    });
    return events.map(({ data }) => ('form' in data ? data.form : undefined));
  };

  it('gets long codes until the first of the ten is 24 hours old, to the millisecond', () => {
    expect(form(6, noon + DAY - 1)).toEqual(['long']);
    expect(form(6, noon + DAY)).toEqual(['short']);
  });

  it('gets them for 30 days when 30 guesses were made', () => {
    const days = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((n): [number, number] => [
      noon + n * 2 * DAY,
      3,
    ]);
    const end = noon + 30 * DAY;
    for (const [now, expected] of [
      [end - 1, 'long'],
      [end, 'short'],
    ] as const) {
      const { events } = given(...guessedWrong(...days)).when({
        type: 'RequestActivationCode',
        provenClaim: 1,
        nonce: exampleNonce(11),
        keyId: ada.keyId,
        now,
      });
      expect(events).toEqual([codeIssued(11, now, 1, expected)]);
    }
  });

  it('stays contested for a person who registers it anew, and for other networks', () => {
    const at = last + HOUR;
    const again = {
      type: 'RegisterAccount',
      address: ada.address,
      passwordHash: ada.newPasswordHash,
      network: 'train',
      networkKey: ada.networkKey,
      nonce: exampleNonce(6),
      keyId: ada.keyId,
      language: ada.language,
      now: at,
    } as const;
    const renewed = given(...ten).when(again);
    expect(renewed.events.at(-1)).toEqual(codeIssued(6, at, 2, 'long'));
    const anew = given(...ten, registrationLapsed(at)).when(again);
    expect(anew.events.at(-1)).toEqual(codeIssued(6, at, 2, 'long'));
  });

  it('leaves a code of four digits without a guess, should there be one', () => {
    // As under a policy that was made stricter meanwhile.
    const stricter = accountDecider({ ...policy, guessesPerDay: 9 });
    const decided = givenWhenThen(stricter, expect)(...nine, ...fourth).when(
      guessAtIssue(4, exampleCode(4), last + SECOND),
    );
    decided.then(activationRefused(4, 'exhausted', last + SECOND));
  });
});

describe('An expired code', () => {
  it('is refused, which is recorded once', () => {
    const at = noon + 2 * MINUTE;
    const decided = given(...pendingAccount).when(guess('0001', at));
    decided.then(activationRefused(1, 'expired', at));
    expect(answered(decided)).toEqual(particularsOf(new ActivationCodeExpired(noon + MINUTE)));
    given(...pendingAccount, activationRefused(1, 'expired', at))
      .when(guess('0001', at + SECOND))
      .thenThrows(new ActivationCodeExpired(noon + MINUTE));
  });

  it('costs no guess', () => {
    const decided = given(...pendingAccount).when(guess(wrongCode, noon + MINUTE));
    decided.then(activationRefused(1, 'expired', noon + MINUTE));
    expect(decided.state).toMatchObject({
      code: { tries: [{ wrongGuesses: 0 }] },
      wrongGuessesAt: [],
    });
  });

  it('that was taken for lost becomes usable when its late dispatch is recorded', () => {
    const late = noon + 16 * MINUTE;
    given(
      accountRegistered(),
      codeIssued(),
      activationRefused(1, 'expired', late),
      codeSent(1, late - SECOND),
    )
      .when(guess('0001', late + SECOND))
      .then(accountActivated(1, late + SECOND));
  });
});

describe('There is nothing to compare with', () => {
  it('when no code was issued', () => {
    given(accountRegistered())
      .when(guess('0001', noon, { expected: undefined }))
      .thenThrows(new ActivationCodeMissing());
  });

  it('when the newest code could not be delivered', () => {
    given(accountRegistered(), codeIssued(), codeUndeliverable(1, noon + SECOND))
      .when(guess('0001', noon + 2 * SECOND))
      .thenThrows(new ActivationCodeMissing());
  });

  it('when the key of the newest code is no more, which costs no guess', () => {
    given(...pendingAccount)
      .when(guess('0001', noon, { expected: undefined }))
      .thenThrows(new ActivationCodeMissing());
  });

  it('when the address is not registered', () => {
    given()
      .when(guess('0001', noon, { expected: undefined }))
      .thenThrows(new AccountNotRegistered());
  });

  it('when the account is active', () => {
    given(...activeAccount)
      .when(guess('0001', noon + MINUTE))
      .thenThrows(new AccountAlreadyActive(noon + 10 * SECOND));
  });
});

describe('Replaced credentials', () => {
  it('do not activate, not even with the right code', () => {
    given(...pendingAccount, registrationRenewed(noon + SECOND))
      .when(guess('0001', noon + 2 * SECOND))
      .thenThrows(new CredentialsSuperseded());
  });

  it('cost the owner no guess', () => {
    given(...pendingAccount, registrationRenewed(noon + SECOND))
      .when(guess(wrongCode, noon + 2 * SECOND))
      .thenThrows(new CredentialsSuperseded());
  });

  it('do not learn that the account is active', () => {
    given(
      ...pendingAccount,
      registrationRenewed(noon + SECOND),
      accountActivated(1, noon + 2 * SECOND, 2),
    )
      .when(guess('0001', noon + 3 * SECOND))
      .thenThrows(new CredentialsSuperseded());
  });
});

describe('Mistakes of the program', () => {
  it('comparing with the code of another issue is one', () => {
    given(...pendingAccount, codeIssued(2, noon + MINUTE))
      .when(guess('0001', noon + MINUTE))
      .thenThrows(new Error('the expected code must be that of issue 2'));
  });

  it('asking for the outcome of something else is one', () => {
    const { state } = given(...pendingAccount);
    expect(() => activationOutcome(state, [], policy)).toThrow('no activation was decided');
    expect(() => activationOutcome(state, [codeIssued()], policy)).toThrow(
      'no activation was decided',
    );
    expect(() =>
      activationOutcome(state, [activationRefused(2, 'incorrect', noon)], policy),
    ).toThrow('not in the state');
    expect(() => activationOutcome(state, [activationRefused(1, 'expired', noon)], policy)).toThrow(
      'knows no refusal',
    );
  });

  it('a policy with a number that is not whole and above zero is one', () => {
    for (const guessesPerCode of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => accountDecider({ ...policy, guessesPerCode })).toThrow(RangeError);
    }
  });
});
