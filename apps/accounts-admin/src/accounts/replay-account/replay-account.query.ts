import { readableDataOf, sentenceOf } from '@app/accounts';
import { Injectable } from '@nestjs/common';
import * as z from 'zod';
import { AccountHistory, accountNotFound, isUnread } from './account-history.js';
import type { ReplayedEvent, UnreadEvent } from './account-history.js';

export interface ReplayAccount {
  readonly accountId: string;
  /** Events beyond this revision only. */
  readonly after: number | undefined;
  readonly limit: number | undefined;
}

const clientAnswer = z
  .union([
    z.object({
      address: z.string(),
      userAgent: z.string().optional(),
      requestId: z.uuid().optional().meta({ description: 'What the client calls its request.' }),
    }),
    z.object({ erased: z.literal(true) }),
  ])
  .nullable()
  .meta({
    description:
      'Where the request came from that led to the event; erased with the person; null when no request ' +
      'from outside led to it.',
  });

export const entryAnswer = z.object({
  revision: z.int(),
  // Place in the whole log; too large for a JSON number.
  position: z.string(),
  recordedAt: z.iso.datetime(),
  type: z.string(),
  sentence: z.string().meta({ description: 'What happened, in plain words.' }),
  data: z.record(z.string(), z.unknown()),
  actor: z.string().meta({ description: 'anonymous, account, worker or admin:<key id>.' }),
  client: clientAnswer,
  correlationId: z.string(),
  causationId: z.string(),
  eventId: z.string(),
});

export type HistoryEntry = z.infer<typeof entryAnswer>;

/** What happened to an account, event by event. */
@Injectable()
export class ReplayAccountQuery {
  constructor(private readonly history: AccountHistory) {}

  /**
   * Events that are read while they are iterated. The first one has been read when this resolves, so that most that can
   * fail has not.
   *
   * @throws Problem account-not-found
   * @throws EventStoreUnavailable
   */
  async replay({ accountId, after, limit }: ReplayAccount): Promise<AsyncIterable<HistoryEntry>> {
    const events = this.history.replay(accountId, {
      ...(after !== undefined && { fromRevision: BigInt(after) + 1n }),
      ...(limit !== undefined && { maxCount: limit }),
    });
    const first = await events.next();
    if (first.done && (after === undefined || !(await this.exists(accountId)))) {
      throw accountNotFound();
    }
    return entriesOf(first, events);
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
