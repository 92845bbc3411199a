import { AccountIds } from '@app/account-secrets';
import { Problem } from '@app/http-service';
import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../../keys/caller.js';
import { accountIdOfPath } from '../../request-values.js';
import { AuditLog } from './audit-log.js';

type Values = Readonly<Record<string, unknown>>;

/** As much of a call as its record is made of. */
interface Call {
  readonly params: Values;
  readonly query: Values;
  /** Nothing where the call was refused, or its answer comes line by line. */
  readonly answer: Values;
}

interface RecordedCall {
  /** As it stands in the record. */
  readonly operation: string;
  /** Ids, or e-mail addresses, of the accounts that it names or is shown; what is neither is left out. */
  readonly accounts?: (call: Call) => readonly unknown[];
  /** Recorded only when the call names an account. */
  readonly onlyIfAny?: boolean;
  /** Id of the key that is made or revoked. */
  readonly subjectKey?: (call: Call) => unknown;
}

interface UnrecordedCall {
  /** What the call answers, which shows no person. */
  readonly only: string;
}

const ofPath = ({ params }: Call) => [params['id']];

/**
 * What each call puts on record. Recorded is every call whose answer shows an account, or that there is
 * none, and every change of keys, refused ones included. A call that is not listed is open to no key.
 */
export const recordedCalls: Readonly<Record<string, RecordedCall | UnrecordedCall>> = {
  'GET /admin/v1/accounts': {
    operation: 'list-accounts',
    accounts: ({ query, answer }) => [
      query['email'],
      ...rowsOf(answer, 'accounts').map(({ accountId }) => accountId),
    ],
  },
  'GET /admin/v1/accounts/:id': { operation: 'view-account', accounts: ofPath },
  'DELETE /admin/v1/accounts/:id': { operation: 'erase-account', accounts: ofPath },
  'POST /admin/v1/accounts/:id/free': { operation: 'free-account', accounts: ofPath },
  'GET /admin/v1/accounts/:id/state': { operation: 'view-account-state', accounts: ofPath },
  'GET /admin/v1/accounts/:id/diff': { operation: 'diff-account', accounts: ofPath },
  'GET /admin/v1/accounts/:id/history': { operation: 'replay-account', accounts: ofPath },
  'GET /admin/v1/accounts/:id/history/export': { operation: 'export-history', accounts: ofPath },
  'GET /admin/v1/accounts/:id/explanation': { operation: 'explain-account', accounts: ofPath },
  'GET /admin/v1/accounts/:id/verification': { operation: 'verify-account', accounts: ofPath },
  'GET /admin/v1/accounts/:id/audit': { operation: 'audit-account', accounts: ofPath },
  'GET /admin/v1/audit': { operation: 'list-audit', accounts: ({ query }) => [query['account']] },
  'GET /admin/v1/verification': { operation: 'verify-histories' },
  'GET /admin/v1/heads': { operation: 'export-heads' },
  'GET /admin/v1/activation-mails': {
    operation: 'list-activation-mails',
    accounts: ({ answer }) => rowsOf(answer, 'activationMails').map(({ accountId }) => accountId),
  },
  'POST /admin/v1/activation-mails/:id/retry': {
    operation: 'retry-activation-mail',
    accounts: ({ params }) => [String(params['id']).split('.', 1)[0]],
  },
  'GET /admin/v1/support-bundle': {
    operation: 'support-bundle',
    accounts: ({ query }) => [query['account']],
    onlyIfAny: true,
  },
  'POST /admin/v1/keys': { operation: 'issue-key', subjectKey: ({ answer }) => answer['keyId'] },
  'DELETE /admin/v1/keys/:keyId': {
    operation: 'revoke-key',
    subjectKey: ({ params }) => params['keyId'],
  },
  'GET /admin/v1/keys': { only: 'keys of operators' },
  // Of accounts only the ids of those that have trouble. Both are asked while the event store is away.
  'GET /admin/v1/projections': { only: 'how consumers do' },
  'GET /admin/v1/failed-events': { only: 'events that fail' },
  'GET /admin/v1/what-if': { only: 'counts' },
  'GET /admin/v1/statistics': { only: 'counts' },
  'POST /admin/v1/projections/:name/rebuild': { only: 'the id of the rebuild' },
  'POST /admin/v1/failed-events/:position/retry': { only: 'names of consumers' },
  'POST /admin/v1/failed-events/:position/skip': { only: 'names of consumers' },
};

/** What the call puts on record; undefined for one that the table does not know. */
export function recordedCallOf({
  method,
  routeOptions: { url },
}: FastifyRequest): RecordedCall | UnrecordedCall | undefined {
  // The framework answers HEAD with the handler of GET.
  return recordedCalls[`${method === 'HEAD' ? 'GET' : method} ${url}`];
}

const ANSWERED = 'answered';
/** A caller may write anything into a path. */
const KEY_ID = /^[a-z0-9-]{4,32}$/;

/** Puts calls on record, as the table says. */
@Injectable()
export class CallRecords {
  constructor(
    private readonly audit: AuditLog,
    private readonly accountIds: AccountIds,
  ) {}

  /**
   * Resolves when the call is on record, or need not be: only then may it be answered.
   *
   * @param caller as the key proves it, for this request
   * @param end the answer, or the problem that is answered in its place
   * @throws EventStoreUnavailable
   */
  async record(
    request: FastifyRequest,
    caller: Caller,
    end: { readonly answer: unknown } | { readonly problem: Problem },
  ): Promise<void> {
    const recorded = recordedCallOf(request);
    if (recorded === undefined || !('operation' in recorded)) return;
    const query = request.query as Values;
    const answer = ('answer' in end ? end.answer : {}) as Values;
    const call = { params: request.params as Values, query, answer };
    const accountIds = this.idsOf(recorded.accounts?.(call) ?? []);
    if (recorded.onlyIfAny && accountIds.length === 0 && 'answer' in end) return;
    const subjectKey = recorded.subjectKey?.(call);
    // Of a call that was refused, the names of parameters may be made up as well.
    const filters = 'answer' in end ? Object.keys(query) : [];
    await this.audit.record(caller, {
      operation: recorded.operation,
      outcome: 'problem' in end ? end.problem.type.slug : ANSWERED,
      accountIds,
      ...(filters.length > 0 && { filters }),
      ...(typeof subjectKey === 'string' &&
        KEY_ID.test(subjectKey) && { subjectKeyId: subjectKey }),
    });
  }

  /** Addresses never stand in a record, nor does what a caller wrote in the place of one. */
  private idsOf(accounts: readonly unknown[]): readonly string[] {
    const ids = accounts.flatMap((account) => {
      try {
        return typeof account === 'string' ? [accountIdOfPath(account, this.accountIds)] : [];
      } catch (error) {
        if (error instanceof Problem) return [];
        throw error;
      }
    });
    return [...new Set(ids)];
  }
}

function rowsOf(answer: Values, member: string): readonly Values[] {
  return (answer[member] ?? []) as readonly Values[];
}
