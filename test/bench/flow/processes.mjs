import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { clearTimeout } from 'node:timers';
import { fileURLToPath, pathToFileURL } from 'node:url';
import pg from 'pg';

export const root = fileURLToPath(new URL('../../../', import.meta.url));
export const here = import.meta.dirname;
const dist = (path) => join(root, 'dist', path);
const built = (path) => import(pathToFileURL(dist(`modules/${path}`)).href);

const READY_DEADLINE_MS = 30_000;

/** All callers of a benchmark are one machine; and codes wait until their round comes. */
const MOST = '10000000';
const WIDE_LIMITS = {
  REGISTRATIONS_PER_NETWORK_PER_HOUR: MOST,
  REGISTRATIONS_PER_ADDRESS_PER_HOUR: MOST,
  REGISTRATIONS_PER_ADDRESS_AND_NETWORK_PER_HOUR: MOST,
  REGISTRATIONS_PER_ADDRESS_AND_NETWORK_PER_DAY: MOST,
  WRONG_CODES_PER_NETWORK_PER_HOUR: MOST,
  MAILS_PER_INBOX_AND_NETWORK_PER_HOUR: MOST,
  MAILS_PER_INBOX_AND_NETWORK_PER_DAY: MOST,
  MAILS_PER_INBOX_PER_DAY: MOST,
  MAILS_PER_DOMAIN_AND_NETWORK_PER_DAY: MOST,
  NEW_CODES_PER_NETWORK_PER_HOUR: MOST,
  NEW_CODES_PER_ADDRESS_PER_HOUR: MOST,
  FAILED_LOGINS_PER_NETWORK_PER_HOUR: MOST,
  FAILED_LOGINS_PER_ADDRESS_PER_HOUR: MOST,
  FAILED_LOGINS_PER_ADDRESS_AND_NETWORK_PER_HOUR: MOST,
  ACTIVATION_CODE_TTL_SECONDS: '3600',
};
const THREADS = { UV_THREADPOOL_SIZE: String(availableParallelism() + 2) };

/** Everything that one run has started, so that nothing is left behind. */
export class Stage {
  /** @param folder for data and logs; an empty one of this run */
  constructor(folder) {
    this.folder = folder;
    this.running = [];
  }

  /**
   * Starts a script of Node's and waits for its ready message. What it prints goes to a file.
   *
   * @param options.execArgv for Node, e.g. `['--cpu-prof']`
   */
  async start(name, script, environment = {}, { execArgv = [] } = {}) {
    mkdirSync(this.folder, { recursive: true });
    const logFile = join(this.folder, `${name}.log`);
    const log = openSync(logFile, 'a');
    const child = fork(script, [], {
      cwd: root,
      execArgv,
      stdio: ['ignore', log, log, 'ipc'],
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    });
    closeSync(log);
    const exited = once(child, 'exit');
    const part = {
      name,
      pid: child.pid,
      child,
      endpoints: {},
      stop: async () => {
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
        await exited;
      },
    };
    this.running.push(part);
    part.endpoints = await readyMessageOf(child, exited, name, logFile);
    return part;
  }

  /** A PostgreSQL as `npm start` runs it. */
  async startPostgres() {
    const { startEmbeddedPostgres } = await built('apps/local/src/postgres/embedded-postgres.js');
    const ignore = () => undefined;
    const server = await startEmbeddedPostgres({
      dataDir: join(this.folder, 'postgres'),
      port: 0,
      log: { info: ignore, warn: ignore },
    });
    const part = { name: 'postgres', pid: server.pid, url: server.url, stop: () => server.stop() };
    this.running.push(part);
    return part;
  }

  /** Stops one part before the others. */
  async stop(part) {
    this.running.splice(this.running.indexOf(part), 1);
    await part.stop();
  }

  /** Stops everything, latest first. */
  async stopAll() {
    for (const part of this.running.splice(0).reverse()) await part.stop();
  }

  /** The end of what each process has printed, for when something went wrong. */
  lastWords() {
    return readdirSync(this.folder)
      .filter((name) => name.endsWith('.log'))
      .map((name) => `${name}:\n${readFileSync(join(this.folder, name), 'utf8').slice(-1_000)}`)
      .join('\n');
  }

  /** For when there is no time to stop. */
  killAll() {
    for (const { pid } of this.running.splice(0)) process.kill(pid, 'SIGKILL');
  }
}

/** An empty database of its own on this PostgreSQL. @returns its URL */
export async function createDatabase(postgres, name) {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  const url = new URL(postgres.url);
  url.pathname = `/${name}`;
  return url.href;
}

/**
 * The product's processes, wired as `npm start` wires them, but without the launcher, so that each can be
 * given flags of its own. The mail API is the caller's.
 *
 * @param options.settings for all processes
 * @param options.flags Node's flags by part: `{ api: ['--cpu-prof'] }`
 */
