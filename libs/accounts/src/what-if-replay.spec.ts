import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { accountDecider } from './account-decider.js';
import { evolve, initialState, type Account } from './account.js';
import type { AccountEvent } from './account-events.js';
import { AccountError } from './account-errors.js';
import { defaultActivationPolicy, type ActivationPolicy } from './activation-policy.js';
import { guessBounds, likeliestCode } from './guess-bound.js';
import {
  accountActivated,
  accountErased,
  accountRegistered,
  activationRefused,
  ada,
  codeIssued,
  codeSent,
  codeUndeliverable,
  exampleCode,
  exampleNonce,
  MINUTE,
  noon,
  pendingAccount,
  registeredAnew,
  registrationLapsed,
  SECOND,
  wrongCode,
} from './testing/account-examples.js';
import { noOutcome, sumOf, WhatIfReplay, type WhatIfOutcome } from './what-if-replay.js';

function whatIf(rules: Partial<ActivationPolicy>, history: readonly AccountEvent[]): WhatIfOutcome {
  const replay = new WhatIfReplay({ ...defaultActivationPolicy, ...rules });
  for (const event of history) replay.add(event);
  return replay.outcome;
}

const twoMinutes = { codeTtlMs: 2 * MINUTE };

describe('Under other rules,', () => {
  it('a guess that was refused unseen may have been right: one activation gained at most', () => {
    const history = [...pendingAccount, activationRefused(1, 'expired', noon + 90 * SECOND)];
    expect(whatIf(twoMinutes, history)).toEqual({
      ...noOutcome,
      refusedUnseen: 1,
      comparedInAddition: 1,
      gainedAtMost: 1,
    });
    expect(whatIf({ codeTtlMs: 90 * SECOND }, history)).toMatchObject({ gainedAtMost: 0 });
    expect(whatIf({ codeTtlMs: 90 * SECOND + 1 }, history)).toMatchObject({ gainedAtMost: 1 });
  });

  it('an account that was activated later is not gained, but may have been active sooner', () => {
    const history = [
      ...pendingAccount,
      activationRefused(1, 'expired', noon + 90 * SECOND),
      codeIssued(2, noon + 100 * SECOND),
      codeSent(2, noon + 100 * SECOND),
      accountActivated(2, noon + 110 * SECOND),
    ];
    expect(whatIf(twoMinutes, history)).toMatchObject({
      activations: 1,
      gainedAtMost: 0,
      soonerAtMost: 1,
      lostAtLeast: 0,
      lostAtMost: 0,
    });
  });

  it('guesses of a burnt code are compared while there are guesses left', () => {
    const history = [
      ...pendingAccount,
      ...[1, 2, 3].map((n) => activationRefused(1, 'incorrect', noon + n * SECOND)),
      activationRefused(1, 'exhausted', noon + 4 * SECOND),
    ];
    expect(whatIf({ guessesPerCode: 4 }, history)).toMatchObject({
      wrongGuesses: 3,
      gainedAtMost: 1,
    });
    expect(whatIf({ guessesPerCode: 4, guessesPerDay: 3 }, history).gainedAtMost).toBe(0);
    expect(whatIf({ guessesPerCode: 2 }, history)).toMatchObject({
      notComparedAnyMore: 1,
      comparedInAddition: 0,
    });
  });

  it('an activation is lost for certain when its guess is not compared', () => {
    const late = [...pendingAccount, accountActivated(1, noon + 40 * SECOND)];
    expect(whatIf({ codeTtlMs: 30 * SECOND }, late)).toMatchObject({
      activations: 1,
      lostAtLeast: 1,
      lostAtMost: 1,
    });
    const fifth = [
      ...pendingAccount,
      activationRefused(1, 'incorrect', noon + SECOND),
      accountActivated(1, noon + 2 * SECOND),
    ];
    expect(whatIf({ guessesPerCode: 1 }, fifth).lostAtLeast).toBe(1);
    const second = [
      ...pendingAccount,
      codeIssued(2, noon + 40 * SECOND),
      codeSent(2, noon + 40 * SECOND),
      accountActivated(2, noon + 50 * SECOND),
    ];
    expect(whatIf({ resendIntervalMs: MINUTE }, second).lostAtLeast).toBe(1);
    expect(whatIf({ codesPerDay: 1 }, second).lostAtLeast).toBe(1);
  });

  it('an activation may be lost when unseen guesses use up what there is, and need not be', () => {
    const history = [
      ...pendingAccount,
      activationRefused(1, 'expired', noon + 70 * SECOND),
      codeIssued(2, noon + 80 * SECOND),
      codeSent(2, noon + 80 * SECOND),
      accountActivated(2, noon + 90 * SECOND),
    ];
    expect(whatIf({ ...twoMinutes, guessesPerDay: 1 }, history)).toMatchObject({
      lostAtLeast: 0,
      lostAtMost: 1,
      soonerAtMost: 1,
    });
  });

  it('a code in place of one that was lost is issued whatever the limits', () => {
    const history = [
      accountRegistered(),
      codeIssued(),
      codeUndeliverable(1, noon + SECOND),
      codeIssued(2, noon + 2 * SECOND),
      codeSent(2, noon + 2 * SECOND),
      accountActivated(2, noon + 3 * SECOND),
    ];
    expect(whatIf({ codesPerDay: 1 }, history).lostAtLeast).toBe(0);
  });

  it('a gained activation stays counted when the person is forgotten and another one comes', () => {
    const tried = [...pendingAccount, activationRefused(1, 'expired', noon + 90 * SECOND)];
    const erased = [...tried, accountErased(noon + 5 * MINUTE), registeredAnew(noon + 6 * MINUTE)];
    expect(whatIf(twoMinutes, erased).gainedAtMost).toBe(1);
    const lapsed = [
      ...tried,
      registrationLapsed(noon + 5 * MINUTE),
      registeredAnew(noon + 6 * MINUTE),
      codeIssued(2, noon + 6 * MINUTE),
      codeSent(2, noon + 6 * MINUTE),
      accountActivated(2, noon + 6 * MINUTE),
    ];
    expect(whatIf(twoMinutes, lapsed)).toMatchObject({ gainedAtMost: 0, soonerAtMost: 1 });
  });

  it('accounts add up', () => {
    const gained = whatIf(twoMinutes, [
      ...pendingAccount,
      activationRefused(1, 'expired', noon + 90 * SECOND),
    ]);
    expect(sumOf(sumOf(noOutcome, gained), gained)).toMatchObject({
      refusedUnseen: 2,
      gainedAtMost: 2,
    });
  });
});

