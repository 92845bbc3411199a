import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { migrate } from '@app/postgres/migrate.js';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../../apps/local/src/postgres/embedded-postgres.js';
import { eventually } from './eventually.js';
import { runFolder } from './run-folder.js';

export interface FreshDatabase {
  readonly url: string;
  /** Cuts every connection and removes it. Not needed at the end of a run: the whole server goes. */
  drop(): Promise<void>;
}

const CLUSTER_START_DEADLINE_MS = 20_000;
const TEMPLATE = 'migrated_template';
/** Any number: specs in several jest workers queue for it to make the template once. */
const TEMPLATE_LOCK = 724_001;

/** A database of its own with all migrations applied, on the one PostgreSQL of this test run. */
export async function freshDatabase(): Promise<FreshDatabase> {
  const server = await serverUrl();
  await ensureTemplate(server);
  return createDatabase(server, TEMPLATE);
}

/** A database of its own without a single table. */
export async function emptyDatabase(): Promise<FreshDatabase> {
  return createDatabase(await serverUrl(), 'template0');
}

async function createDatabase(server: string, template: string): Promise<FreshDatabase> {
  const name = `spec_${randomBytes(6).toString('hex')}`;
  await onServer(server, (client) =>
    client.query(`CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY file_copy`),
  );
  return {
    url: databaseUrl(server, name),
    drop: () =>
      onServer(server, async (client) => {
        await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      }),
  };
}

async function ensureTemplate(server: string): Promise<void> {
  await onServer(server, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [
      TEMPLATE,
    ]);
    if (rowCount) return;
    const unfinished = `unfinished_${randomBytes(6).toString('hex')}`;
    await client.query(`CREATE DATABASE ${unfinished} TEMPLATE template0 STRATEGY file_copy`);
    await migrate(databaseUrl(server, unfinished));
    await client.query(`ALTER DATABASE ${unfinished} RENAME TO ${TEMPLATE}`);
  });
}

async function onServer<Result>(
  server: string,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = new Client({ connectionString: databaseUrl(server, 'postgres') });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

/**
 * The server that TEST_POSTGRES_URL names, as in containers: its own, and empty at first. Otherwise the
 * first spec of the run that asks starts one; those in other jest workers wait for it.
 */
async function serverUrl(): Promise<string> {
  const given = process.env['TEST_POSTGRES_URL'];
  if (given) return given;
  const announcement = join(runFolder(), 'postgres-server.json');
  if (!existsSync(announcement) && weAreFirst()) await startServer(announcement);
  const { url, failure } = await eventually(
    () => JSON.parse(readFileSync(announcement, 'utf8')) as { url?: string; failure?: string },
    { within: CLUSTER_START_DEADLINE_MS },
  );
  if (!url) throw new Error(`PostgreSQL for the tests did not start: ${failure}`);
  return url;
}

function weAreFirst(): boolean {
  try {
    writeFileSync(join(runFolder(), 'postgres-starter'), String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

async function startServer(announcement: string): Promise<void> {
  const announce = (content: object) => {
    writeFileSync(`${announcement}.new`, JSON.stringify(content), { mode: 0o600 });
    renameSync(`${announcement}.new`, announcement);
  };
  const say = (message: string) => void process.stderr.write(`${message}\n`);
  try {
    const server = await startEmbeddedPostgres({
      dataDir: join(runFolder(), 'postgres'),
      port: 0,
      fsync: false,
      settings: { max_connections: '300', autovacuum: 'off' },
      log: { info: say, warn: say },
    });
    announce({ url: server.url });
  } catch (error) {
    announce({ failure: String(error) });
    throw error;
  }
}