export async function startProduct(stage, { postgres, mailUrl, name, settings = {}, flags = {} }) {
  const { PARTS, MIGRATION } = await built('apps/local/src/launcher/parts.js');
  const { nodeFlags } = await built('apps/local/src/launcher/node-flags.js');
  const { developmentSecrets } = await built('apps/local/src/launcher/development-secrets.js');
  const dataDir = join(stage.folder, name);
  const secrets = developmentSecrets(join(dataDir, 'secrets'));
  const databaseUrl = await createDatabase(postgres, `product_${randomBytes(4).toString('hex')}`);
  const urls = new Map([
    ['database', databaseUrl],
    ['mailbox', mailUrl],
  ]);
  const environmentOf = (part) => ({
    LOG_LEVEL: 'info',
    LOG_FORMAT: 'json',
    ...part.environment({
      settings: { host: '127.0.0.1', dataDir },
      secrets,
      inherited: {},
      portOf: () => 0,
      urlOf: (wanted) => urls.get(wanted),
      databaseUrlOf: () => urls.get('database'),
    }),
    ...WIDE_LIMITS,
    ...settings,
  });
  const partOf = (wanted) => PARTS.find((part) => part.name === wanted);
  const ofAll = nodeFlags();
  const start = (wanted, own = {}, execArgv = flags[wanted]) => {
    const part = partOf(wanted);
    // Profiles name the files of functions, and what is loaded first may change classes: both need a file per source.
    const script = dist(`${execArgv ? 'modules/' : ''}apps/${part.app}/main.js`);
    const environment = { ...environmentOf(part), ...own };
    return stage.start(`${name}-${wanted}`, script, environment, {
      execArgv: [...ofAll, ...(execArgv ?? [])],
    });
  };

  const migration = fork(dist(`apps/${MIGRATION.script}`), [], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, DATABASE_URL: databaseUrl, LOG_LEVEL: 'error' },
  });
  const [code] = await once(migration, 'exit');
  if (code !== 0) throw new Error(`the migration ended with exit code ${code}`);
  const eventStore = await start('eventstore');
  urls.set('eventstore', eventStore.endpoints.eventstore);
  const worker = await start('worker');
  const api = await start('api');
  return {
    name: 'ours',
    api,
    worker,
    eventStore,
    databaseUrl,
    url: api.endpoints.api,
    eventStoreUrl: eventStore.endpoints.eventstore,
    processes: [
      { name: 'api', pid: api.pid },
      { name: 'worker', pid: worker.pid },
      { name: 'event store', pid: eventStore.pid },
      { name: 'postgres', pid: postgres.pid },
    ],
    /** One more API process on the same stores, with settings and flags of its own. */
    startApi: (own, execArgv) => start('api', own, execArgv),
  };
}

/** One of the services in ../peers, on a database of its own. */
export async function startPeer(stage, { postgres, mailUrl, name, script, settings = {}, flags }) {
  const database = `${name.replaceAll('-', '_')}_${randomBytes(4).toString('hex')}`;
  const service = await stage.start(
    name,
    join(here, '../peers', script),
    {
      ...THREADS,
      DATABASE_URL: await createDatabase(postgres, database),
      MAIL_URL: mailUrl,
      ACTIVATION_CODE_TTL_SECONDS: '3600',
      NODE_ENV: 'production',
      ...settings,
    },
    { execArgv: flags },
  );
  return {
    name,
    api: service,
    url: service.endpoints.api,
    processes: [
      { name: 'api', pid: service.pid },
      { name: 'postgres', pid: postgres.pid },
    ],
  };
}

/** bcrypt alone. @returns `hash(cost, seconds)` */
export async function startBcryptPool(stage) {
  const pool = await stage.start('bcrypt', join(here, 'bcrypt-pool.mjs'), {
    UV_THREADPOOL_SIZE: String(availableParallelism()),
  });
  return {
    hash: async (cost, seconds) => {
      pool.child.send({ cost, seconds });
      const [answer] = await once(pool.child, 'message');
      return answer;
    },
  };
}

/** Of a process that has event-loop-meter.mjs loaded: delays in ms since it was last asked. */
export async function eventLoopDelays({ child }) {
  child.send({ kind: 'event-loop' });
  for (;;) {
    const [message] = await once(child, 'message');
    if (message.kind === 'event-loop') return message;
  }
}

/** Node's flag that loads a script of this folder first. */
export function preload(script) {
  return ['--import', pathToFileURL(join(here, script)).href];
}

async function readyMessageOf(child, exited, name, logFile) {
  return new Promise((resolve, reject) => {
    const fail = (what) =>
      reject(new Error(`${name} ${what}. It printed:\n${readFileSync(logFile, 'utf8')}`));
    const deadline = setTimeout(() => {
      child.kill('SIGKILL');
      fail(`was not ready within ${READY_DEADLINE_MS} ms`);
    }, READY_DEADLINE_MS);
    child.on('message', (message) => {
      if (message.kind !== 'ready') return;
      clearTimeout(deadline);
      resolve(message.endpoints);
    });
    void exited.then(([code, signal]) => {
      clearTimeout(deadline);
      fail(`ended with ${signal ?? `exit code ${code}`}`);
    });
  });
}