type Step = {
  readonly waitMs: number;
  readonly does: 'register' | 'request' | 'send' | 'right' | 'wrong';
};

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    waitMs: fc.constantFrom(0, SECOND, 20 * SECOND, 45 * SECOND, 70 * SECOND, 20 * MINUTE),
    does: fc.constantFrom('register', 'request', 'send', 'send', 'right', 'wrong', 'wrong'),
  }),
  { maxLength: 60 },
) as fc.Arbitrary<Step[]>;

/** What the decider makes of these steps under the rules. */
function historyOf(policy: ActivationPolicy, taken: readonly Step[]): AccountEvent[] {
  const decider = accountDecider(policy);
  const history: AccountEvent[] = [];
  let state: Account = initialState;
  let now = noon;
  for (const { waitMs, does } of taken) {
    now += waitMs;
    const issue = 'lastIssueNumber' in state ? state.lastIssueNumber : 0;
    const provenClaim = 'registrationNumber' in state ? state.registrationNumber : 1;
    const toIssue = {
      nonce: exampleNonce(issue + 1),
      keyId: ada.keyId,
      now,
    };
    const { address, passwordHash, network, networkKey, language } = ada;
    const registered = { address, passwordHash, network, networkKey, language };
    const command = {
      register: { type: 'RegisterAccount', ...registered, ...toIssue } as const,
      request: { type: 'RequestActivationCode', provenClaim, ...toIssue } as const,
      send: {
        type: 'RecordActivationCodeSent',
        issueNumber: issue,
        sentAt: now,
        providerMessageId: 'm',
      } as const,
      right: guessOf(exampleCode(issue)),
      wrong: guessOf(wrongCode),
    }[does];
    try {
      const events = decider.decide(command, state);
      state = events.reduce(evolve, state);
      history.push(...events);
    } catch (error) {
      if (!(error instanceof AccountError)) throw error;
    }

    function guessOf(guess: string) {
      const expected = { issueNumber: issue, code: exampleCode(issue) };
      return { type: 'ActivateAccount', provenClaim, guess, expected, ...toIssue } as const;
    }
  }
  return history;
}

