import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sweep } from '../../../test/support/sweep.js';
import { evolve, initialState, isRegistered, type Account } from './account.js';
import { accountDecider, type AccountCommand } from './account-decider.js';
import { AccountError, type BrokenRuleName } from './account-errors.js';
import {
  accountEventTypes,
  type AccountEvent,
  type AccountEventType,
  type Instant,
} from './account-events.js';
import { fromStored, sentenceOf, toStored } from './account-event-serde.js';
import type { CodeForm } from './activation-code.js';
import type { ActivateAccount } from './activate-account.js';
import { activationOutcome } from './activation-outcome.js';
import { operatorDecider, type OperatorCommand } from './operator-decider.js';
import { defaultActivationPolicy, type ActivationPolicy } from './activation-policy.js';
import type { MailEventKind } from './record-mail-event.js';
import {
  accountRegistered,
  ada,
  codeIssued,
  codeSent,
  DAY,
  exampleCode,
  exampleLongCode,
  exampleNonce,
  HOUR,
  MINUTE,
  noon,
  SECOND,
  wrongCode,
  wrongLongCode,
} from './testing/account-examples.js';
import { anyAccountEvent } from './testing/any-account-event.js';
import { particularsOf } from './testing/given-when-then.js';
import { referenceAnswer } from './testing/reference-account.js';

// As Node has it; of jest's 100 frames each of some 100,000 refusals would cost more than the decision.
Error.stackTraceLimit = 10;

type LivedOperatorCommand = Extract<OperatorCommand, { type: 'EraseAccount' | 'FreeAccount' }>;

/** One step of a person, operator or process, relative to the account at that moment. */
type Step =
  | { readonly does: 'wait'; readonly ms: number }
  /** Until the last refusal's `retryAt`, give or take. */
  | { readonly does: 'wait-as-asked'; readonly ms: number }
  | { readonly does: 'register'; readonly network: string }
  | { readonly does: 'erase' | 'lapse' | 'free' }
  | { readonly does: 'request' | 'upgrade-hash'; readonly claim: number | 'superseded' }
  | {
      readonly does: 'guess';
      readonly code: 'wrong' | 'right' | 'previous' | 'of-other-form';
      readonly claim: number | 'superseded';
    }
  | { readonly does: 'send'; readonly issuesBack: number }
  | { readonly does: 'give-up'; readonly issuesBack: number }
  | {
      readonly does: 'hear-of-mail';
      readonly kind: MailEventKind;
      readonly issuesBack: number;
      /** The provider may send one report twice. */
      readonly report: string;
    }
  | { readonly does: 'notify' | 'give-notice-up'; readonly noticesBack: number };

/** Which of the claims is proven, the newest first; now and then one that is no more. */
const claim = fc.constantFrom<number | 'superseded'>(0, 0, 0, 0, 1, 2, 7, 'superseded');
/** Seventeen networks, one of them most of the time. */
const register = fc.record({
  does: fc.constant('register' as const),
  network: fc.nat(31).map((number) => (number > 15 ? 'home' : `network ${number}`)),
});
const issuesBack = fc.constantFrom(0, 0, 0, 1, 2);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant('wait' as const),
      // A little back as well: the clocks of two replicas differ.
      ms: fc.oneof(
        fc.constantFrom(-50, -1, 0, 1, SECOND, 29_999, 30_000, 59_999, 60_000, 60_001),
        fc.constantFrom(15 * MINUTE, 16 * MINUTE, HOUR - 1, HOUR, DAY - 1, DAY, 30 * DAY),
        fc.integer({ min: 0, max: 2 * HOUR }),
      ),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constant('wait-as-asked' as const),
      ms: fc.constantFrom(-1, 0, 0, 0, 1),
    }),
  },
  { weight: 3, arbitrary: register },
  {
    weight: 5,
    arbitrary: fc.record({ does: fc.constant('request' as const), claim }),
  },
  {
    weight: 14,
    arbitrary: fc.record({
      does: fc.constant('guess' as const),
      code: fc.constantFrom(...(['wrong', 'wrong', 'wrong', 'previous', 'of-other-form'] as const)),
      claim,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant('upgrade-hash' as const), claim }),
  },
  { weight: 5, arbitrary: fc.record({ does: fc.constant('send' as const), issuesBack }) },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constantFrom(...(['erase', 'lapse', 'lapse', 'lapse', 'free', 'free'] as const)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('give-up' as const), issuesBack }) },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant('hear-of-mail' as const),
      kind: fc.constantFrom(
        'delivered' as const,
        'delivered' as const,
        'bounced-permanently' as const,
        'bounced-transiently' as const,
        'reported-as-spam' as const,
      ),
      // Also of a mail that was never sent.
      issuesBack: fc.constantFrom(0, 0, 0, 1, 2, -1),
      report: fc.oneof(fc.constantFrom('once', 'again'), fc.uuid()),
    }),
  },
);

