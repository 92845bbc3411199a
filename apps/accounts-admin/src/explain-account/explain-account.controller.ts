import { Controller, Get, Param } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { CallerOf } from '../admin-keys/caller.js';
import type { Caller } from '../admin-keys/caller.js';
import { RequiresScope } from '../admin-keys/scopes.js';
import { ApiAccount, ApiAnswer, AdminApiProblems } from '../api-description/api-description.js';
import { ExplainAccountQuery } from './explain-account.query.js';

const explanationAnswer = z.object({
  accountId: z.uuid(),
  conclusion: z.string().meta({ description: 'The answer in one or two sentences.' }),
  steps: z.array(z.object({ at: z.iso.datetime(), sentence: z.string() })),
});

@ApiTags('history')
@ApiBearerAuth('key')
@Controller('admin/v1/accounts')
export class ExplainAccountController {
  constructor(private readonly query: ExplainAccountQuery) {}

  @Get(':id/explanation')
  @RequiresScope('history:read')
  @ApiAccount()
  @ApiOperation({ summary: 'Why could she not activate? In plain words' })
  @ApiAnswer(200, 'The explanation', explanationAnswer)
  @AdminApiProblems(
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
    const { accountId, conclusion, steps } = await this.query.explain(account, caller);
    return {
      accountId,
      conclusion,
      steps: steps.map(({ at, sentence }) => ({ at: new Date(at).toISOString(), sentence })),
    };
  }
}
