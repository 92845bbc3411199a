import { SHARED_LIMITS } from '@app/account-secrets';
import { ACTIVATION_POLICY, explainAccount } from '@app/accounts';
import type { AccountEvent, ActivationPolicy } from '@app/accounts';
import { CLOCK } from '@app/process';
import type { Clock } from '@app/process';
import { Inject } from '@nestjs/common';
import * as z from 'zod';
import { AdminCall, AdminController, jsonAnswer } from '../../api-description/admin-call.js';
import { AccountHistory } from '../replay-account/account-history.js';
import { AccountOfPath } from '../../request-values.js';
import { SharedBudgets } from '../free-account/shared-budgets.js';
import type { UsedBudgets } from '../free-account/shared-budgets.js';

const explanationAnswer = z.object({
  accountId: z.uuid(),
  conclusion: z.string().meta({ description: 'The answer in one or two sentences.' }),
  steps: z.array(z.object({ at: z.iso.datetime(), sentence: z.string() })),
});

@AdminController('history')
export class ExplainAccountController {
  constructor(
    private readonly history: AccountHistory,
    private readonly budgets: SharedBudgets,
    @Inject(ACTIVATION_POLICY) private readonly policy: ActivationPolicy,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @AdminCall('GET accounts/:id/explanation', 'history:read', {
    summary: 'Why could she not activate? In plain words',
    description: 'Each step of the history as a sentence, and what follows from them all.',
    answer: jsonAnswer('The explanation', explanationAnswer),
    problems: ['invalidRequest', 'accountNotFound', 'accountUnreadable'],
  })
  async explain(@AccountOfPath() accountId: string): Promise<z.infer<typeof explanationAnswer>> {
    const events = (await this.history.all(accountId)).map(({ event }) => event);
    const { conclusion, steps } = explainAccount(events, this.clock(), this.policy);
    const used = await this.budgets.usedOf(accountId, newestAddressIn(events));
    return {
      accountId,
      conclusion: [conclusion, ...sentencesOn(used)].join(' '),
      steps: steps.map(({ at, sentence }) => ({ at: new Date(at).toISOString(), sentence })),
    };
  }
}

function newestAddressIn(events: readonly AccountEvent[]): string | undefined {
  const addresses = events.flatMap(({ data }) => ('address' in data ? [data.address] : []));
  const newest = addresses.at(-1);
  return typeof newest === 'string' ? newest : undefined;
}

/** Below this share no call is refused: networks that had some already may use so much together. */
const WORTH_A_SENTENCE = 0.5;

function sentencesOn({ mails, registrations }: UsedBudgets): readonly string[] {
  const percent = (used: number) => `${Math.round(used * 100)} %`;
  return [
    ...(mails >= WORTH_A_SENTENCE
      ? [
          `Of the mails that the inbox gets in a day ${percent(mails)} are used up; from ${percent(SHARED_LIMITS.mails.partOfKnown)} on only networks that caused none today cause further ones.`,
        ]
      : []),
    ...(registrations >= WORTH_A_SENTENCE
      ? [
          `Of the registrations of the address in an hour ${percent(registrations)} are used up; from ${percent(SHARED_LIMITS.registrations.partOfKnown)} on only those of networks that made none today count.`,
        ]
      : []),
  ];
}
