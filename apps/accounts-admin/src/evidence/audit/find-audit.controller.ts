import type { ListedCall } from '@app/views';
import { Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { AdminCall, AdminController, jsonAnswer } from '../../api-description/admin-call.js';
import { instantParameter, integerParameter } from '../../request-values.js';
import { FindAuditQuery } from './find-audit.query.js';
import type { AuditPage } from './find-audit.query.js';

const accountAuditQuery = z.strictObject({
  who: z.string().max(32).optional().meta({ description: 'Calls of the key with this id.' }),
  from: instantParameter('Answered at this time or later.').optional(),
  to: instantParameter('Answered before this time.').optional(),
  limit: integerParameter(1, 200, 'Most calls on a page.').default(50),
  cursor: z.string().optional().meta({ description: 'nextCursor of the page before.' }),
});

const auditQuery = accountAuditQuery.extend({
  account: z.string().max(400).optional().meta({
    description: 'Calls that named this account, or were shown it: its id, or its e-mail address.',
  }),
});

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
    summary: 'What operators were told, newest first',
    description:
      'Every call whose answer told something of an account, be it that there is none, and every change of keys; ' +
      'refused ones included. This call is one of them.',
    answer: jsonAnswer('One page', pageAnswer),
    problems: ['invalidRequest'],
  })
  async find(
    @Query({ schema: auditQuery }) query: z.infer<typeof auditQuery>,
  ): Promise<z.infer<typeof pageAnswer>> {
    return toAnswer(await this.query.find(query));
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
    return toAnswer(await this.query.find({ ...query, account }));
  }
}

function toAnswer({ calls, nextCursor }: AuditPage): z.infer<typeof pageAnswer> {
  return { calls: calls.map(toCall), nextCursor: nextCursor ?? null };
}

function toCall(call: ListedCall): z.infer<typeof callAnswer> {
  return {
    at: call.at.toISOString(),
    keyId: call.keyId,
    label: call.label ?? null,
    operation: call.operation,
    outcome: call.outcome,
    accountIds: call.accountIds,
    filters: call.filters,
    subjectKeyId: call.subjectKeyId ?? null,
    requestId: call.requestId,
    callerRequestId: call.callerRequestId ?? null,
  };
}
