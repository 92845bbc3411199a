import { Controller, Get, Param } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { RequiresScope } from '../admin-keys/scopes.js';
import { ApiAccount, ApiAnswer, AdminApiProblems } from '../api-description/api-description.js';
import { VerifyAccountQuery } from './verify-account.query.js';

const verificationAnswer = z.object({
  accountId: z.uuid(),
  stream: z.string(),
  intact: z.boolean(),
  events: z.int(),
  chainedFrom: z
    .int()
    .nullable()
    .meta({ description: 'First event with a link; it covers those before. Null when none has.' }),
  head: z.string().nullable().meta({
    description:
      'Link of the last event. Keep it elsewhere: what was cut off the end shows only beside it.',
  }),
  broken: z
    .object({
      revision: z.int(),
      reason: z.enum(['revision-missing', 'link-missing', 'link-differs']),
    })
    .nullable()
    .meta({ description: 'The first event that was changed, dropped, moved or slipped in.' }),
});

@ApiTags('history')
@ApiBearerAuth('key')
@Controller('admin/v1/accounts')
export class VerifyAccountController {
  constructor(private readonly query: VerifyAccountQuery) {}

  @Get(':id/verification')
  @RequiresScope('history:read')
  @ApiAccount()
  @ApiOperation({ summary: 'Whether the history is as it was appended, or where it breaks' })
  @ApiAnswer(200, 'What a walk along the chain of the history found', verificationAnswer)
  @AdminApiProblems(
    'invalidRequest',
    'unauthenticated',
    'forbidden',
    'accountNotFound',
    'serviceUnavailable',
  )
  async verify(@Param('id') account: string): Promise<z.infer<typeof verificationAnswer>> {
    const { accountId, streamName, events, chainedFrom, head, broken } =
      await this.query.verify(account);
    return {
      accountId,
      stream: streamName,
      intact: broken === undefined,
      events,
      chainedFrom: chainedFrom === undefined ? null : Number(chainedFrom),
      head: head ?? null,
      broken: broken ? { ...broken, revision: Number(broken.revision) } : null,
    };
  }
}
