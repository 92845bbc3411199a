import { AccountIds } from '@app/account-secrets';
import { readableDataOf, sentenceOf } from '@app/accounts';
import type { Erased } from '@app/accounts';
import type { RequestClient } from '@app/event-store';
import { Injectable } from '@nestjs/common';
import { accountIdOfPath } from '../../request-values.js';
import { AccountHistory, accountNotFound, isUnread } from './account-history.js';
import type { ReplayedEvent, UnreadEvent } from './account-history.js';

export interface ReplayAccount {
  /** Id or e-mail address. */
  readonly account: string;
  /** Events beyond this revision only. */
  readonly after: number | undefined;
  readonly limit: number | undefined;
}

export interface HistoryEntry {
  readonly revision: number;
  /** Place in the whole log; too large for a JSON number. */
  readonly position: string;
  readonly recordedAt: string;
  readonly type: string;
  readonly sentence: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly actor: string;
  /** Null when no request from outside led to the event, or it is from before that was kept. */
  readonly client: RequestClient | Erased | null;
  readonly correlationId: string;
  readonly causationId: string;
  readonly eventId: string;
}

export interface Replay {
  readonly accountId: string;
  /** Read while they are iterated; fails when the event store does. */
  readonly entries: AsyncIterable<HistoryEntry>;
}

/** What happened to an account, event by event. */
@Injectable()
export class ReplayAccountQuery {
  constructor(
    private readonly history: AccountHistory,
    private readonly accountIds: AccountIds,
  ) {}

  /**
   * The first event has been read when this resolves, so that most that can fail has not.
   *
   * @throws Problem account-not-found, invalid-request
   * @throws EventStoreUnavailable
   */
  async replay({ account, after, limit }: ReplayAccount): Promise<Replay> {
    const accountId = accountIdOfPath(account, this.accountIds);
    const events = this.history.replay(accountId, {
      ...(after !== undefined && { fromRevision: BigInt(after) + 1n }),
      ...(limit !== undefined && { maxCount: limit }),
    });
    const first = await events.next();
    if (first.done && (after === undefined || !(await this.exists(accountId)))) {
      throw accountNotFound();
    }
    return { accountId, entries: entriesOf(first, events) };
  }

  private async exists(accountId: string): Promise<boolean> {
    const first = this.history.replay(accountId, { maxCount: 1 });
    const { done } = await first.next();
    await first.return(undefined);
    return done !== true;
  }
}

async function* entriesOf(
  first: IteratorResult<ReplayedEvent | UnreadEvent>,
  rest: AsyncGenerator<ReplayedEvent | UnreadEvent>,
): AsyncGenerator<HistoryEntry> {
  try {
    for (let next = first; next.done !== true; next = await rest.next()) {
      yield toEntry(next.value);
    }
  } finally {
    await rest.return(undefined);
  }
}

/** An event that this version cannot read has no data that people may see, and may lack any metadata. */
export function toEntry(replayed: ReplayedEvent | UnreadEvent): HistoryEntry {
  const { recorded, client } = replayed;
  const { $correlationId = '', $causationId = '', actor = '' } = recorded.metadata;
  return {
    revision: Number(recorded.revision),
    position: String(recorded.position),
    recordedAt: recorded.recordedAt.toISOString(),
    type: recorded.type,
    ...(isUnread(replayed)
      ? { sentence: 'This version cannot read what happened.', data: {} }
      : { sentence: sentenceOf(replayed.event), data: readableDataOf(replayed.event) }),
    actor,
    client: client ?? null,
    correlationId: $correlationId,
    causationId: $causationId,
    eventId: recorded.id,
  };
}
