/**
 * How fast a projection is rebuilt. Run it alone, on a quiet machine:
 *
 *   npm run test:jest -- --testMatch '**' + '/rebuild.bench-spec.ts'
 *
 * BENCH_EVENTS sets the size of the log (1,000,000 when left out), three events per account.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accountStreamName } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import {
  accountRegistered,
  codeIssued,
  codeSent,
  noon,
} from '@app/accounts/testing/account-examples.js';
import type {
  EventStore,
  NewEvent,
  RecordedEvent,
  SubscribeToAllOptions,
  SubscriptionMessage,
} from '@app/event-store';
import { EventStoreDBEventStore } from '@app/event-store/eventstoredb-event-store.js';
import {
  ProjectionRebuild,
  accountsTable,
  activationMailsProjection,
  findAccount,
  saveCheckpoint,
  statisticsProjection,
} from '@app/read-model';
import type { BatchProjection, Database, RebuildOutcome } from '@app/read-model';
import { createPool } from '@app/read-model/postgres.js';
import { exampleAccountId } from '@app/read-model/testing/account-lives.js';
import { plainAccountCodec } from '@app/read-model/testing/plain-account-codec.js';
import { startDevEventStore } from '../../support/dev-event-store.js';
import { freshDatabase } from '../../support/postgres.js';
import type { FreshDatabase } from '../../support/postgres.js';

const EVENTS = Number(process.env['BENCH_EVENTS'] ?? 1_000_000);
const EVENTS_PER_ACCOUNT = 3;
const STORE_EVENTS = Math.min(EVENTS, 150_000);
const metadata = {
  schemaVersion: 1,
  $correlationId: '00000000-0000-4000-8000-000000000001',
  $causationId: '00000000-0000-4000-8000-000000000002',
  actor: 'anonymous',
};

function factsOf(account: number): readonly [AccountEvent, AccountEvent, AccountEvent] {
  const at = noon + account;
  const registered = accountRegistered(at);
  return [
    { ...registered, data: { ...registered.data, address: `user${account}@example.org` } },
    codeIssued(1, at),
    codeSent(1, at + 500),
  ];
}

/** A log that exists only while it is read: what is measured is the read model's side. */
class GeneratedLog implements Pick<EventStore, 'subscribeToAll'> {
  constructor(private readonly events: number) {}

  get end(): bigint {
    return BigInt(this.events) * 100n;
  }

  async *subscribeToAll({
    after,
    signal,
  }: SubscribeToAllOptions): AsyncGenerator<SubscriptionMessage> {
    const recordedAt = new Date(noon);
    let index = after === 'start' ? 0 : Number(after / 100n);
    while (index < this.events && !signal.aborted) {
      const account = Math.floor(index / EVENTS_PER_ACCOUNT);
      const streamName = accountStreamName(exampleAccountId(account));
      for (const { type, data } of factsOf(account).slice(index % EVENTS_PER_ACCOUNT)) {
        if (index >= this.events) break;
        const event: RecordedEvent = {
          id: '00000000-0000-4000-8000-000000000003',
          type,
          data,
          metadata,
          streamName,
          revision: BigInt(index % EVENTS_PER_ACCOUNT),
          position: BigInt(index + 1) * 100n,
          recordedAt,
        };
        index += 1;
        yield { kind: 'event', event };
      }
    }
    yield { kind: 'caught-up' };
  }
}

