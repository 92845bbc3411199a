import { Param, Query } from '@nestjs/common';
import * as z from 'zod';
import { AdminCall, AdminController, jsonAnswer } from '../../api-description/admin-call.js';
import { answerOf } from '../../answer-of.js';
import { FindAuditQuery, accountAuditQuery, auditQuery } from './find-audit.query.js';

const callAnswer = z.object({
  at: z.iso.datetime(),
  keyId: z.string(),
  label: z.string().nullable().meta({ description: 'What operators call the key.' }),
  operation: z.string().meta({ description: 'Such as view-account, or revoke-key.' }),
  outcome: z.string().meta({ description: 'answered, or the problem that was answered instead.' }),
  accountIds: z.array(z.string()).readonly().meta({
    description: 'Accounts that the call named or was shown; those that do not exist included.',
  }),
  filters: z.array(z.string()).readonly().meta({ description: 'Names of its parameters.' }),
  subjectKeyId: z.string().nullable().meta({ description: 'The key that was made or revoked.' }),
  requestId: z.string(),
  callerRequestId: z.string().nullable(),
});

const pageAnswer = z.object({ calls: z.array(callAnswer), nextCursor: z.string().nullable() });

@AdminController('audit')
export class FindAuditController {
  constructor(private readonly query: FindAuditQuery) {}

  @AdminCall('GET audit', 'audit:read', {
    operationId: 'findAudit',
    summary: 'What operators were shown, newest first',
    description:
      'Every call whose answer showed an account, or that there is none, and every change of keys; ' +
      'refused ones included. This call is one of them.',
    answer: jsonAnswer('One page', pageAnswer),
    problems: ['invalidRequest'],
  })
  async find(
    @Query({ schema: auditQuery }) query: z.infer<typeof auditQuery>,
  ): Promise<z.infer<typeof pageAnswer>> {
    return this.page(query);
  }

  @AdminCall('GET accounts/:id/audit', 'audit:read', {
    operationId: 'findAuditOfAccount',
    summary: 'Who looked at this account, newest first',
    description: 'Also the calls that were refused. This call is one of them.',
    answer: jsonAnswer('One page', pageAnswer),
    problems: ['invalidRequest'],
  })
  async ofAccount(
    @Param('id') account: string,
    @Query({ schema: accountAuditQuery }) query: z.infer<typeof accountAuditQuery>,
  ): Promise<z.infer<typeof pageAnswer>> {
    return this.page({ ...query, account });
  }

  private async page(query: z.infer<typeof auditQuery>): Promise<z.infer<typeof pageAnswer>> {
    const { rows, nextCursor } = await this.query.find(query);
    return { calls: rows.map((call) => answerOf(callAnswer, call)), nextCursor };
  }
}
