/**
 * One rebuild, or what it is compared with, in a process of its own, so that its memory can be measured. Takes its
 * order as a message, answers with one, and ends.
 */
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { EventStoreDBClient, streamNameFilter } from '@eventstore/db-client';
import { EventStoreDBEventStore } from '../../../dist/modules/libs/event-store/src/eventstoredb-event-store.js';
import {
  AccountEventCodec,
  AccountKeys,
} from '../../../dist/modules/libs/personal-data/src/index.js';
import {
  ProjectionRebuild,
  runProjection,
} from '../../../dist/modules/libs/consumers/src/index.js';
import { anonymousAccountCodec } from '../../../dist/modules/libs/personal-data/src/index.js';
import { projections } from '../../../dist/modules/libs/views/src/index.js';
import { createPool } from '../../../dist/modules/libs/postgres/src/postgres.js';
import { memoryOf } from '../scale/processes.mjs';
import { readSecrets } from '../scale/secrets.mjs';
import { GeneratedLog } from './generated-log.mjs';

const STATEMENT_TIMEOUT_MS = 600_000;
const FILL_BATCH = 5_000;

/** Facts as they are: a generated log seals nothing. */
const plainCodec = {
  decode: async (events) => events.map(({ type, data }) => ({ type, data })),
  assertKnown: () => undefined,
};

/** @param {{databaseUrl, projection, eventStoreUrl?, secretFiles?, events?, work, limit?, end?}} order */
export async function carryOut(order) {
  const database = createPool(order.databaseUrl, {
    max: 4,
    applicationName: 'bench rebuild',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  const projection = projections.find(({ name }) => name === order.projection);
  const store = order.eventStoreUrl
    ? new EventStoreDBEventStore({ url: order.eventStoreUrl, timeoutMs: 60_000 })
    : new GeneratedLog(order.events);
  const codec = codecOf(order, projection, database);
  const processorBefore = process.cpuUsage();
  const startedAt = performance.now();
  const outcome = await works[order.work]({ order, database, projection, store, codec });
  const totalMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(processorBefore);
  if (order.eventStoreUrl) await store.close();
  await database.close();
  const { highest } = memoryOf(process.pid);
  return { ...outcome, totalMs, processorMs: (user + system) / 1_000, memory: highest };
}

function codecOf({ eventStoreUrl, secretFiles }, projection, database) {
  if (!eventStoreUrl) return plainCodec;
  if (!projection.holdsPersonalData) return anonymousAccountCodec;
  return new AccountEventCodec(
    new AccountKeys(database, readSecrets(secretFiles).personalDataKeys),
  );
}

const works = {
  rebuild: async ({ order, database, projection, store, codec }) => {
    const rebuild = await ProjectionRebuild.begin({
      ...{ projection, store, codec, database },
      startedBy: 'bench',
      switchWhenDifferent: order.switchWhenDifferent ?? false,
      signal: new globalThis.AbortController().signal,
    });
    const { state, events, fillingMs, after } = await rebuild.run();
    return { state, events, ms: fillingMs, rows: Number(after.rows) };
  },

  /** As far as `end`, by the official client as it comes: our adapter reads quicker. */
  read: async ({ order, projection }) => {
    const client = EventStoreDBClient.connectionString(order.eventStoreUrl);
    const prefixes = [...projection.streamNamePrefixes];
    let events = 0;
    const startedAt = performance.now();
    const subscription = client.subscribeToAll({ filter: streamNameFilter({ prefixes }) });
    for await (const { event } of subscription) {
      events += 1;
      if (event.position.commit >= BigInt(order.end)) break;
    }
    const ms = performance.now() - startedAt;
    await client.dispose();
    return { events, ms };
  },

  /**
   * The rows of some of the streams, into a table of their own: in large batches, or in those of the
   * worker.
   */
  fill: async ({ order, database, projection, store, codec }) => {
    const own = `filled_${order.partition}`;
    const drop = { text: `drop table if exists public.${own}` };
    await database.query(drop);
    await database.query({
      text: `create table public.${own} (like read_model.${projection.table} including all)`,
    });
    const stopping = new globalThis.AbortController();
    const end = BigInt(order.end);
    let events = 0;
    let startedAt;
    await runProjection({
      projection: {
        name: own,
        streamNamePrefixes: order.prefixes,
        table: own,
        write: (transaction, _, facts) => projection.write(transaction, `public.${own}`, facts),
      },
      ...{ store, codec, database },
      ...(order.asLive ? projection.batches : { maxBatchSize: FILL_BATCH }),
      signal: stopping.signal,
      observer: {
        onSubscribed: () => (startedAt = performance.now()),
        onAdvanced: (advance) => {
          events += advance.events;
          const { limit = Infinity } = order;
          if (advance.position >= end || events >= limit) stopping.abort();
        },
        onCaughtUp: () => stopping.abort(),
        onFault: tellFault,
        onRetryFault: tellFault,
        onSetAside: tellFault,
        onFailing: () => undefined,
      },
    });
    const ms = performance.now() - startedAt;
    await database.query(drop);
    await database.query({
      text: 'delete from read_model.checkpoints where consumer = $1',
      values: [own],
    });
    return { events, ms };
  },

  /** The first events, each written by itself. */
  'one-by-one': async ({ order, database, projection, store, codec }) => {
    const table = `public.one_by_one_${projection.table}`;
    await database.query({ text: `drop table if exists ${table}` });
    await database.query({
      text: `create table ${table} (like read_model.${projection.table} including all)`,
    });
    let events = 0;
    const startedAt = performance.now();
    for await (const recorded of eventsOf(order, projection, store)) {
      const [event] = await codec.decode([recorded]);
      const { streamName, revision, position } = recorded;
      await projection.write(database, table, [{ streamName, revision, position, event }]);
      events += 1;
    }
    const ms = performance.now() - startedAt;
    await database.query({ text: `drop table ${table}` });
    return { events, ms };
  },
};

function tellFault(error) {
  process.stderr.write(`${error.stack}\n`);
}

async function* eventsOf({ limit = Infinity, end }, projection, store) {
  const ended = new globalThis.AbortController();
  let events = 0;
  try {
    for await (const message of store.subscribeToAll({
      after: 'start',
      streamNamePrefixes: projection.streamNamePrefixes,
      signal: ended.signal,
    })) {
      if (message.kind === 'caught-up') return;
      if (message.kind !== 'event') continue;
      yield message.event;
      events += 1;
      if (events >= limit || (end !== undefined && message.event.position >= BigInt(end))) return;
    }
  } finally {
    ended.abort();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.once('message', (order) => {
    void carryOut(order).then((outcome) => {
      process.send({ outcome });
      process.disconnect();
    });
  });
}
