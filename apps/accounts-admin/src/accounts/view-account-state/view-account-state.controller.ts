import {
  codeForms,
  differencesBetween,
  evolve,
  initialState,
  sentenceOf,
  snapshotOf,
} from '@app/accounts';
import type { AccountEvent, AccountSnapshot } from '@app/accounts';
import { invalidRequest } from '@app/http-service';
import { CLOCK } from '@app/process';
import type { Clock } from '@app/process';
import { Inject, Query } from '@nestjs/common';
import * as z from 'zod';
import { AdminCall, AdminController, jsonAnswer } from '../../api-description/admin-call.js';
import { AccountOfPath, instantParameter, integerParameter } from '../../request-values.js';
import { AccountHistory } from '../replay-account/account-history.js';
import type { ReplayedEvent } from '../replay-account/account-history.js';

const LARGEST_REVISION = 1e9;

const stateQuery = z.strictObject({
  at: instantParameter('As of this time.').optional(),
  revision: integerParameter(0, LARGEST_REVISION, 'As of this event.').optional(),
});

const moment = z
  .string('must be a revision or an ISO 8601 time')
  .meta({
    description: 'A revision, or an ISO 8601 time.',
    examples: ['0', '2026-11-22T10:02:11Z'],
  })
  .transform((text, context) => {
    const found = momentOf(text);
    if (found) return found;
    context.addIssue({ code: 'custom', message: 'must be a revision or an ISO 8601 time' });
    return z.NEVER;
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

type Facts = readonly ReplayedEvent<AccountEvent>[];

/** What an account was like, computed anew from its events by the function that decisions rest on. */
@AdminController('accounts')
export class ViewAccountStateController {
  constructor(
    private readonly history: AccountHistory,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

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
      revision === undefined ? momentOf(at ?? '') : ({ kind: 'revision', revision } as const);
    if (when) this.refuseFuture(when, 'at');
    const events = await this.history.all(accountId);
    const then = when ? eventsUntil(events, when, 'revision') : events;
    return {
      accountId,
      revision: revisionOf(then),
      recordedAt: then.at(-1)?.recorded.recordedAt.toISOString() ?? null,
      state: snapshotAfter(then),
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
    @AccountOfPath() accountId: string,
    @Query({ schema: diffQuery }) { from, to }: z.infer<typeof diffQuery>,
  ): Promise<z.infer<typeof diffAnswer>> {
    this.refuseFuture(from, 'from');
    this.refuseFuture(to, 'to');
    const events = await this.history.all(accountId);
    const before = eventsUntil(events, from, 'from');
    const after = eventsUntil(events, to, 'to');
    const reversedTimes = from.kind === 'time' && to.kind === 'time' && from.time > to.time;
    if (reversedTimes || before.length > after.length) {
      throw invalidRequest([{ field: 'to', message: 'is before "from"' }]);
    }
    return {
      accountId,
      from: revisionOf(before),
      to: revisionOf(after),
      differences: [...differencesBetween(snapshotAfter(before), snapshotAfter(after))],
      events: after.slice(before.length).map(({ recorded, event }) => ({
        revision: Number(recorded.revision),
        recordedAt: recorded.recordedAt.toISOString(),
        sentence: sentenceOf(event),
      })),
    };
  }

  private refuseFuture(moment: Moment, field: string): void {
    if (moment.kind === 'time' && moment.time > this.clock()) {
      throw invalidRequest([{ field, message: 'is in the future' }]);
    }
  }
}

/** A moment of an account's life: after the event of that revision, or at that time. */
type Moment =
  | { readonly kind: 'revision'; readonly revision: number }
  | { readonly kind: 'time'; readonly time: number };

/** Undefined when the text is neither a revision nor a time. */
function momentOf(text: string): Moment | undefined {
  if (/^\d{1,9}$/.test(text)) return { kind: 'revision', revision: Number(text) };
  return instantParameter('').safeParse(text).success
    ? { kind: 'time', time: Date.parse(text) }
    : undefined;
}

function eventsUntil(events: Facts, moment: Moment, field: string): Facts {
  if (moment.kind === 'revision') {
    if (moment.revision >= events.length) {
      const message = `the account has revisions 0 to ${events.length - 1}`;
      throw invalidRequest([{ field, message }]);
    }
    return events.slice(0, moment.revision + 1);
  }
  return events.filter(({ recorded }) => recorded.recordedAt.getTime() <= moment.time);
}

function snapshotAfter(events: Facts): AccountSnapshot {
  return snapshotOf(events.reduce((state, { event }) => evolve(state, event), initialState));
}

function revisionOf(events: Facts): number | null {
  const last = events.at(-1);
  return last ? Number(last.recorded.revision) : null;
}
