/**
 * Data sets of many accounts: an event log, a database and secrets in a folder, as a product that has run for
 * a while would have left them. Written through the event store with the product's own code (decisions,
 * sealing, chain, keys, projections), two threads and one projection at a time.
 *
 * A data set that was made half is continued; one that is complete is used as it is.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { developmentSecrets } from '../../../dist/modules/apps/local/src/launcher/development-secrets.js';
import { startEmbeddedPostgres } from '../../../dist/modules/apps/local/src/postgres/embedded-postgres.js';
import { EventStoreDBEventStore } from '../../../dist/modules/libs/event-store/src/eventstoredb-event-store.js';
import {
  AccountEventCodec,
  AccountKeys,
} from '../../../dist/modules/libs/personal-data/src/index.js';
import {
  accountsProjection,
  consumers,
  projections,
} from '../../../dist/modules/libs/views/src/index.js';
import { liveTable, runProjection } from '../../../dist/modules/libs/consumers/src/index.js';
import { migrate } from '../../../dist/modules/libs/postgres/src/migrate.js';
import { createPool } from '../../../dist/modules/libs/postgres/src/postgres.js';
import { hashesOfNobody, readSecrets } from './secrets.mjs';
import { memoryOf, startProcess } from './processes.mjs';

const WRITERS = 2;
/** Accounts of one piece of work: the two halves of their lives lie so far apart in the log. */
const CHUNK = 500;
const PROJECTION_BATCH = 10_000;
const STATEMENT_TIMEOUT_MS = 600_000;
const SAVE_INTERVAL_MS = 1_000;
/** A checkpoint of each consumer: nothing of the past is to be mailed or forgotten. */
const OTHER_CONSUMERS = consumers
  .map(({ name }) => name)
  .filter((name) => name !== accountsProjection.name);

/** For the time of the writing only: what is lost is made again. */
const BULK_LOAD = {
  max_wal_size: '8GB',
  checkpoint_timeout: '1h',
  autovacuum: 'off',
  maintenance_work_mem: '256MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
};

const quiet = { info: () => undefined, warn: () => undefined };

/**
 * A complete data set of so many accounts.
 *
 * @param {string} folder made when it is missing
 * @param {(line: string) => void} say called with the progress
 */
export async function ensureDataSet(folder, accounts, say) {
  mkdirSync(folder, { recursive: true });
  // PostgreSQL may run as somebody else.
  chmodSync(folder, 0o711);
  const secretFiles = developmentSecrets(join(folder, 'secrets'));
  const manifest = await manifestOf(folder, accounts, secretFiles);
  if (!manifest.content.complete) {
    await complete({ folder, secretFiles, ...manifest.content }, manifest, say);
  }
  return { folder, secretFiles, ...manifest.content };
}

/** PostgreSQL on the data set's database. */
export function startDatabase({ folder }, options = {}) {
  return startEmbeddedPostgres({
    dataDir: join(folder, 'postgres'),
    port: 0,
    log: quiet,
    ...options,
  });
}

/** The development event store on the data set's log. */
export function startEventStore({ folder }, environment = {}) {
  return startProcess('apps/local/src/event-store/main.js', {
    EVENTSTORE_PORT: '0',
    EVENTSTORE_CONTROL_PORT: '0',
    EVENTSTORE_DATA_DIR: join(folder, 'eventstore'),
    ...environment,
  });
}

async function manifestOf(folder, accounts, secretFiles) {
  const path = join(folder, 'manifest.json');
  const save = (content) => {
    writeFileSync(`${path}.new`, JSON.stringify(content));
    renameSync(`${path}.new`, path);
  };
  if (!existsSync(path)) {
    const passwordHashes = await hashesOfNobody(readSecrets(secretFiles).peppers);
    save({ accounts, madeAt: Date.now(), passwordHashes, chunksDone: [], complete: false });
  }
  const content = JSON.parse(readFileSync(path, 'utf8'));
  if (content.accounts !== accounts) {
    throw new Error(`${folder} holds ${content.accounts} accounts: name another folder`);
  }
  return { content, save };
}

async function complete(dataSet, { content, save }, say) {
  const startedAt = performance.now();
  const seconds = () => ((performance.now() - startedAt) / 1_000).toFixed(1);
  const postgres = await startDatabase(dataSet, { fsync: false, settings: BULK_LOAD });
  try {
    await migrate(postgres.url);
    const eventStore = await startEventStore(dataSet, { EVENTSTORE_FSYNC: 'false' });
    try {
      const projection = keepReadModel(dataSet, postgres.url, eventStore.endpoints.eventstore);
      const written = await writeAccounts(dataSet, {
        databaseUrl: postgres.url,
        eventStoreUrl: eventStore.endpoints.eventstore,
        chunksDone: new Set(content.chunksDone),
        onProgress: (chunksDone) => {
          save({ ...content, chunksDone: [...chunksDone] });
          const accounts = Math.min(chunksDone.size * CHUNK, dataSet.accounts);
          say(`${accounts} of ${dataSet.accounts} accounts after ${seconds()} s`);
        },
      });
      say(`${dataSet.accounts} accounts written after ${seconds()} s`);
      await projection.endAt(written.position);
      await settle(postgres.url);
      const { now } = memoryOf(eventStore.pid);
      say(`read model complete after ${seconds()} s; event store ${now.toFixed(0)} MiB`);
    } finally {
      await eventStore.stop();
    }
  } finally {
    await postgres.stop();
  }
  content.complete = true;
  content.madeInSeconds = Number(seconds());
  save({ ...content, chunksDone: [] });
}

