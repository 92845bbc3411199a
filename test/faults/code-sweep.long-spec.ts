import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ActivationCodes, KeyRing } from '@app/account-secrets';
import {
  AccountError,
  ActivationCodeRequestedTooSoon,
  accountDecider,
  activationOutcome,
  defaultActivationPolicy,
} from '@app/accounts';
import type { Account, AccountCommand, AccountEvent, Instant } from '@app/accounts';
import { sweep } from '../support/sweep.js';

const ACCOUNTS = sweep(100, 500);
const CODES = 10_000;
const DAY = 86_400_000;
/** P(more) is below 1 in 5,000 where the stated bound holds: of 100 addresses, 0.1 % each, 0.1 are expected. */
const MOST_ACTIVATED = sweep(2, 4);

const policy = defaultActivationPolicy;
const decider = accountDecider(policy);
const codes = new ActivationCodes(
  KeyRing.parse(`k1:${randomBytes(32).toString('base64')}`, 'ACTIVATION_CODE_KEYS'),
);

/** An attacker who knows the password of an address, and nothing else, tries all codes within one day. */
class Attack {
  private state: Account = decider.initialState;
  private expected: { readonly issueNumber: number; readonly code: string } | undefined;
  /** Of the next code that is issued: nearly every guess issues none, and to draw one takes longer than to decide. */
  private nonce = codes.newNonce();
  compared = 0;
  issued = 0;
  isActivated = false;

  constructor(private readonly accountId: string) {}

  begin(now: Instant): void {
    this.decide({
      type: 'RegisterAccount',
      address: 'ada@example.org',
      passwordHash: 'hash',
      network: 'home',
      networkKey: '00112233445566778899aabbccddeeff',
      language: 'en',
      ...this.fresh(),
      now,
    });
    this.mailArrives(now);
  }

  guess(guess: string, now: Instant): void {
    const { state } = this;
    if (state.status !== 'pending' || state.code === undefined) return;
    const { issueNumber } = state.code;
    if (this.expected?.issueNumber !== issueNumber) {
      this.expected = { issueNumber, code: codes.codeFor(this.accountId, state.code) };
    }
    const { expected } = this;
    const events = this.decide({
      type: 'ActivateAccount',
      provenClaim: 1,
      guess,
      expected,
      ...this.fresh(),
      now,
    });
    if (events === undefined) return;
    const outcome = activationOutcome(this.state, events, policy);
    if (!(outcome instanceof AccountError)) this.isActivated = true;
    else if (outcome.name === 'ActivationCodeIncorrect') this.compared += 1;
  }

  /** The code that the owner was mailed. */
  get mailedCode(): string {
    const { state } = this;
    if (state.status !== 'pending' || state.code === undefined) throw new Error('no code is out');
    return codes.codeFor(this.accountId, state.code);
  }

  /** A new code as soon as the last one is of no use and the next is allowed. */
  renew(now: Instant): void {
    const { state } = this;
    if (state.status !== 'pending') return;
    try {
      this.apply(
        decider.decide(
          { type: 'RequestActivationCode', provenClaim: 1, ...this.fresh(), now },
          state,
        ),
      );
      this.mailArrives(now);
    } catch (error) {
      if (!(error instanceof ActivationCodeRequestedTooSoon)) throw error;
    }
  }

  private fresh() {
    return { nonce: this.nonce, keyId: codes.currentKeyId };
  }

  private mailArrives(now: Instant): void {
    if (this.state.status !== 'pending' || !this.state.code) return;
    const { issueNumber } = this.state.code;
    this.issued = issueNumber;
    this.decide({
      type: 'RecordActivationCodeSent',
      issueNumber,
      sentAt: now,
      providerMessageId: 'message',
    });
  }

  private decide(command: AccountCommand): readonly AccountEvent[] | undefined {
    try {
      return this.apply(decider.decide(command, this.state));
    } catch (error) {
      if (!(error instanceof AccountError)) throw error;
      return undefined;
    }
  }

  private apply(events: readonly AccountEvent[]): readonly AccountEvent[] {
    this.state = events.reduce(decider.evolve, this.state);
    if (events.some(({ type }) => type === 'ActivationCodeIssued')) this.nonce = codes.newNonce();
    return events;
  }
}

/** The sweep throws millions of refusals and reads no stack trace. */
const { stackTraceLimit } = Error;
beforeAll(() => {
  Error.stackTraceLimit = 0;
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

describe('All 10,000 codes, tried within a day against many accounts,', () => {
  it('would activate every account whose code were among the first that are compared', () => {
    const begun = Date.UTC(2026, 10, 22);
    for (let index = 0; index < ACCOUNTS; index += 1) {
      const attack = new Attack(randomUuid());
      attack.begin(begun);
      attack.guess(attack.mailedCode, begun + 1_000);
      expect(attack.isActivated).toBe(true);
    }
  });

  it(
    'activate no more accounts than the stated bound allows',
    () => {
      const begun = Date.UTC(2026, 10, 22);
      const attacks = Array.from({ length: ACCOUNTS }, () => new Attack(randomUuid()));
      for (const attack of attacks) {
        attack.begin(begun);
        const first = Math.floor(Math.random() * CODES);
        for (let index = 0; index < CODES; index += 1) {
          const now = begun + Math.floor((index * (DAY - 1)) / CODES);
          // Three at a time and a new code for the next three: the best that the budgets leave to do.
          if (index % 3 === 0) attack.renew(now);
          attack.guess(String((first + index) % CODES).padStart(4, '0'), now);
        }
      }
      const activated = attacks.filter(({ isActivated }) => isActivated);
      const compared = attacks.map((attack) => attack.compared);
      expect(Math.max(...compared)).toBeLessThanOrEqual(policy.guessesPerDay);
      expect(Math.max(...attacks.map(({ issued }) => issued))).toBeLessThanOrEqual(
        policy.codesPerDay + 1,
      );
      // The attack is as strong as it can be: nearly every account has its guesses used up.
      const usedUp = compared.filter((count) => count === policy.guessesPerDay);
      expect(usedUp.length + activated.length).toBeGreaterThan(ACCOUNTS * 0.95);
      expect(activated.length).toBeLessThanOrEqual(MOST_ACTIVATED);
    },
    sweep(110_000, 600_000),
  );
});

function randomUuid(): string {
  const hex = randomBytes(16).toString('hex');
  return [8, 12, 16, 20].reduceRight((text, at) => `${text.slice(0, at)}-${text.slice(at)}`, hex);
}
