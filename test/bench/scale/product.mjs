/** The whole product on a data set, each process as `npm start` starts it. */
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { PARTS } from '../../../dist/modules/apps/local/src/launcher/parts.js';
import { readCheckpoint } from '../../../dist/modules/libs/consumers/src/index.js';
import { migrate } from '../../../dist/modules/libs/postgres/src/migrate.js';
import { createPool } from '../../../dist/modules/libs/postgres/src/postgres.js';
import { startDatabase } from './data-set.mjs';
import { memoryOf, processorMsOf, processorMsOfTree, startProcess } from './processes.mjs';
import { BCRYPT_COST, readSecrets } from './secrets.mjs';

const MANY = '10000000';
/** One machine plays all callers. */
const WIDE_LIMITS = {
  REGISTRATIONS_PER_NETWORK_PER_HOUR: MANY,
  REGISTRATIONS_PER_ADDRESS_PER_HOUR: MANY,
  REGISTRATIONS_PER_ADDRESS_AND_NETWORK_PER_HOUR: MANY,
  REGISTRATIONS_PER_ADDRESS_AND_NETWORK_PER_DAY: MANY,
  WRONG_CODES_PER_NETWORK_PER_HOUR: MANY,
  MAILS_PER_INBOX_AND_NETWORK_PER_HOUR: MANY,
  MAILS_PER_INBOX_AND_NETWORK_PER_DAY: MANY,
  MAILS_PER_INBOX_PER_DAY: MANY,
  MAILS_PER_DOMAIN_AND_NETWORK_PER_DAY: MANY,
  FAILED_LOGINS_PER_NETWORK_PER_HOUR: MANY,
  FAILED_LOGINS_PER_ADDRESS_PER_HOUR: MANY,
  FAILED_LOGINS_PER_ADDRESS_AND_NETWORK_PER_HOUR: MANY,
};
/** Cheap hashes and answers without the beat show what the product itself costs. */
const API = { BCRYPT_COST: String(BCRYPT_COST), ANSWER_BEAT_MS: '0', ...WIDE_LIMITS };

const SETTLE_DEADLINE_MS = 120_000;
const POLL_MS = 3;
const REBUILD_POLL_MS = 250;
const IDLE_POLL_MS = 500;
const MOST_IDLE_SHARE = 0.2;

/**
 * Starts every process, one after the other, so that each start can be timed by itself.
 *
 * @returns the processes by name with their start times in milliseconds, and where they can be reached
 */
export async function startProduct(dataSet) {
  const processes = new Map();
  const urls = new Map();
  const stop = async () => {
    for (const name of ['api', 'admin', 'worker', 'mailbox', 'eventstore', 'postgres']) {
      await processes.get(name)?.stop();
    }
  };
  try {
    const startedAt = performance.now();
    const postgres = await startDatabase(dataSet);
    processes.set('postgres', { ...postgres, startMs: performance.now() - startedAt });
    urls.set('database', postgres.url);
    await migrate(postgres.url);
    for (const name of ['eventstore', 'mailbox', 'worker', 'api', 'admin']) {
      const part = PARTS.find((candidate) => candidate.name === name);
      const environment = part.environment({
        settings: { host: '127.0.0.1', dataDir: dataSet.folder },
        secrets: dataSet.secretFiles,
        inherited: {},
        portOf: () => 0,
        urlOf: (wanted) => urls.get(wanted),
        databaseUrlOf: () => urls.get('database'),
      });
      const started = await startProcess(join('apps', part.app, 'main.js'), {
        ...environment,
        ...(name === 'api' && API),
      });
      processes.set(name, started);
      urls.set(name, started.endpoints[name]);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const database = createPool(urls.get('database'), {
    max: 4,
    applicationName: 'bench',
    statementTimeoutMs: 60_000,
  });
  return new Product(dataSet, { processes, urls, database }, async () => {
    await database.close();
    await stop();
  });
}

class Product {
  constructor(dataSet, { processes, urls, database }, stop) {
    this.dataSet = dataSet;
    this.secrets = readSecrets(dataSet.secretFiles);
    this.processes = processes;
    this.urls = urls;
    /** For the bench's own questions. */
    this.database = database;
    this.stop = stop;
  }

  url(name) {
    return this.urls.get(name);
  }

  /** Resident memory in MiB of each Node process, now and at its highest. */
  memory() {
    const nodes = [...this.processes].filter(([name]) => name !== 'postgres');
    return new Map(nodes.map(([name, { pid }]) => [name, memoryOf(pid)]));
  }

  /** Processor time in milliseconds of each process so far; PostgreSQL's with all its own. */
  processorMs() {
    return new Map(
      [...this.processes].map(([name, { pid }]) => [
        name,
        name === 'postgres' ? processorMsOfTree(pid) : processorMsOf(pid),
      ]),
    );
  }

  /** Resolves when the mails of everything up to a position of the log have been accepted. */
  async mailsSentUpTo(position) {
    const deadline = performance.now() + SETTLE_DEADLINE_MS;
    while ((await readCheckpoint(this.database, 'activation-mail')) < position) {
      if (performance.now() > deadline) {
        throw new Error(`the mails were not sent within ${SETTLE_DEADLINE_MS} ms`);
      }
      await delay(POLL_MS);
    }
  }

  /**
   * Resolves when no process has had anything to do for a moment: after its start the event store goes on
   * sorting what it has read.
   *
   * @returns milliseconds until then
   */
  async settled() {
    const startedAt = performance.now();
    for (;;) {
      const before = this.processorMs();
      await delay(IDLE_POLL_MS);
      const busy = [...this.processorMs()].filter(
        ([name, now]) => now - before.get(name) > IDLE_POLL_MS * MOST_IDLE_SHARE,
      );
      const ms = performance.now() - startedAt;
      if (busy.length === 0) return ms - IDLE_POLL_MS;
      if (ms > SETTLE_DEADLINE_MS) {
        throw new Error(`${busy.map(([name]) => name).join(', ')} did not come to rest`);
      }
    }
  }

  /** A call of the admin API; throws when it is not answered with 2xx. */
  async admin(path, method = 'GET') {
    const response = await fetch(`${this.url('admin')}/admin/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.secrets.adminKey}` },
    });
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}`);
    return response.json();
  }

  /** Has the admin process build a projection's rows anew, and waits until it has ended. */
  async rebuilt(projection) {
    await this.admin(`/projections/${projection}/rebuild`, 'POST');
    for (;;) {
      await delay(REBUILD_POLL_MS);
      const { rows } = await this.database.query({
        text: `select state, events, extract(epoch from finished_at - started_at)::float8 as seconds
               from operations.rebuilds where projection = $1 order by started_at desc limit 1`,
        values: [projection],
      });
      const [{ state, events, seconds }] = rows;
      if (seconds !== null) return { state, events: Number(events), seconds };
    }
  }
}
