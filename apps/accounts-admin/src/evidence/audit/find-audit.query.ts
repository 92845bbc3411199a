import { AccountIds } from '@app/account-secrets';
import type { ReadModelProgress } from '@app/consumers';
import { parseLogPosition } from '@app/event-store';
import type { Queryable } from '@app/postgres';
import { pageOfAudit } from '@app/views';
import type { AuditPageRequest } from '@app/views';
import { Inject, Injectable } from '@nestjs/common';
import * as z from 'zod';
import { AUDIT_PROGRESS, READ_MODEL } from '../../admin.tokens.js';
import { pageOf, pageParameters, placeOf, timeOfPlace } from '../../page-cursor.js';
import { accountIdOfPath, instantParameter } from '../../request-values.js';
import { AuditLog } from './audit-log.js';

export const accountAuditQuery = z.strictObject({
  who: z.string().max(32).optional().meta({ description: 'Calls of the key with this id.' }),
  from: instantParameter('Answered at this time or later.').optional(),
  to: instantParameter('Answered before this time.').optional(),
  ...pageParameters('calls'),
});

export const auditQuery = accountAuditQuery.extend({
  account: z.string().max(400).optional().meta({
    description: 'Calls that named this account, or were shown it: its id, or its e-mail address.',
  }),
});

const callPlace = z
  .tuple([timeOfPlace, z.string().transform(parseLogPosition).pipe(z.bigint())])
  .transform(([at, position]) => ({ at, position }));

/** An empty list must not mean that no worker has projected what was read a moment ago. */
const LONGEST_WAIT_MS = 3_000;

/** What operators were shown, as the read model has it. */
@Injectable()
export class FindAuditQuery {
  constructor(
    @Inject(READ_MODEL) private readonly readModel: Queryable,
    @Inject(AUDIT_PROGRESS) private readonly progress: ReadModelProgress,
    private readonly audit: AuditLog,
    private readonly accountIds: AccountIds,
  ) {}

  /**
   * Shows everything that this process had put on record before.
   *
   * @throws Problem invalid-request
   * @throws ReadModelBehind when the worker has not come so far in time
   */
  async find({ limit, cursor, ...filters }: z.infer<typeof auditQuery>) {
    const { who, account, from, to } = filters;
    const request: AuditPageRequest = {
      keyId: who,
      accountId: account && accountIdOfPath(account, this.accountIds, 'account'),
      from: from === undefined ? undefined : new Date(from),
      to: to === undefined ? undefined : new Date(to),
      limit: limit + 1,
      after: placeOf(cursor, filters, callPlace),
    };
    const { position } = this.audit;
    if (position !== undefined) await this.progress.waitUntil(position, LONGEST_WAIT_MS);
    const found = await pageOfAudit(this.readModel, request);
    return pageOf(found, limit, filters, (last) => [last.at.toISOString(), String(last.position)]);
  }
}
