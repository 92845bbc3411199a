import { AccountIds } from '@app/account-secrets';
import type { ReadModelProgress } from '@app/consumers';
import { parseLogPosition } from '@app/event-store';
import type { Queryable } from '@app/postgres';
import { pageOfAudit } from '@app/views';
import { Inject, Param, Query } from '@nestjs/common';
import * as z from 'zod';
import { AUDIT_PROGRESS, READ_MODEL } from '../../admin.tokens.js';
import { AdminCall, AdminController, jsonAnswer } from '../../api-description/admin-call.js';
import { answerOf } from '../../answer-of.js';
import { pageParameters, readPage, timeOfPlace } from '../../page-cursor.js';
import { accountIdOfPath, instantParameter } from '../../request-values.js';
import { AuditLog } from './audit-log.js';

const accountAuditQuery = z.strictObject({
  who: z.string().max(32).optional().meta({ description: 'Calls of the key with this id.' }),
  from: instantParameter('Answered at this time or later.').optional(),
  to: instantParameter('Answered before this time.').optional(),
  ...pageParameters('calls'),
});

const auditQuery = accountAuditQuery.extend({
  account: z.string().max(400).optional().meta({
    description: 'Calls that named this account, or were shown it: its id, or its e-mail address.',
  }),
});

const callPlace = z
  .tuple([timeOfPlace, z.string().transform(parseLogPosition).pipe(z.bigint())])
  .transform(([at, position]) => ({ at, position }));

/** An empty list must not mean that no worker has projected what was read a moment ago. */
const LONGEST_WAIT_MS = 3_000;

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

/** What operators were shown, as the read model has it. */
@AdminController('audit')
export class FindAuditController {
  constructor(
    @Inject(READ_MODEL) private readonly readModel: Queryable,
    @Inject(AUDIT_PROGRESS) private readonly progress: ReadModelProgress,
    private readonly audit: AuditLog,
    private readonly accountIds: AccountIds,
  ) {}

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

  /**
   * Shows everything that this process had put on record before.
   *
   * @throws Problem invalid-request
   * @throws ReadModelBehind when the worker has not come so far in time
   */
  private async page(query: z.infer<typeof auditQuery>): Promise<z.infer<typeof pageAnswer>> {
    const { who, account, from, to } = query;
    const filters = {
      keyId: who,
      accountId: account && accountIdOfPath(account, this.accountIds, 'account'),
      from: from === undefined ? undefined : new Date(from),
      to: to === undefined ? undefined : new Date(to),
    };
    const { rows, nextCursor } = await readPage(
      query,
      callPlace,
      async (page) => {
        const { position } = this.audit;
        if (position !== undefined) await this.progress.waitUntil(position, LONGEST_WAIT_MS);
        return pageOfAudit(this.readModel, { ...filters, ...page });
      },
      (last) => [last.at.toISOString(), String(last.position)],
    );
    return { calls: rows.map((call) => answerOf(callAnswer, call)), nextCursor };
  }
}