const limits = {
  codeTtlMs: fc.constantFrom(30 * SECOND, MINUTE, 2 * MINUTE, 10 * MINUTE),
  guessesPerCode: fc.integer({ min: 1, max: 6 }),
  guessesPerDay: fc.integer({ min: 1, max: 12 }),
  codesPerDay: fc.integer({ min: 1, max: 12 }),
};

describe('Whatever happened,', () => {
  it('the rules it happened under change nothing', () => {
    fc.assert(
      fc.property(steps, fc.record(limits), (taken, rules) => {
        const history = historyOf({ ...defaultActivationPolicy, ...rules }, taken);
        const { activations, wrongGuesses, refusedUnseen, ...changes } = whatIf(rules, history);
        expect(activations + wrongGuesses + refusedUnseen).toBeLessThanOrEqual(history.length);
        expect(Object.values(changes)).toEqual(Object.values(changes).map(() => 0));
      }),
      { numRuns: 300 },
    );
  });

  it('the bounds are in order, and looser rules lose nothing', () => {
    fc.assert(
      fc.property(steps, fc.record(limits), (taken, rules) => {
        const history = historyOf(defaultActivationPolicy, taken);
        const outcome = whatIf(rules, history);
        expect(outcome.lostAtMost).toBeGreaterThanOrEqual(outcome.lostAtLeast);
        expect(outcome.lostAtMost).toBeLessThanOrEqual(outcome.activations);
        expect(outcome.soonerAtMost).toBeLessThanOrEqual(outcome.activations);
        expect(outcome.gainedAtMost).toBeLessThanOrEqual(outcome.comparedInAddition);
        const { codeTtlMs, guessesPerCode, guessesPerDay } = defaultActivationPolicy;
        const looser = {
          codeTtlMs: Math.max(codeTtlMs, rules.codeTtlMs),
          guessesPerCode: Math.max(guessesPerCode, rules.guessesPerCode),
          guessesPerDay: Math.max(guessesPerDay, rules.guessesPerDay),
        };
        expect(whatIf(looser, history)).toMatchObject({ lostAtLeast: 0, notComparedAnyMore: 0 });
      }),
      { numRuns: 300 },
    );
  });
});

describe('What a guesser can do', () => {
  it('is bounded by the rules: 0.03 % a code, 0.1 % a day, 0.3 % in 30 days', () => {
    expect(guessBounds(defaultActivationPolicy)).toEqual({
      perCode: { guesses: 3, probability: 3 * likeliestCode },
      perDay: { guesses: 10, probability: 10 * likeliestCode },
      per30Days: { guesses: 30, probability: 30 * likeliestCode },
    });
    expect(likeliestCode).toBe(214_749 / 2 ** 31);
  });

  it('does not depend on the lifetime of a code, and on its guesses only as far as budgets allow', () => {
    const of = (rules: Partial<ActivationPolicy>) => {
      const { perCode, perDay, per30Days } = guessBounds({ ...defaultActivationPolicy, ...rules });
      return [perCode.guesses, perDay.guesses, per30Days.guesses];
    };
    expect(of({ codeTtlMs: 60 * MINUTE })).toEqual([3, 10, 30]);
    expect(of({ guessesPerCode: 5, codesPerDay: 2 })).toEqual([5, 10, 30]);
    expect(of({ guessesPerCode: 20 })).toEqual([10, 10, 30]);
    expect(of({ guessesPerDay: 40 })).toEqual([3, 30, 30]);
    expect(of({ guessesPerMonth: 1_000 })).toEqual([3, 10, 300]);
    expect(
      guessBounds({
        ...defaultActivationPolicy,
        guessesPerCode: 1e6,
        guessesPerDay: 1e6,
        guessesPerMonth: 1e6,
      }).perDay.probability,
    ).toBe(1);
  });
});