/** What may still happen to an account that is active. */
const lateStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: register },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constantFrom('notify' as const, 'give-notice-up' as const),
      noticesBack: fc.constantFrom(0, 0, 0, 1, -1),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant('wait' as const),
      ms: fc.constantFrom(0, 1, HOUR, DAY - 1, DAY),
    }),
  },
  { weight: 2, arbitrary: step },
);

/** Long lives, most of which are spent guessing; some end in success, and then go on. */
const life: fc.Arbitrary<readonly Step[]> = fc
  .tuple(
    fc.array(step, { maxLength: 300, size: 'max' }),
    fc.boolean(),
    fc.array(lateStep, { maxLength: 20 }),
  )
  .map(([before, succeeds, after]): Step[] =>
    succeeds
      ? [
          ...before,
          { does: 'send', issuesBack: 0 },
          { does: 'guess', code: 'right', claim: 0 },
          ...after,
        ]
      : before,
  );

/** Small numbers reach every limit soon; the product's own are among them. */
const policy: fc.Arbitrary<ActivationPolicy> = fc.oneof(
  fc.constant(defaultActivationPolicy),
  fc.record({
    codeTtlMs: fc.constantFrom(MINUTE, 10 * MINUTE),
    guessesPerCode: fc.integer({ min: 1, max: 4 }),
    guessesPerLongCode: fc.integer({ min: 1, max: 4 }),
    recordedLongGuessesPerDay: fc.integer({ min: 1, max: 6 }),
    guessesPerDay: fc.integer({ min: 1, max: 6 }),
    guessesPerMonth: fc.integer({ min: 1, max: 12 }),
    resendIntervalMs: fc.constantFrom(1, 30 * SECOND, 2 * HOUR),
    codesPerHour: fc.integer({ min: 1, max: 4 }),
    codesPerDay: fc.integer({ min: 1, max: 8 }),
    deliveryWindowMs: fc.constantFrom(MINUTE, 15 * MINUTE),
    ownerNoticeIntervalMs: fc.constantFrom(1, HOUR, DAY),
  }),
);

/** Facts of an account that is active already. */
const mayFollowActivation: readonly AccountEventType[] = [
  'RegistrationRefused',
  'PasswordHashUpgraded',
  'ActivationMailDelivered',
  'ActivationMailBounced',
  'ActivationMailReportedAsSpam',
  'OwnerNoticeIssued',
  'OwnerNotified',
  'OwnerNoticeUndeliverable',
];

interface Answered {
  readonly command: AccountCommand | LivedOperatorCommand;
  /** Before the command. */
  readonly history: readonly AccountEvent[];
  /** Of that history. */
  readonly state: Account;
  readonly events: readonly AccountEvent[];
  readonly thrown: unknown;
  readonly answered: unknown;
}

interface Lived {
  readonly history: readonly AccountEvent[];
  readonly answers: readonly Answered[];
}

/** Lets the decider live through the steps. Every state is frozen: deciding must change none. */
function live(steps: readonly Step[], policy: ActivationPolicy): Lived {
  const { decide } = accountDecider(policy);
  const history: AccountEvent[] = [];
  const answers: Answered[] = [];
  let state = initialState;
  let now = noon;
  let retryAt: Instant | undefined;
  for (const next of [{ does: 'register', network: 'home' } as const, ...steps]) {
    if (next.does === 'wait') now += next.ms;
    if (next.does === 'wait-as-asked') now = Math.max(now, (retryAt ?? now) + next.ms);
    const command = commandOf(next, state, now);
    if (command === undefined) continue;
    const before = { history: [...history], state };
    let events: AccountEvent[] = [];
    let thrown: unknown;
    try {
      events =
        command.type === 'EraseAccount' || command.type === 'FreeAccount'
          ? operatorDecider.decide(command, state)
          : decide(command, state);
    } catch (error) {
      if (!(error instanceof AccountError)) throw error;
      thrown = error;
    }
    history.push(...events);
    state = events.reduce((last, event) => deepFreeze(evolve(last, deepFreeze(event))), state);
    const answered =
      command.type === 'ActivateAccount' && thrown === undefined
        ? activationOutcome(state, events, policy)
        : undefined;
    const refusal = thrown ?? answered;
    if (refusal instanceof Error && 'retryAt' in refusal) retryAt = refusal.retryAt as Instant;
    answers.push({ command, ...before, events, thrown, answered });
  }
  return { history, answers };
}

