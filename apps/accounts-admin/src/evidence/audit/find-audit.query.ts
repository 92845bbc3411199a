import { AccountIds } from '@app/account-secrets';
import type { ReadModelProgress } from '@app/consumers';
import { parseLogPosition } from '@app/event-store';
import type { Queryable } from '@app/postgres';
import { pageOfAudit } from '@app/views';
import type { AuditPageRequest, ListedCall } from '@app/views';
import { Inject, Injectable } from '@nestjs/common';
import { AUDIT_PROGRESS, READ_MODEL } from '../../admin.tokens.js';
import { cursorOf, invalidCursor, placeOf } from '../../page-cursor.js';
import { accountIdOfPath } from '../../request-values.js';
import { AuditLog } from './audit-log.js';

export interface FindAudit {
  /** Id of the key that called. */
  readonly who?: string | undefined;
  /** Id or e-mail address. */
  readonly account?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface AuditPage {
  readonly calls: readonly ListedCall[];
  readonly nextCursor: string | undefined;
}

/** An empty list must not mean that no worker has projected what was read a moment ago. */
const LONGEST_WAIT_MS = 3_000;

/** What operators were told, as the read model has it. */
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
  async find({ limit, cursor, ...filters }: FindAudit): Promise<AuditPage> {
    const { who, account, from, to } = filters;
    const request: AuditPageRequest = {
      keyId: who,
      accountId: account && accountIdOfPath(account, this.accountIds, 'account'),
      from: from === undefined ? undefined : new Date(from),
      to: to === undefined ? undefined : new Date(to),
      // One more than asked for says whether there is a next page.
      limit: limit + 1,
      after: cursor === undefined ? undefined : callPlaceOf(cursor, filters),
    };
    const { position } = this.audit;
    if (position !== undefined) await this.progress.waitUntil(position, LONGEST_WAIT_MS);
    const found = await pageOfAudit(this.readModel, request);
    const calls = found.slice(0, limit);
    const last = calls.at(-1);
    const place = last && [last.at.toISOString(), String(last.position)];
    return {
      calls,
      nextCursor: found.length > limit && place ? cursorOf(place, filters) : undefined,
    };
  }
}

function callPlaceOf(cursor: string, filters: object) {
  const [at = '', position = ''] = placeOf(cursor, filters, 2);
  const [time, place] = [new Date(at), parseLogPosition(position)];
  if (Number.isNaN(time.getTime()) || place === undefined) {
    throw invalidCursor('is not a cursor of an earlier answer');
  }
  return { at: time, position: place };
}
