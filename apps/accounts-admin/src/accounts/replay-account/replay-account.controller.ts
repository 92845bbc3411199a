import { Headers, Query } from '@nestjs/common';
import { ApiProduces } from '@nestjs/swagger';
import * as z from 'zod';
import { AdminCall, AdminController, jsonAnswer } from '../../api-description/admin-call.js';
import { LineAnswer, NDJSON, jsonLines } from '../../evidence/line-stream.js';
import { AccountOfPath, integerParameter } from '../../request-values.js';
import { AccountHistory, accountNotFound } from './account-history.js';
import { entryAnswer, toEntry } from './history-entry.js';

const DEFAULT_LIMIT = 100;

const historyQuery = z.strictObject({
  after: integerParameter(0, 1e9, 'Events after this revision.').optional(),
  limit: integerParameter(1, 1_000, 'Most events; as NDJSON all when left out.').optional(),
});

const historyAnswer = z.object({
  accountId: z.uuid(),
  events: z.array(entryAnswer),
  nextAfter: z
    .int()
    .nullable()
    .meta({ description: 'Value of "after" for the next page; null at the end.' }),
});

@AdminController('history')
export class ReplayAccountController {
  constructor(private readonly history: AccountHistory) {}

  @ApiProduces('application/json', NDJSON)
  @AdminCall('GET accounts/:id/history', 'history:read', {
    summary: 'What happened to an account, replayed from the event store',
    description:
      `With "Accept: ${NDJSON}" each event is a line of its own, sent as it is read. The last line is ` +
      '{"end": {"events": n}}, or {"error": …} when the reading failed half-way: a stream without either is not whole.',
    answer: jsonAnswer('The events in order', historyAnswer),
    problems: ['invalidRequest', 'accountNotFound', 'accountUnreadable'],
  })
  async replay(
    @AccountOfPath() accountId: string,
    @Query({ schema: historyQuery }) { after, limit }: z.infer<typeof historyQuery>,
    @Headers('accept') accept: string | undefined,
  ): Promise<z.infer<typeof historyAnswer> | LineAnswer> {
    if (accept?.includes(NDJSON)) return streamed(this.entries(accountId, after, limit));
    const most = limit ?? DEFAULT_LIMIT;
    const events: z.infer<typeof entryAnswer>[] = [];
    for await (const entry of this.entries(accountId, after, most + 1)) events.push(entry);
    const page = events.slice(0, most);
    const nextAfter = events.length > most ? (page.at(-1)?.revision ?? null) : null;
    return { accountId, events: page, nextAfter };
  }

  /**
   * Events that are read while they are iterated.
   *
   * @param after events beyond this revision only
   * @throws Problem account-not-found, with the first one
   * @throws EventStoreUnavailable with any
   */
  private async *entries(
    accountId: string,
    after: number | undefined,
    limit: number | undefined,
  ): AsyncGenerator<z.infer<typeof entryAnswer>> {
    const events = this.history.replay(accountId, {
      ...(after !== undefined && { fromRevision: BigInt(after) + 1n }),
      ...(limit !== undefined && { maxCount: limit }),
    });
    let isEmpty = true;
    for await (const replayed of events) {
      isEmpty = false;
      yield toEntry(replayed);
    }
    if (isEmpty && (after === undefined || !(await this.exists(accountId)))) {
      throw accountNotFound();
    }
  }

  private async exists(accountId: string): Promise<boolean> {
    const first = this.history.replay(accountId, { maxCount: 1 });
    const { done } = await first.next();
    await first.return(undefined);
    return done !== true;
  }
}

function streamed(entries: AsyncIterable<object>): LineAnswer {
  let events = 0;
  const counted = async function* (): AsyncGenerator<object> {
    for await (const entry of entries) {
      yield entry;
      events += 1;
    }
    yield { end: { events } };
  };
  const title = 'The history could not be read to its end. Ask again for what follows.';
  return new LineAnswer(jsonLines(counted()), title, () => ({ events }));
}