function commandOf(
  step: Step,
  state: Account,
  now: Instant,
): AccountCommand | LivedOperatorCommand | undefined {
  const registration = state.status === 'not-registered' ? 0 : state.registrationNumber;
  const issued = state.status === 'pending' ? state.code?.issueNumber : undefined;
  const form = state.status === 'pending' ? (state.code?.form ?? 'short') : 'short';
  const newest = state.status === 'not-registered' ? 1 : state.lastIssueNumber;
  const newestNotice =
    state.status === 'not-registered' ? 0 : (state.ownerNotice?.noticeNumber ?? 0);
  const language = (['en', 'fr', undefined] as const)[registration % 3];
  const claims = !isRegistered(state)
    ? []
    : state.status === 'active'
      ? [state.claim]
      : state.claims;
  const proven = (which: number | 'superseded') =>
    which === 'superseded' ? undefined : (claims.at(-1 - which) ?? claims.at(-1));
  switch (step.does) {
    case 'wait':
    case 'wait-as-asked':
      return undefined;
    case 'register':
      return {
        type: 'RegisterAccount',
        address: ada.address,
        passwordHash: `hash ${registration + 1}`,
        network: step.network,
        networkKey: ada.networkKey,
        nonce: exampleNonce(newest + 1),
        keyId: ada.keyId,
        language,
        now,
      };
    case 'request':
      return {
        type: 'RequestActivationCode',
        provenClaim: proven(step.claim)?.number ?? 0,
        nonce: exampleNonce(newest + 1),
        keyId: ada.keyId,
        now,
      };
    case 'guess':
      return {
        type: 'ActivateAccount',
        provenClaim: proven(step.claim)?.number ?? 0,
        guess: guessOf(step.code, newest, form),
        expected:
          issued === undefined
            ? undefined
            : { issueNumber: issued, code: guessOf('right', issued, form) },
        nonce: exampleNonce(newest + 1),
        keyId: ada.keyId,
        now,
      };
    case 'erase':
      return {
        type: 'EraseAccount',
        receiptId: `receipt of ${now}`,
        reason: 'requested-by-owner',
        now,
      };
    case 'free':
      return { type: 'FreeAccount', now };
    case 'lapse':
      return { type: 'LapseRegistration', retentionMs: DAY, now };
    case 'upgrade-hash':
      return {
        type: 'UpgradePasswordHash',
        replaces: String(proven(step.claim)?.passwordHash ?? 'hash 0'),
        passwordHash: `another hash of ${String(proven(step.claim)?.passwordHash)} made ${now}`,
        now,
      };
    case 'send':
      return {
        type: 'RecordActivationCodeSent',
        issueNumber: newest - step.issuesBack,
        sentAt: now,
        providerMessageId: 'message',
      };
    case 'give-up':
      return {
        type: 'RecordActivationCodeUndeliverable',
        issueNumber: newest - step.issuesBack,
        reason: 'delivery window passed',
        attempts: 3,
        now,
      };
    case 'hear-of-mail':
      return {
        type: 'RecordMailEvent',
        issueNumber: newest - step.issuesBack,
        kind: step.kind,
        occurredAt: now,
        providerEventId: step.report,
      };
    case 'notify':
      return {
        type: 'RecordOwnerNotified',
        noticeNumber: newestNotice - step.noticesBack,
        sentAt: now,
        providerMessageId: 'notice',
      };
    case 'give-notice-up':
      return {
        type: 'RecordOwnerNoticeUndeliverable',
        noticeNumber: newestNotice - step.noticesBack,
        reason: 'delivery window passed',
        attempts: 3,
        now,
      };
  }
}

function guessOf(
  code: 'wrong' | 'right' | 'previous' | 'of-other-form',
  newest: number,
  form: CodeForm,
): string {
  const isLong = (form === 'long') !== (code === 'of-other-form');
  if (code === 'wrong') return isLong ? wrongLongCode : wrongCode;
  const issueNumber = code === 'previous' ? newest - 1 : newest;
  return isLong ? exampleLongCode(issueNumber) : exampleCode(issueNumber);
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}

