import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { freshDatabase } from '../support/postgres.js';
import type { FreshDatabase } from '../support/postgres.js';
import { temporaryFolder } from '../support/run-folder.js';

/** Everything a database held at one moment, as a dump of it would. */
export interface DatabaseCopy {
  readonly tables: readonly { readonly name: string; readonly rows: readonly string[] }[];
}

/**
 * What `pg_dump` would write: every row of every table of the product, in one snapshot, while all processes go on
 * working. (The embedded PostgreSQL comes without pg_dump.)
 */
export async function copyDatabase(url: string): Promise<DatabaseCopy> {
  return withClient(url, async (client) => {
    await client.query('begin isolation level repeatable read read only');
    const { rows: names } = await client.query<{ name: string }>(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
       where table_schema in ('read_model', 'personal_data', 'operations', 'throttling')
         and table_type = 'BASE TABLE' order by 1`,
    );
    const tables: { name: string; rows: string[] }[] = [];
    for (const { name } of names) {
      const { rows } = await client.query<{ row: string }>(
        `select row_to_json(whole)::text as row from ${name} as whole`,
      );
      tables.push({ name, rows: rows.map(({ row }) => row) });
    }
    return { tables };
  });
}

/** Puts a copy into a database of its own. */
export async function restoreDatabase({ tables }: DatabaseCopy): Promise<FreshDatabase> {
  const fresh = await freshDatabase();
  await withClient(fresh.url, async (client) => {
    for (const { name, rows } of tables) {
      await client.query(
        `insert into ${name} select * from json_populate_recordset(null::${name}, $1::json)`,
        [`[${rows.join(',')}]`],
      );
    }
  });
  return fresh;
}

/** Copies the development event store's file while its process writes to it. */
export function copyLog(dataDir: string): string {
  const copy = temporaryFolder('log-copy');
  copyFileSync(join(dataDir, 'events.log'), join(copy, 'events.log'));
  return copy;
}

/** A data folder of its own with what was copied. */
export function restoreLog(copy: string): string {
  return copyLog(copy);
}

export async function withClient<Result>(
  url: string,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
