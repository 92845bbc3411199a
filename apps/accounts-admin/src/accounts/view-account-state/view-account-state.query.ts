import { AccountIds } from '@app/account-secrets';
import { differencesBetween, evolve, initialState, sentenceOf, snapshotOf } from '@app/accounts';
import type { AccountSnapshot, Difference } from '@app/accounts';
import { invalidRequest } from '@app/http-service';
import { CLOCK } from '@app/process';
import type { Clock } from '@app/process';
import { Inject, Injectable } from '@nestjs/common';
import { AccountHistory } from '../replay-account/account-history.js';
import type { ReplayedEvent } from '../replay-account/account-history.js';
import { accountIdOfPath } from '../../request-values.js';

/** A moment of an account's life: after the event of that revision, or at that time. */
export type Moment =
  | { readonly kind: 'revision'; readonly revision: number }
  | { readonly kind: 'time'; readonly time: number };

export interface AccountStateThen {
  readonly accountId: string;
  /** Of the last event that counts; undefined before the first. */
  readonly revision: number | undefined;
  readonly recordedAt: Date | undefined;
  readonly state: AccountSnapshot;
}

export interface AccountDiff {
  readonly accountId: string;
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly differences: readonly Difference[];
  /** What happened between the two. */
  readonly events: readonly {
    readonly revision: number;
    readonly recordedAt: Date;
    readonly sentence: string;
  }[];
}

/** What an account was like, computed anew from its events by the function that decisions rest on. */
@Injectable()
export class ViewAccountStateQuery {
  constructor(
    private readonly history: AccountHistory,
    private readonly accountIds: AccountIds,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * @param moment now when left out
   * @throws Problem account-not-found, invalid-request
   */
  async stateAt(account: string, moment: Moment | undefined): Promise<AccountStateThen> {
    const accountId = accountIdOfPath(account, this.accountIds);
    if (moment) this.refuseFuture(moment, 'at');
    const events = await this.history.all(accountId);
    const then = moment ? eventsUntil(events, moment, 'revision') : events;
    const last = then.at(-1)?.recorded;
    return {
      accountId,
      revision: last && Number(last.revision),
      recordedAt: last?.recordedAt,
      state: snapshotAfter(then),
    };
  }

  /** @throws Problem account-not-found, invalid-request */
  async diff(account: string, from: Moment, to: Moment): Promise<AccountDiff> {
    const accountId = accountIdOfPath(account, this.accountIds);
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
      differences: differencesBetween(snapshotAfter(before), snapshotAfter(after)),
      events: after.slice(before.length).map(({ recorded, event }) => ({
        revision: Number(recorded.revision),
        recordedAt: recorded.recordedAt,
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

function revisionOf(events: readonly ReplayedEvent[]): number | undefined {
  const last = events.at(-1);
  return last && Number(last.recorded.revision);
}