/** Fails when any `limit + 1` of the instants lie closer together than the window is long. */
function expectWithinBudget(instants: readonly Instant[], limit: number, windowMs: number): void {
  const inOrder = [...instants].sort((one, other) => one - other);
  inOrder.forEach((first, index) => {
    const next = inOrder[index + limit];
    if (next !== undefined) expect(next - first).toBeGreaterThanOrEqual(windowMs);
  });
}

function wrongGuessesIn(history: readonly AccountEvent[]) {
  return history.flatMap((event) =>
    event.type === 'ActivationRefused' && event.data.reason === 'incorrect' ? [event.data] : [],
  );
}

function issuesIn(history: readonly AccountEvent[]) {
  return history.flatMap((event) => (event.type === 'ActivationCodeIssued' ? [event.data] : []));
}

/** The network whose claim it was, by the number of the registration that made it. */
function networkOf(
  history: readonly AccountEvent[],
  { claimNumber }: { readonly claimNumber: number },
): string | undefined {
  const networks = history.flatMap((event) =>
    event.type === 'AccountRegistered' || event.type === 'RegistrationRenewed'
      ? [event.data.network]
      : [],
  );
  return networks[claimNumber - 1];
}

function betweenFreeings(history: readonly AccountEvent[]): AccountEvent[][] {
  const parts: AccountEvent[][] = [[]];
  for (const event of history) {
    if (event.type === 'AccountFreed') parts.push([]);
    else parts.at(-1)?.push(event);
  }
  return parts;
}

/** What happened to each person who had the address; each ends with being forgotten, but the last. */
function livesIn(history: readonly AccountEvent[]): AccountEvent[][] {
  const lives: AccountEvent[][] = [[]];
  for (const event of history) {
    if (event.type === 'RegistrationLapsed' || event.type === 'AccountErased') lives.push([]);
    else lives.at(-1)?.push(event);
  }
  return lives;
}