/** All accounts, by threads of their own. Resolves with the position of the last event. */
async function writeAccounts(dataSet, { databaseUrl, eventStoreUrl, chunksDone, onProgress }) {
  const chunks = Math.ceil(dataSet.accounts / CHUNK);
  const { accounts, madeAt, passwordHashes, secretFiles } = dataSet;
  let next = 0;
  let position = 0n;
  let savedAt = performance.now();
  const nextChunk = () => {
    while (next < chunks && chunksDone.has(next)) next += 1;
    return next < chunks ? next++ : undefined;
  };
  await Promise.all(
    Array.from({ length: WRITERS }, (_, writer) => {
      const worker = new Worker(new URL('./account-writer.mjs', import.meta.url), {
        workerData: {
          dataSet: { accounts, madeAt, passwordHashes, secretFiles },
          databaseUrl,
          eventStoreUrl,
          chunkSize: CHUNK,
          writesLongHistories: writer === 0,
        },
      });
      return new Promise((resolve, reject) => {
        worker.on('error', reject);
        worker.on('exit', resolve);
        worker.on('message', (message) => {
          if (message.position > position) position = message.position;
          if (message.done !== undefined) chunksDone.add(message.done);
          worker.postMessage(nextChunk());
          if (performance.now() - savedAt < SAVE_INTERVAL_MS) return;
          savedAt = performance.now();
          onProgress(chunksDone);
        });
      });
    }),
  );
  onProgress(chunksDone);
  return { position };
}

/**
 * All three tables in one walk along the log, by the code that rebuilds them. `endAt` resolves when that
 * position has been reached.
 */
function keepReadModel(dataSet, databaseUrl, eventStoreUrl) {
  const database = createPool(databaseUrl, {
    max: 4,
    applicationName: 'scale',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  const store = new EventStoreDBEventStore({ url: eventStoreUrl, timeoutMs: 60_000 });
  const codec = new AccountEventCodec(
    new AccountKeys(database, readSecrets(dataSet.secretFiles).personalDataKeys),
  );
  const stopping = new globalThis.AbortController();
  let target;
  let reached = -1n;
  let resolveReached;
  const atTarget = new Promise((resolve) => (resolveReached = resolve));
  let fault;
  const stopAt = (error) => {
    fault = error;
    resolveReached();
  };
  const running = runProjection({
    projection: {
      ...accountsProjection,
      // What changes no account may change a row of the others.
      eventTypes: new Set(projections.flatMap(({ eventTypes }) => [...eventTypes])),
      // That of accounts would leave out the rows of the others.
      singleWrite: undefined,
      write: async (transaction, _, events) => {
        for (const projection of projections) {
          await projection.write(transaction, liveTable(projection), events);
        }
      },
    },
    store,
    codec,
    database,
    maxBatchSize: PROJECTION_BATCH,
    signal: stopping.signal,
    observer: {
      onSubscribed: (position) => (reached = position === 'start' ? -1n : position),
      onCaughtUp: () => undefined,
      onFailing: () => undefined,
      onAdvanced: ({ position }) => {
        reached = position;
        if (target !== undefined && reached >= target) resolveReached();
      },
      onFault: stopAt,
      onRetryFault: stopAt,
      onSetAside: stopAt,
    },
  });
  return {
    endAt: async (position) => {
      target = position;
      if (reached < target) await atTarget;
      stopping.abort();
      await running;
      await store.close();
      await database.close();
      if (fault) throw fault;
    },
  };
}

async function settle(databaseUrl) {
  const database = createPool(databaseUrl, {
    max: 1,
    applicationName: 'scale',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  for (const consumer of OTHER_CONSUMERS) {
    await database.inTransaction(async (transaction) => {
      const statements = [
        `create temporary table own on commit drop as
         select * from read_model.checkpoints where consumer = 'accounts'`,
        `update own set consumer = '${consumer}'`,
        `insert into read_model.checkpoints select * from own on conflict do nothing`,
      ];
      for (const text of statements) await transaction.query({ text });
    });
  }
  await database.query({ text: 'vacuum analyze' });
  await database.query({ text: 'checkpoint' });
  await database.close();
}
