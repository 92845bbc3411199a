import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { migrate } from '@app/postgres/migrate.js';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../../apps/local/src/postgres/embedded-postgres.js';
import type { EmbeddedPostgres } from '../../apps/local/src/postgres/embedded-postgres.js';
import { temporaryFolder } from './run-folder.js';

/** A PostgreSQL primary, and a standby that follows it. */
export interface PostgresPair {
  /** Names both hosts, the primary first. */
  readonly url: string;
  readonly primary: EmbeddedPostgres;
  readonly standby: EmbeddedPostgres;
  /** Makes the standby take writes. */
  promote(): Promise<void>;
  stop(): Promise<void>;
}

const log = { info: () => undefined, warn: () => undefined };

/** Starts both on a database with all migrations applied. */
export async function startPostgresPair(): Promise<PostgresPair> {
  const folder = temporaryFolder('postgres-pair');
  const first = join(folder, 'primary');
  const second = join(folder, 'standby');
  const made = await startEmbeddedPostgres({ dataDir: first, port: 0, fsync: false, log });
  await migrate(made.url);
  await made.stop();
  // A copy of a server that does not run needs no more than this to follow it.
  cpSync(first, second, { recursive: true, preserveTimestamps: true });
  cpSync(`${first}.password`, `${second}.password`);
  writeFileSync(join(second, 'standby.signal'), '');
  const primary = await startEmbeddedPostgres({ dataDir: first, port: 0, fsync: false, log });
  const { hostname, port, username, password } = new URL(primary.url);
  const standby = await startEmbeddedPostgres({
    dataDir: second,
    port: 0,
    fsync: false,
    settings: {
      primary_conninfo: `host=${hostname} port=${port} user=${username} password=${password}`,
      hot_standby: 'on',
    },
    log,
  });
  return {
    url: primary.url.replace(/:\d+\//, `:${primary.port},127.0.0.1:${standby.port}/`),
    primary,
    standby,
    promote: async () => {
      const client = new Client({ connectionString: standby.url });
      await client.connect();
      await client.query('select pg_promote()');
      await client.end();
    },
    stop: async () => {
      await standby.stop();
      await primary.stop();
    },
  };
}
