import { WhatIfReplay, accountStreamPrefix, guessBounds, noOutcome, sumOf } from '@app/accounts';
import type { ActivationPolicy, GuessBounds, WhatIfOutcome } from '@app/accounts';
import { anonymousAccountCodec, decodeEach } from '@app/personal-data';
import { Inject, Injectable } from '@nestjs/common';
import { ACTIVATION_SETTINGS } from '../../admin.tokens.js';
import { LogScan } from '../../evidence/log-scan.js';
import type { StreamFold, WalkProgress } from '../../evidence/log-scan.js';
import { policyUnder, rulesOf } from './rules.js';
import type { ActivationSettings, Rules } from './rules.js';

/** One line of the answer. */
export type WhatIfLine = Pick<WalkProgress, 'progress'> | { readonly end: WhatIfResult };

export interface WhatIfResult {
  readonly rules: { readonly real: Rules; readonly other: Rules };
  readonly accounts: number;
  readonly outcome: WhatIfOutcome;
  /** Of the guesses that were compared, how many were right; null when there was none. */
  readonly rightShare: number | null;
  /** Of one guesser against one address. */
  readonly guessBounds: { readonly real: GuessBounds; readonly other: GuessBounds };
}

/** Replays took about a kilobyte a stream when this was measured. */
const MOST_STREAMS = 250_000;

/** What the log would have become under other rules. Counts only: reads no personal data, and needs no key. */
@Injectable()
export class WhatIfQuery {
  constructor(
    private readonly log: LogScan,
    @Inject(ACTIVATION_SETTINGS) private readonly settings: ActivationSettings,
  ) {}

  /**
   * @param changed rules that are to be other than they are
   * @throws Problem log-walk-running, with the first line
   * @throws EventStoreUnavailable with any line
   */
  async *replay(changed: Partial<Rules>): AsyncGenerator<WhatIfLine> {
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
        rightShare: compared === 0 ? null : outcome.activations / compared,
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
