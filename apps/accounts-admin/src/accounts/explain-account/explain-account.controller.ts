import { AccountIds } from '@app/account-secrets';
import { ACTIVATION_POLICY, explainAccount } from '@app/accounts';
import type { ActivationPolicy } from '@app/accounts';
import { CLOCK } from '@app/process';
import type { Clock } from '@app/process';
import { Controller, Get, Inject, Param } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { CallerOf } from '../../keys/caller.js';
import type { Caller } from '../../keys/caller.js';
import { RequiresScope } from '../../keys/scopes.js';
import { ApiAccount, ApiAnswer, ApiProblems } from '../../api-description/api-description.js';
import { AuditLog } from '../../evidence/audit/audit-log.js';
import { AccountHistory } from '../replay-account/account-history.js';
import { accountIdOfPath } from '../../request-values.js';

const explanationAnswer = z.object({
  accountId: z.uuid(),
  conclusion: z.string().meta({ description: 'The answer in one or two sentences.' }),
  steps: z.array(z.object({ at: z.iso.datetime(), sentence: z.string() })),
});

@ApiTags('history')
@ApiBearerAuth('key')
@Controller('admin/v1/accounts')
export class ExplainAccountController {
  constructor(
    private readonly history: AccountHistory,
    private readonly accountIds: AccountIds,
    private readonly audit: AuditLog,
    @Inject(ACTIVATION_POLICY) private readonly policy: ActivationPolicy,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Get(':id/explanation')
  @RequiresScope('history:read')
  @ApiAccount()
  @ApiOperation({ summary: 'Why could she not activate? In plain words' })
  @ApiAnswer(200, 'The explanation', explanationAnswer)
  @ApiProblems(
    'invalidRequest',
    'unauthenticated',
    'forbidden',
    'accountNotFound',
    'accountUnreadable',
    'serviceUnavailable',
  )
  async explain(
    @Param('id') account: string,
    @CallerOf() caller: Caller,
  ): Promise<z.infer<typeof explanationAnswer>> {
    const accountId = accountIdOfPath(account, this.accountIds);
    await this.audit.record(caller, { operation: 'explain-account', accountIds: [accountId] });
    const events = (await this.history.all(accountId)).map(({ event }) => event);
    const { conclusion, steps } = explainAccount(events, this.clock(), this.policy);
    return {
      accountId,
      conclusion,
      steps: steps.map(({ at, sentence }) => ({ at: new Date(at).toISOString(), sentence })),
    };
  }
}