describe('rebuilding', () => {
  let fresh: FreshDatabase;
  let database: Database;
  const folder = mkdtempSync(join(tmpdir(), 'bench-rebuild-'));

  beforeAll(async () => {
    chmodSync(folder, 0o777);
    fresh = await freshDatabase();
    database = createPool(fresh.url, {
      max: 8,
      applicationName: 'bench',
      statementTimeoutMs: 600_000,
    });
  });
  afterAll(async () => {
    await database.close();
    await fresh.drop();
    rmSync(folder, { recursive: true });
  });

  async function rebuild(
    projection: BatchProjection<AccountEvent>,
    store: Pick<EventStore, 'subscribeToAll'>,
    switchWhenDifferent: boolean,
  ): Promise<RebuildOutcome & { readonly totalMs: number }> {
    const startedAt = performance.now();
    const run = await ProjectionRebuild.begin({
      projection,
      store: store as EventStore,
      codec: plainAccountCodec,
      database,
      startedBy: 'bench',
      switchWhenDifferent,
      signal: new AbortController().signal,
    });
    const outcome = await run.run();
    return { ...outcome, totalMs: performance.now() - startedAt };
  }

  async function time(work: () => Promise<unknown>): Promise<number> {
    const startedAt = performance.now();
    await work();
    return performance.now() - startedAt;
  }

  const perSecond = (events: number, ms: number) => Math.round((events * 1_000) / ms);
  const say = (text: string) => void process.stderr.write(`${text}\n`);

  it.each([accountsTable, statisticsProjection, activationMailsProjection])(
    '$name: at least 50,000 events/s, against a plain COPY of the same rows',
    async (projection) => {
      const log = new GeneratedLog(EVENTS);
      await saveCheckpoint(database, projection.name, log.end);
      await rebuild(projection, log, true);

      const live = `read_model.${projection.table}`;
      const file = join(folder, projection.name);
      await database.query({ text: `copy ${live} to '${file}'` });
      await database.query({ text: `create table public.copied (like ${live} including indexes)` });
      const copyMs = await time(() =>
        database.query({ text: `copy public.copied from '${file}'` }),
      );
      await database.query({ text: 'drop table public.copied' });

      let misses = 0;
      let reads = 0;
      let slowest = 0;
      let reading = projection === accountsTable;
      const readers = Array.from({ length: 2 }, async (_, reader) => {
        for (let number = reader; reading; number += 7_919) {
          const id = exampleAccountId(number % Math.floor(EVENTS / EVENTS_PER_ACCOUNT));
          slowest = Math.max(
            slowest,
            await time(async () => {
              if (!(await findAccount(database, id))) misses += 1;
            }),
          );
          reads += 1;
        }
      });
      const outcome = await rebuild(projection, log, false);
      reading = false;
      await Promise.all(readers);

      const rows = Number(outcome.after.rows);
      say(
        `${projection.name}: ${outcome.events} events -> ${rows} rows; ` +
          `filled at ${perSecond(outcome.events, outcome.fillingMs)} events/s, ` +
          `whole rebuild (indexes, comparison, switch) ${Math.round(outcome.totalMs)} ms = ` +
          `${perSecond(outcome.events, outcome.totalMs)} events/s; ` +
          `COPY of the rows with indexes ${Math.round(copyMs)} ms = ${perSecond(rows, copyMs)} rows/s; ` +
          `memory ${Math.round(process.memoryUsage().rss / 1e6)} MB` +
          (reads > 0
            ? `; ${reads} reads meanwhile, ${misses} misses, slowest ${slowest.toFixed(1)} ms`
            : ''),
      );
      expect(outcome.state).toBe('switched');
      expect(misses).toBe(0);
      expect(perSecond(outcome.events, outcome.fillingMs)).toBeGreaterThanOrEqual(50_000);
    },
    600_000,
  );

  it('from the development event store: against reading and throwing away', async () => {
    const eventStore = await startDevEventStore();
    const store = new EventStoreDBEventStore({ url: eventStore.url });
    try {
      let end = 0n;
      const accounts = Math.floor(STORE_EVENTS / EVENTS_PER_ACCOUNT);
      let next = 0;
      const append = async () => {
        for (let account = next++; account < accounts; account = next++) {
          const [first, ...rest] = factsOf(account).map(({ type, data }): NewEvent => ({
            id: crypto.randomUUID(),
            type,
            data,
            metadata,
          }));
          if (first === undefined) throw new Error('nothing to append');
          const stream = accountStreamName(exampleAccountId(account));
          const { position } = await store.append(stream, 'no-stream', [first, ...rest]);
          if (position > end) end = position;
        }
      };
      await Promise.all(Array.from({ length: 64 }, append));
      await saveCheckpoint(database, 'accounts', end + BigInt(EVENTS) * 1_000n);
      await database.query({
        text: `update read_model.checkpoints set position = $1 where consumer = 'accounts'`,
        values: [end],
      });
      await rebuild(accountsTable, store, true);

      const rounds: { readonly read: number; readonly rebuilt: number }[] = [];
      for (let round = 0; round < 5; round++) {
        const readMs = await time(async () => {
          const ended = new AbortController();
          for await (const message of store.subscribeToAll({
            after: 'start',
            streamNamePrefixes: accountsTable.streamNamePrefixes,
            signal: ended.signal,
          })) {
            if (message.kind === 'event' && message.event.position >= end) break;
          }
          ended.abort();
        });
        const { events, fillingMs } = await rebuild(accountsTable, store, false);
        rounds.push({
          read: perSecond(events, readMs),
          rebuilt: perSecond(events, fillingMs),
        });
      }
      const median = (values: readonly number[]) =>
        values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
      const read = median(rounds.map((round) => round.read));
      const rebuilt = median(rounds.map((round) => round.rebuilt));
      say(
        `through the client, ${accounts * EVENTS_PER_ACCOUNT} events, median of ${rounds.length}: ` +
          `read and thrown away ${read} events/s, rebuilt ${rebuilt} events/s = ${(rebuilt / read).toFixed(2)}`,
      );
      expect(rebuilt).toBeGreaterThan(0);
    } finally {
      await store.close();
      await eventStore.stop();
    }
  }, 600_000);
});
