/**
 * The product behind PgBouncer: pooling by transaction is refused at the start and leaves nothing behind, pooling by
 * session works with the settings of docs/operations.md.
 *
 *   node test/poolers/run.mjs        needs `npm run build`; as root it installs Debian's package where it is missing
 *
 * The last line of the output is `N passed, N failed`.
 */
import { Buffer } from 'node:buffer';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { developmentSecrets } from '../../dist/modules/apps/local/src/launcher/development-secrets.js';
import { MIGRATION, PARTS } from '../../dist/modules/apps/local/src/launcher/parts.js';
import { startEmbeddedPostgres } from '../../dist/modules/apps/local/src/postgres/embedded-postgres.js';
import { forkProcess } from '../support/forked-process.mjs';
import { installPgBouncer, startPgBouncer } from './pgbouncer.mjs';
import { countedCheck as check, endChecks } from '../support/counted-checks.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const PASSWORD = 'correct horse battery staple';
const SERVICES = ['api', 'worker', 'admin'];
const WITHIN_MS = 30_000;
const REFUSED = 78;

const folder = mkdtempSync(join(tmpdir(), 'poolers-'));
const secrets = developmentSecrets(join(folder, 'secrets'));
const urls = {};
const children = new Set();
const cleanUps = [];

async function eventually(what, attempt) {
  for (const began = Date.now(); ; await pause(100)) {
    const found = await attempt();
    if (found) {
      check(what, true);
      return found;
    }
    if (Date.now() - began > WITHIN_MS) throw new Error(`not within ${WITHIN_MS} ms: ${what}`);
  }
}

// --- Processes ------------------------------------------------------------------------------------------

function start(name, databaseUrl) {
  const part = PARTS.find((candidate) => candidate.name === name);
  const script = part ? `${part.app}/main.js` : MIGRATION.script;
  const surroundings = {
    settings: { host: '127.0.0.1', dataDir: folder },
    secrets,
    inherited: {},
    portOf: () => 0,
    urlOf: (wanted) => urls[wanted],
    databaseUrlOf: () => databaseUrl,
  };
  const settings = part ? part.environment(surroundings) : { DATABASE_URL: databaseUrl };
  return forkProcess(join(root, 'dist/apps', script), { BCRYPT_COST: '4', ...settings }, children);
}

async function stop(name, { child, ended, output }) {
  child.kill('SIGTERM');
  const code = await ended;
  check(`${name} stops with 0`, code === 0, output().slice(-2_000));
}

async function pooled(settings, work) {
  const pooler = await startPgBouncer(urls.database, settings);
  try {
    await work(pooler);
  } finally {
    await pooler.stop();
  }
}

// --- The database, asked past the pooler ----------------------------------------------------------------

let direct;

async function rowsOf(text, values) {
  const { rows } = await direct.query(text, values);
  return rows;
}

/** Every row of every table of ours, hashed by table. */
async function everyRow() {
  const tables = await rowsOf(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema') order by 1`,
  );
  const hashes = {};
  for (const { name } of tables) {
    const [{ hash }] = await rowsOf(
      `select md5(coalesce(string_agg(t::text, ',' order by t::text), '')) as hash from ${name} t`,
    );
    hashes[name] = hash;
  }
  return hashes;
}

/** What is left on the connections that the pooler keeps: seen by those who are lent them. */
async function leftInPool(pooler) {
  const client = new pg.Client({ connectionString: pooler.url });
  await client.connect();
  const { rows } = await client.query(
    `select (select count(*)::int from pg_prepared_statements) as statements,
            (select count(*)::int from pg_listening_channels()) as channels`,
  );
  await client.end();
  const [{ locks }] = await rowsOf(
    `select count(*)::int as locks from pg_locks where locktype = 'advisory'`,
  );
  const [{ open }] = await rowsOf(
    `select count(*)::int as open from pg_stat_activity
     where pid <> pg_backend_pid() and datname = current_database() and xact_start is not null
       and backend_type = 'client backend'`,
  );
  return { ...rows[0], locks, open };
}

// --- What is proven -------------------------------------------------------------------------------------

