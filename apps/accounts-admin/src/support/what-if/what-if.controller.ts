import { Query } from '@nestjs/common';
import * as z from 'zod';
import { AdminCall, AdminController, lineAnswer } from '../../api-description/admin-call.js';
import { LineAnswer, jsonLines } from '../../evidence/line-stream.js';
import { ruleParameters } from './rules.js';
import { WhatIfQuery } from './what-if.query.js';

const whatIfQuery = z.strictObject(ruleParameters());

@AdminController('statistics')
export class WhatIfController {
  constructor(private readonly query: WhatIfQuery) {}

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
    const lines = jsonLines(this.query.replay(Object.fromEntries(given)));
    return new LineAnswer(lines, title);
  }
}