describe('Any life of an account', () => {
  it('is answered step by step as the reference answers it', () => {
    fc.assert(
      fc.property(life, policy, (steps, policy) => {
        for (const { command, history, events, thrown, answered } of live(steps, policy).answers) {
          const reference = referenceAnswer(history, command, policy);
          expect({
            events,
            thrown: particularsOf(thrown),
            answered: particularsOf(answered),
          }).toEqual({
            events: reference.events,
            thrown: particularsOf(reference.thrown),
            answered: particularsOf(reference.answered),
          });
        }
      }),
      { numRuns: sweep(50, 150) },
    );
  });

  it('keeps every budget', () => {
    fc.assert(
      fc.property(life, policy, (steps, policy) => {
        const { history } = live(steps, policy);
        const issues = issuesIn(history);
        const guesses = wrongGuessesIn(history);

        // The first long code comes at once, behind the guess that used up the last of four digits.
        const asked = issues.filter(
          ({ form }, index) => form === 'short' || issues[index - 1]?.form === 'long',
        );
        // An operator who frees the address lets these budgets begin anew.
        for (const part of betweenFreeings(history)) {
          const ofPart = issuesIn(part).filter((issue) => asked.includes(issue));
          expectWithinBudget(
            ofPart.map((issue) => issue.issuedAt),
            1,
            policy.resendIntervalMs,
          );
          for (const network of new Set(ofPart.map((issue) => networkOf(history, issue)))) {
            const own = ofPart.filter((issue) => networkOf(history, issue) === network);
            const ownIssuedAt = own.map((issue) => issue.issuedAt);
            expectWithinBudget(ownIssuedAt, policy.codesPerHour, HOUR);
            expectWithinBudget(ownIssuedAt, policy.codesPerDay, DAY);
          }
        }

        const short = new Set(
          issues.flatMap(({ issueNumber, form }) => (form === 'short' ? [issueNumber] : [])),
        );
        const guessedAt = guesses
          .filter(({ issueNumber }) => short.has(issueNumber))
          .map((guess) => guess.refusedAt);
        expectWithinBudget(guessedAt, policy.guessesPerDay, DAY);
        for (const person of livesIn(history)) {
          const refusedAt = person.flatMap(({ type, data }) =>
            type === 'ActivationRefused' && !short.has(data.issueNumber) ? [data.refusedAt] : [],
          );
          expectWithinBudget(refusedAt, policy.recordedLongGuessesPerDay, DAY);
        }
        expectWithinBudget(guessedAt, policy.guessesPerMonth, 30 * DAY);
        for (const { issueNumber } of issues) {
          const onIssue = guesses
            .filter((guess) => guess.issueNumber === issueNumber)
            .map((guess) => networkOf(history, guess));
          for (const network of onIssue) {
            const own = onIssue.filter((one) => one === network);
            expect(own.length).toBeLessThanOrEqual(
              short.has(issueNumber) ? policy.guessesPerCode : policy.guessesPerLongCode,
            );
          }
        }
      }),
      { numRuns: sweep(80, 250) },
    );
  });

  it('numbers its codes 1, 2, 3, … and each person activates it once at most', () => {
    fc.assert(
      fc.property(life, policy, (steps, policy) => {
        const { history } = live(steps, policy);
        const numbers = issuesIn(history).map((issue) => issue.issueNumber);
        expect(numbers).toEqual(numbers.map((_, index) => index + 1));
        for (const life of livesIn(history)) {
          const activated = life.filter((event) => event.type === 'AccountActivated');
          expect(activated.length).toBeLessThanOrEqual(1);
          const after = life.slice(life.findIndex((event) => event === activated[0]) + 1);
          if (activated.length === 1) {
            const types = new Set(after.map((event) => event.type));
            for (const type of mayFollowActivation) types.delete(type);
            expect([...types]).toEqual([]);
          }
        }
      }),
    );
  });

  it('has at most one live code, the newest', () => {
    fc.assert(
      fc.property(life, policy, (steps, policy) => {
        const { decide } = accountDecider(policy);
        const { answers } = live(steps, policy);
        for (const { command, history, state } of answers) {
          if (command.type !== 'ActivateAccount' || state.status !== 'pending') continue;
          const newest = state.code?.issueNumber ?? 0;
          const activating = issuesIn(history).filter(({ issueNumber }) => {
            const { code } = state;
            const attempt: ActivateAccount = {
              ...command,
              guess: guessOf('right', issueNumber, code?.form ?? 'short'),
            };
            return activates(decide, attempt, state);
          });
          expect(activating.every(({ issueNumber }) => issueNumber === newest)).toBe(true);
        }
      }),
    );
  });

  it('gives its owner notice no more often than agreed, and records nothing of a mail twice', () => {
    fc.assert(
      fc.property(life, policy, (steps, policy) => {
        const { history } = live(steps, policy);
        const noticedAt = history.flatMap((event) =>
          event.type === 'OwnerNoticeIssued' ? [event.data.issuedAt] : [],
        );
        expectWithinBudget(noticedAt, 1, policy.ownerNoticeIntervalMs);
        const answered = history.flatMap((event) =>
          'providerEventId' in event.data ? [event.data.providerEventId] : [],
        );
        expect(new Set(answered).size).toBe(answered.length);
        const notified = history.flatMap((event) =>
          event.type === 'OwnerNotified' ? [event.data.noticeNumber] : [],
        );
        expect(new Set(notified).size).toBe(notified.length);
      }),
    );
  });

  it('records a standing refusal once per issue and network', () => {
    fc.assert(
      fc.property(life, policy, (steps, policy) => {
        const { history } = live(steps, policy);
        const standing = history.flatMap((event) =>
          event.type === 'ActivationRefused' && event.data.reason !== 'incorrect'
            ? [
                [event.data.issueNumber, event.data.reason, networkOf(history, event.data)].join(
                  ' ',
                ),
              ]
            : [],
        );
        expect(new Set(standing).size).toBe(standing.length);
      }),
    );
  });

  it('is the same when read back from what is stored', () => {
    fc.assert(
      fc.property(life, policy, (steps, policy) => {
        const { history } = live(steps, policy);
        const stored: unknown = JSON.parse(JSON.stringify(history.map(toStored)));
        expect((stored as ReturnType<typeof toStored>[]).map(fromStored)).toEqual(history);
      }),
    );
  });

  it('can be written in sentences', () => {
    fc.assert(
      fc.property(life, policy, (steps, policy) => {
        const sentences = live(steps, policy).history.map(sentenceOf);
        expect(sentences.filter((sentence) => !/^[A-Z].*\.$/.test(sentence))).toEqual([]);
      }),
    );
  });

  it('meets every fact and every broken rule', () => {
    const facts = new Set<AccountEventType>();
    const rules = new Set<string>();
    fc.assert(
      fc.property(life, policy, (steps, policy) => {
        for (const { events, thrown, answered } of live(steps, policy).answers) {
          events.forEach((event) => facts.add(event.type));
          for (const refusal of [thrown, answered]) {
            if (refusal instanceof AccountError) rules.add(refusal.name);
          }
        }
      }),
      { numRuns: 300, seed: 1 },
    );
    // Operators alone are refused with what is left out.
    const everyRule: Record<Exclude<BrokenRuleName, 'ActivationCodeNotUndeliverable'>, true> = {
      AccountNotRegistered: true,
      AccountAlreadyActive: true,
      CredentialsSuperseded: true,
      ActivationCodeMissing: true,
      ActivationCodeExpired: true,
      ActivationCodeIncorrect: true,
      ActivationCodeExhausted: true,
      ActivationCodeOfOtherForm: true,
      ActivationCodeRequestedTooSoon: true,
    };
    expect([...facts].sort()).toEqual([...accountEventTypes].sort());
    expect([...rules].sort()).toEqual(Object.keys(everyRule).sort());
  });
});

