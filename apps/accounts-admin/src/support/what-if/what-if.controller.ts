import { WhatIfReplay, accountStreamPrefix, guessBounds, noOutcome, sumOf } from '@app/accounts';
import type { ActivationPolicy } from '@app/accounts';
import { anonymousAccountCodec, decodeEach } from '@app/personal-data';
import { Inject, Query } from '@nestjs/common';
import * as z from 'zod';
import { ACTIVATION_SETTINGS } from '../../admin.tokens.js';
import { AdminCall, AdminController, lineAnswer } from '../../api-description/admin-call.js';
import { LineAnswer, jsonLines } from '../../evidence/line-stream.js';
import { LogScan } from '../../evidence/log-scan.js';
import type { StreamFold } from '../../evidence/log-scan.js';
import { policyUnder, ruleParameters, rulesOf } from './rules.js';
import type { ActivationSettings, Rules } from './rules.js';

const whatIfQuery = z.strictObject(ruleParameters());

/** Replays took about a kilobyte a stream when this was measured. */
const MOST_STREAMS = 250_000;

/** What the log would have become under other rules. Counts only: reads no personal data, and needs no key. */
@AdminController('statistics')
export class WhatIfController {
  constructor(
    private readonly log: LogScan,
    @Inject(ACTIVATION_SETTINGS) private readonly settings: ActivationSettings,
  ) {}

  @AdminCall('GET what-if', 'accounts:read', {
    operationId: 'replayWhatIf',
    summary: 'What the log would have become under other rules, and what a guesser would gain',
    description:
      'Replays every history through the functions that decisions rest on. Codes are not stored: whether a guess ' +
      'that was refused unseen was right is unknown: "gainedAtMost" and "soonerAtMost" take them all for ' +
      'right, "lostAtMost" takes them all for wrong, "lostAtLeast" holds in either case. Not in the log, and so ' +
      'not in the answer: refused requests for new codes, tries after the first on a code that was refused unseen ' +
      'for the same reason, and people who did not try.',
    answer: lineAnswer(
      'How far it is, and the result',
      { progress: { events: 52_224, fraction: 0.41 } },
      {
        end: {
          rules: {
            real: { codeTtlSeconds: 60, guessesPerCode: 3 },
            other: { codeTtlSeconds: 120, guessesPerCode: 5 },
          },
          accounts: 32_000,
          outcome: {
            activations: 30_100,
            wrongGuesses: 812,
            refusedUnseen: 641,
            comparedInAddition: 433,
            notComparedAnyMore: 0,
            gainedAtMost: 190,
            soonerAtMost: 241,
            lostAtLeast: 0,
            lostAtMost: 0,
          },
          rightShare: 0.9737,
          guessBounds: {
            real: { perDay: { guesses: 10, probability: 0.001 } },
            other: { perDay: { guesses: 10, probability: 0.001 } },
          },
        },
      },
    ),
    problems: ['invalidRequest', 'logWalkRunning'],
  })
  whatIf(@Query({ schema: whatIfQuery }) rules: z.infer<typeof whatIfQuery>): LineAnswer {
    const given = Object.entries(rules).filter(([, value]) => value !== undefined);
    const title = 'The log could not be read to its end: nothing can be said.';
    return new LineAnswer(jsonLines(this.replay(Object.fromEntries(given))), title);
  }

  /**
   * @param changed rules that are to be other than they are
   * @throws Problem log-walk-running, with the first line
   * @throws EventStoreUnavailable with any line
   */
  private async *replay(changed: Partial<Rules>): AsyncGenerator<object> {
    const real = rulesOf(this.settings);
    const other = { ...real, ...changed };
    const policy = policyUnder(other, this.settings);
    let accounts = 0;
    let outcome = noOutcome;
    for await (const step of this.log.walk(replayUnder(policy), MOST_STREAMS)) {
      if (step.kind === 'progress') {
        yield { progress: step.progress };
        continue;
      }
      accounts += step.folds.size;
      for (const replay of step.folds.values()) outcome = sumOf(outcome, replay.outcome);
    }
    const compared = outcome.activations + outcome.wrongGuesses;
    yield {
      end: {
        rules: { real, other },
        accounts,
        outcome,
        // Of the guesses that were compared, how many were right.
        rightShare: compared === 0 ? null : outcome.activations / compared,
        // Of one guesser against one address.
        guessBounds: {
          real: guessBounds(policyUnder(real, this.settings)),
          other: guessBounds(policy),
        },
      },
    };
  }
}

function replayUnder(policy: ActivationPolicy): StreamFold<WhatIfReplay> {
  return {
    streamNamePrefixes: [accountStreamPrefix],
    begin: () => new WhatIfReplay(policy),
    add: async (replay, recorded) => {
      const [event] = await decodeEach(anonymousAccountCodec, [recorded]);
      if (event && !(event instanceof Error)) replay.add(event);
    },
  };
}
