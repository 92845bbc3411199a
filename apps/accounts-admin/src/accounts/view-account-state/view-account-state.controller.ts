import { invalidRequest } from '@app/http-service';
import { Query } from '@nestjs/common';
import * as z from 'zod';
import { AdminCall, AdminController, jsonAnswer } from '../../api-description/admin-call.js';
import { AccountOfPath, instantParameter, integerParameter } from '../../request-values.js';
import { ViewAccountStateQuery, diffAnswer, stateAnswer } from './view-account-state.query.js';
import type { Moment } from './view-account-state.query.js';

const LARGEST_REVISION = 1e9;

const stateQuery = z.strictObject({
  at: instantParameter('As of this time.').optional(),
  revision: integerParameter(0, LARGEST_REVISION, 'As of this event.').optional(),
});

const moment = z
  .string('must be a revision or an ISO 8601 time')
  .refine((text) => momentOf(text) !== undefined, 'must be a revision or an ISO 8601 time')
  .meta({
    description: 'A revision, or an ISO 8601 time.',
    examples: ['0', '2026-11-22T10:02:11Z'],
  });

const diffQuery = z.strictObject({ from: moment, to: moment });

@AdminController('accounts')
export class ViewAccountStateController {
  constructor(private readonly query: ViewAccountStateQuery) {}

  @AdminCall('GET accounts/:id/state', 'accounts:read', {
    operationId: 'viewAccountState',
    summary: 'What an account was like at a time, or after an event',
    description: 'The newest state when neither a time nor an event is given.',
    answer: jsonAnswer('The state, computed from the events until then', stateAnswer),
    problems: ['invalidRequest', 'accountNotFound', 'accountUnreadable'],
  })
  async state(
    @AccountOfPath() accountId: string,
    @Query({ schema: stateQuery }) { at, revision }: z.infer<typeof stateQuery>,
  ): Promise<z.infer<typeof stateAnswer>> {
    if (at !== undefined && revision !== undefined) {
      throw invalidRequest([{ field: 'at', message: 'give either "at" or "revision", not both' }]);
    }
    const when =
      revision === undefined ? at && momentOf(at) : ({ kind: 'revision', revision } as const);
    return this.query.stateAt(accountId, when || undefined);
  }

  @AdminCall('GET accounts/:id/diff', 'accounts:read', {
    operationId: 'compareAccountStates',
    summary: 'What changed between two times or events, and what happened',
    description: 'Both states are computed from the history, as for the state at one time.',
    answer: jsonAnswer('The fields that differ', diffAnswer),
    problems: ['invalidRequest', 'accountNotFound', 'accountUnreadable'],
  })
  async diff(
    @AccountOfPath() accountId: string,
    @Query({ schema: diffQuery }) query: z.infer<typeof diffQuery>,
  ): Promise<z.infer<typeof diffAnswer>> {
    const [from, to] = [momentOf(query.from), momentOf(query.to)];
    if (from === undefined || to === undefined) throw new Error('the schema let no moment through');
    return this.query.diff(accountId, from, to);
  }
}

/** Undefined when the text is neither a revision nor a time. */
function momentOf(text: string): Moment | undefined {
  if (/^\d{1,9}$/.test(text)) return { kind: 'revision', revision: Number(text) };
  return instantParameter('').safeParse(text).success
    ? { kind: 'time', time: Date.parse(text) }
    : undefined;
}