describe('Guesses that race each other', () => {
  /**
   * A stream with optimistic concurrency: every racer reads, decides on what it read, and appends only
   * if no other racer appended meanwhile; otherwise it begins anew. The schedule says whose turn it is.
   */
  function race(codes: readonly string[], schedule: readonly number[]) {
    const { decide } = accountDecider(defaultActivationPolicy);
    const history: AccountEvent[] = [accountRegistered(), codeIssued(), codeSent()];
    const racers = codes.map((code) => ({ code, read: undefined as number | undefined }));
    const waiting = new Set(racers);
    const endlessly = function* () {
      yield* schedule.map((turn) => racers[turn % racers.length]);
      while (waiting.size > 0) yield* [...waiting];
    };
    for (const racer of endlessly()) {
      if (racer === undefined || !waiting.has(racer)) continue;
      if (racer.read === undefined) {
        racer.read = history.length;
        continue;
      }
      const state = history.slice(0, racer.read).reduce(evolve, initialState);
      const command: ActivateAccount = {
        type: 'ActivateAccount',
        provenClaim: 1,
        guess: racer.code,
        expected: { issueNumber: 1, code: exampleCode(1) },
        nonce: exampleNonce(2),
        keyId: ada.keyId,
        now: noon + SECOND,
      };
      const events = decidedOrRefused(decide, command, state);
      if (events.length === 0) {
        waiting.delete(racer);
      } else if (racer.read === history.length) {
        history.push(...events);
        waiting.delete(racer);
      } else {
        racer.read = undefined;
      }
    }
    return history;
  }

  it('are compared three times at most, and activate once at most', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(wrongCode, wrongCode, exampleCode(1)), {
          minLength: 1,
          maxLength: 20,
        }),
        fc.array(fc.nat(19), { maxLength: 80 }),
        (codes, schedule) => {
          const history = race(codes, schedule);
          expect(wrongGuessesIn(history).length).toBeLessThanOrEqual(3);
          const activated = history.filter((event) => event.type === 'AccountActivated');
          expect(activated.length).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});

describe('Any sequence of facts', () => {
  const fact = anyAccountEvent({ min: noon - DAY, max: noon + 60 * DAY });

  it('evolves to a state, even one that no decision would lead to', () => {
    fc.assert(
      fc.property(fc.array(fact, { maxLength: 50 }), (facts) => {
        const state = facts.reduce((last, event) => deepFreeze(evolve(last, event)), initialState);
        expect(['not-registered', 'pending', 'active', 'lapsed', 'erased']).toContain(state.status);
      }),
    );
  });

  it('is the same when read back from what is stored', () => {
    fc.assert(
      fc.property(fact, (event) => {
        expect(fromStored(toStored(event))).toEqual(event);
      }),
    );
  });
});

function activates(
  decide: (command: AccountCommand, state: Account) => AccountEvent[],
  command: ActivateAccount,
  state: Account,
): boolean {
  return decidedOrRefused(decide, command, state).some(({ type }) => type === 'AccountActivated');
}

function decidedOrRefused(
  decide: (command: AccountCommand, state: Account) => AccountEvent[],
  command: AccountCommand,
  state: Account,
): AccountEvent[] {
  try {
    return decide(command, state);
  } catch (error) {
    if (!(error instanceof AccountError)) throw error;
    return [];
  }
}
