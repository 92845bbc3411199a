import { describe, expect, it } from '@jest/globals';
import {
  AccountAlreadyActive,
  AccountError,
  accountDecider,
  activationOutcome,
  defaultActivationPolicy,
} from '@app/accounts';
import type { AccountCommand, ActivationOutcome } from '@app/accounts';
import {
  accountRegistered,
  codeIssued,
  codeSent,
  exampleCode,
  exampleNonce,
  noon,
  SECOND,
  wrongCode,
} from '@app/accounts/testing/account-examples.js';
import { handleCommand } from '@app/event-store';
import { InMemoryEventStore } from '@app/event-store/testing/in-memory-event-store.js';
import { plainAccountCodec } from '@app/personal-data/testing/plain-account-codec.js';
import { sweep } from '../support/sweep.js';

/** What the races over three processes show in some rounds, in many: the same loop over one log. */
const ROUNDS = sweep(250, 1_000);
const PROCESSES = 10;
const stream = 'account-6f9619ff-8b86-8d01-b42d-00cf4fc964ff';
const policy = defaultActivationPolicy;

async function race(guess: string, times: number) {
  const store = new InMemoryEventStore();
  await store.record(stream, accountRegistered(), codeIssued(), codeSent());
  // Within a process, commands for the same stream take turns.
  const newProcess = () => ({ store, codec: plainAccountCodec, decider: accountDecider(policy) });
  const processes = Array.from({ length: PROCESSES }, newProcess);
  const guessed = async (index: number): Promise<ActivationOutcome | AccountError> => {
    const behaviour = processes[index % PROCESSES] ?? newProcess();
    try {
      const { state, events } = await handleCommand(
        behaviour,
        stream,
        (): AccountCommand => ({
          type: 'ActivateAccount',
          provenClaim: 1,
          guess,
          expected: { issueNumber: 1, code: exampleCode(1) },
          nonce: exampleNonce(2),
          keyId: 'k1',
          now: noon + SECOND,
        }),
        { $correlationId: 'a', $causationId: 'b', actor: 'account' },
      );
      return activationOutcome(state, events, policy);
    } catch (error) {
      if (error instanceof AccountError) return error;
      throw error;
    }
  };
  const outcomes = await Promise.all(Array.from({ length: times }, (_, index) => guessed(index)));
  const types: string[] = [];
  for await (const { type } of store.readStream(stream)) types.push(type);
  return { outcomes, types: types.slice(3) };
}

describe(`${ROUNDS} rounds`, () => {
  it('of 50 right codes at the same time activate once each', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { outcomes, types } = await race(exampleCode(1), 50);
      const refused = outcomes.filter((outcome) => outcome instanceof AccountAlreadyActive);
      expect([outcomes.length - refused.length, types]).toEqual([1, ['AccountActivated']]);
    }
  }, 110_000);

  it('of 200 wrong guesses at the same time compare three each', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { outcomes, types } = await race(wrongCode, 200);
      const left = outcomes.flatMap((outcome) =>
        'attemptsLeft' in outcome ? [outcome.attemptsLeft] : [],
      );
      expect(left.sort()).toEqual([0, 1, 2]);
      // Three that count, and one that says that there are no more.
      expect(types).toEqual(Array(4).fill('ActivationRefused'));
    }
  }, 110_000);
});
