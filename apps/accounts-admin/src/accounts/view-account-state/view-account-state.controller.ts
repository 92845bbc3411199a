import { codeForms } from '@app/accounts';
import { invalidRequest } from '@app/http-service';
import { Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { AdminCall, AdminController, jsonAnswer } from '../../api-description/admin-call.js';
import { instantParameter, integerParameter } from '../../request-values.js';
import { ViewAccountStateQuery } from './view-account-state.query.js';
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

const snapshotAnswer = z.object({
  status: z.string(),
  email: z.string().nullable(),
  registrationNumber: z.int().nullable().meta({ description: 'Grows with each registration.' }),
  claims: z
    .int()
    .nullable()
    .meta({ description: 'Networks that have a claim on an address that waits for activation.' }),
  registeredAt: z.iso.datetime().nullable(),
  activatedAt: z.iso.datetime().nullable(),
  code: z
    .object({
      issueNumber: z.int(),
      form: z.enum(codeForms),
      issuedAt: z.iso.datetime(),
      delivery: z.string(),
      sentAt: z.iso.datetime().nullable(),
      expiresAt: z.iso.datetime().nullable(),
      tries: z
        .array(
          z.object({
            network: z.string(),
            wrongGuesses: z.int(),
            refusals: z.array(z.string()).readonly(),
          }),
        )
        .readonly(),
    })
    .nullable()
    .meta({ description: 'The newest code; never its digits.' }),
});

const stateAnswer = z.object({
  accountId: z.uuid(),
  revision: z.int().nullable(),
  recordedAt: z.iso.datetime().nullable(),
  state: snapshotAnswer,
});

const diffAnswer = z.object({
  accountId: z.uuid(),
  from: z.int().nullable(),
  to: z.int().nullable(),
  differences: z.array(z.object({ field: z.string(), before: z.unknown(), after: z.unknown() })),
  events: z.array(
    z.object({ revision: z.int(), recordedAt: z.iso.datetime(), sentence: z.string() }),
  ),
});

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
    @Param('id') account: string,
    @Query({ schema: stateQuery }) { at, revision }: z.infer<typeof stateQuery>,
  ): Promise<z.infer<typeof stateAnswer>> {
    if (at !== undefined && revision !== undefined) {
      throw invalidRequest([{ field: 'at', message: 'give either "at" or "revision", not both' }]);
    }
    const when =
      revision === undefined ? at && momentOf(at) : ({ kind: 'revision', revision } as const);
    const found = await this.query.stateAt(account, when || undefined);
    return {
      accountId: found.accountId,
      revision: found.revision ?? null,
      recordedAt: found.recordedAt?.toISOString() ?? null,
      state: found.state,
    };
  }

  @AdminCall('GET accounts/:id/diff', 'accounts:read', {
    operationId: 'compareAccountStates',
    summary: 'What changed between two times or events, and what happened',
    description: 'Both states are computed from the history, as for the state at one time.',
    answer: jsonAnswer('The fields that differ', diffAnswer),
    problems: ['invalidRequest', 'accountNotFound', 'accountUnreadable'],
  })
  async diff(
    @Param('id') account: string,
    @Query({ schema: diffQuery }) query: z.infer<typeof diffQuery>,
  ): Promise<z.infer<typeof diffAnswer>> {
    const [from, to] = [momentOf(query.from), momentOf(query.to)];
    if (from === undefined || to === undefined) throw new Error('the schema let no moment through');
    const found = await this.query.diff(account, from, to);
    return {
      accountId: found.accountId,
      from: found.from ?? null,
      to: found.to ?? null,
      differences: found.differences.map(({ field, before, after }) => ({ field, before, after })),
      events: found.events.map(({ revision, recordedAt, sentence }) => ({
        revision,
        recordedAt: recordedAt.toISOString(),
        sentence,
      })),
    };
  }
}

/** Undefined when the text is neither a revision nor a time. */
function momentOf(text: string): Moment | undefined {
  if (/^\d{1,9}$/.test(text)) return { kind: 'revision', revision: Number(text) };
  return instantParameter('').safeParse(text).success
    ? { kind: 'time', time: Date.parse(text) }
    : undefined;
}