async function isRefused(name, pooler, why) {
  const before = await everyRow();
  const { ended, output } = start(name, pooler.url);
  const code = await Promise.race([ended, pause(WITHIN_MS, 'still running', { ref: false })]);
  check(`${name} is refused with exit code ${REFUSED}`, code === REFUSED, [code, output()]);
  const said = output();
  const sentences = said.match(/DATABASE_URL leads through a connection pooler that [^"\n]*/g);
  check(
    `${name} says so in one sentence`,
    sentences?.length === 1 && why.test(sentences[0]) && !/^\s+at |"stack"/m.test(said),
    said,
  );
  const after = await everyRow();
  check(`${name} changed no row`, JSON.stringify(after) === JSON.stringify(before), after);
  const left = await leftInPool(pooler);
  check(
    `${name} left no lock, statement, listener or transaction`,
    Object.values(left).every((count) => count === 0),
    left,
  );
}

/** The line of docs/operations.md is what is tried. */
function documentedParameters() {
  const page = readFileSync(join(root, 'docs/operations.md'), 'utf8');
  const [, parameters] = /ignore_startup_parameters = ([a-z_,]+)/.exec(page) ?? [];
  check('docs/operations.md says what PgBouncer has to ignore', parameters !== undefined);
  return parameters;
}

async function worksBySession(pooler) {
  const migration = start('migrate', pooler.url);
  check('migrate ends with 0', (await migration.ended) === 0, migration.output());
  const services = {};
  for (const name of SERVICES) services[name] = start(name, pooler.url);
  const { api } = await services.api.ready;
  await services.worker.ready;
  await services.admin.ready;
  check('api, worker and admin start', true);

  const email = 'ada@example.org';
  const registration = await fetch(`${api}/v1/accounts`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email, password: PASSWORD }),
  });
  check('a registration is answered with 202', registration.status === 202, registration.status);
  const authorization = `Basic ${Buffer.from(`${email}:${PASSWORD}`).toString('base64')}`;
  const view = async (written) => {
    const headers = {
      authorization,
      'Consistency-Token': written.headers.get('Consistency-Token'),
    };
    const response = await fetch(`${api}/v1/account`, { headers });
    return { status: response.status, body: await response.json() };
  };
  const registered = await view(registration);
  check('a view right after it shows the account', registered.status === 200, registered);
  const code = await eventually('its mail arrives', async () => {
    const response = await fetch(`${urls.mailbox}/emails?to=${email}`);
    const { data } = await response.json();
    return /\b\d{4}\b/.exec(data[0]?.text ?? '')?.[0];
  });
  const activation = await fetch(`${api}/v1/account/activation`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', authorization },
    body: JSON.stringify({ code }),
  });
  check('the code activates', activation.status === 200, activation.status);
  const active = await view(activation);
  check('a view right after it shows that', active.body.status === 'active', active);

  await leadershipIsHeld();
  const listening = await rowsOf(
    `select from pg_stat_activity where application_name like '% progress of %'`,
  );
  check('the api has a connection that listens', listening.length > 0);
  services.worker.child.kill('SIGKILL');
  await services.worker.ended;
  const [{ epochs }] = await rowsOf('select sum(epoch)::int as epochs from operations.leases');
  services.worker = start('worker', pooler.url);
  await eventually('a worker that was killed is followed by the next', async () => {
    const [now] = await rowsOf('select sum(epoch)::int as epochs from operations.leases');
    return now.epochs > epochs;
  });
  await services.worker.ready;
  await leadershipIsHeld();
  for (const name of SERVICES) {
    const { output } = services[name];
    // The restarted worker is the only one that may have waited for the other's connections to end.
    const faults = output()
      .split('\n')
      .filter((line) => /"level":("error"|"warn"|[45]0)/.test(line) && !/password/.test(line));
    check(`${name} logs no warning`, faults.length === 0, faults);
    await stop(name, services[name]);
  }
  await eventually('nothing is left on the connections of the pool', async () => {
    return Object.values(await leftInPool(pooler)).every((count) => count === 0);
  });
}

async function leadershipIsHeld() {
  const [{ leases }] = await rowsOf('select count(*)::int as leases from operations.leases');
  await eventually('every lease is held by the connection that it names', async () => {
    const held = await rowsOf(
      `select name from operations.leases
       where expires_at > clock_timestamp() and exists (
         select from pg_locks where locktype = 'advisory' and granted and pid = backend
           and (classid::bigint << 32) | objid::bigint = hashtextextended('leadership of ' || name, 0))`,
    );
    return leases > 0 && held.length === leases;
  });
}

async function prove() {
  installPgBouncer();
  const log = { info: () => undefined, warn: (line) => process.stderr.write(`${line}\n`) };
  const dataDir = join(folder, 'postgres');
  const server = await startEmbeddedPostgres({ dataDir, port: 0, fsync: false, log });
  cleanUps.push(() => server.stop());
  urls.database = server.url;
  direct = new pg.Client({ connectionString: server.url });
  await direct.connect();
  cleanUps.unshift(() => direct.end());
  for (const name of ['eventstore', 'mailbox']) {
    const part = start(name);
    urls[name] = (await part.ready)[name];
  }
  const ignore_startup_parameters = documentedParameters();
  const byTransaction = { pool_mode: 'transaction', ignore_startup_parameters };

  process.stdout.write('\npool_mode = transaction, an empty database\n');
  await pooled(byTransaction, (pooler) => isRefused('migrate', pooler, /lends connections/));
  check('the database is still empty', Object.keys(await everyRow()).length === 0);

  check('migrate past the pooler', (await start('migrate', urls.database).ended) === 0);
  for (const [settings, why] of [
    [byTransaction, /lends connections/],
    [{ ...byTransaction, default_pool_size: 1 }, /lends connections/],
    [{ pool_mode: 'transaction' }, /unsupported startup parameter/],
    [{ pool_mode: 'statement', ignore_startup_parameters }, /./],
    [{ pool_mode: 'session' }, /unsupported startup parameter/],
  ]) {
    const said = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
    process.stdout.write(`\n${said.join(', ')}\n`);
    await pooled(settings, async (pooler) => {
      for (const name of [...SERVICES, 'migrate']) await isRefused(name, pooler, why);
    });
  }

  process.stdout.write('\npool_mode = session\n');
  await pooled({ pool_mode: 'session', ignore_startup_parameters }, worksBySession);
}

try {
  await prove();
} catch (error) {
  check(error.stack, false);
} finally {
  for (const child of children) child.kill('SIGKILL');
  for (const cleanUp of cleanUps) await cleanUp();
  rmSync(folder, { recursive: true, force: true });
}
endChecks();
