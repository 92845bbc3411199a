import {
  codeForms,
  differencesBetween,
  evolve,
  initialState,
  sentenceOf,
  snapshotOf,
} from '@app/accounts';
import type { AccountSnapshot } from '@app/accounts';
import { invalidRequest } from '@app/http-service';
import { CLOCK } from '@app/process';
import type { Clock } from '@app/process';
import { Inject, Injectable } from '@nestjs/common';
import * as z from 'zod';
import { AccountHistory } from '../replay-account/account-history.js';
import type { ReplayedEvent } from '../replay-account/account-history.js';

/** A moment of an account's life: after the event of that revision, or at that time. */
export type Moment =
  | { readonly kind: 'revision'; readonly revision: number }
  | { readonly kind: 'time'; readonly time: number };

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

export const stateAnswer = z.object({
  accountId: z.uuid(),
  revision: z.int().nullable(),
  recordedAt: z.iso.datetime().nullable(),
  state: snapshotAnswer,
});

export const diffAnswer = z.object({
  accountId: z.uuid(),
  from: z.int().nullable(),
  to: z.int().nullable(),
  differences: z.array(z.object({ field: z.string(), before: z.unknown(), after: z.unknown() })),
  events: z.array(
    z.object({ revision: z.int(), recordedAt: z.iso.datetime(), sentence: z.string() }),
  ),
});

/** What an account was like, computed anew from its events by the function that decisions rest on. */
@Injectable()
export class ViewAccountStateQuery {
  constructor(
    private readonly history: AccountHistory,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * @param moment now when left out
   * @throws Problem account-not-found, invalid-request
   */
  async stateAt(
    accountId: string,
    moment: Moment | undefined,
  ): Promise<z.infer<typeof stateAnswer>> {
    if (moment) this.refuseFuture(moment, 'at');
    const events = await this.history.all(accountId);
    const then = moment ? eventsUntil(events, moment, 'revision') : events;
    return {
      accountId,
      revision: revisionOf(then),
      recordedAt: then.at(-1)?.recorded.recordedAt.toISOString() ?? null,
      state: snapshotAfter(then),
    };
  }

  /** @throws Problem account-not-found, invalid-request */
  async diff(accountId: string, from: Moment, to: Moment): Promise<z.infer<typeof diffAnswer>> {
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

function eventsUntil(
  events: readonly ReplayedEvent[],
  moment: Moment,
  field: string,
): readonly ReplayedEvent[] {
  if (moment.kind === 'revision') {
    if (moment.revision >= events.length) {
      const message = `the account has revisions 0 to ${events.length - 1}`;
      throw invalidRequest([{ field, message }]);
    }
    return events.slice(0, moment.revision + 1);
  }
  return events.filter(({ recorded }) => recorded.recordedAt.getTime() <= moment.time);
}

function snapshotAfter(events: readonly ReplayedEvent[]): AccountSnapshot {
  return snapshotOf(events.reduce((state, { event }) => evolve(state, event), initialState));
}

function revisionOf(events: readonly ReplayedEvent[]): number | null {
  const last = events.at(-1);
  return last ? Number(last.recorded.revision) : null;
}
