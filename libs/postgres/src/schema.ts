import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { productFolder } from '@app/process';
import { StatementRefused } from './database.js';
import type { Queryable } from './database.js';

export const MIGRATIONS_FOLDER = join(productFolder(), 'libs/postgres/src/migrations');

/** The database is not as this version of the processes needs it. */
export class SchemaMissing extends Error {
  constructor(what: string) {
    super(`the schema of the database is not that of this version, ${what}: run migrate`);
    this.name = 'SchemaMissing';
  }
}

/**
 * Checks that every migration of this version was applied, and that every table they made is there. Those of a newer
 * version do no harm.
 *
 * @throws SchemaMissing, DatabaseUnavailable
 */
export async function requireSchema(database: Queryable): Promise<void> {
  const { migrations, tables } = expected();
  try {
    const { rows } = await database.query<{ missing: string }>({
      name: 'find-missing-schema',
      text: `select 'migration ' || name as missing from unnest($1::text[]) as wanted (name)
             where not exists (select from migrations.applied where applied.name = wanted.name)
             union all
             select 'table ' || name from unnest($2::text[]) as wanted (name)
             -- Also one in a schema that this login may not use.
             where not exists (select from pg_class join pg_namespace on pg_namespace.oid = relnamespace
                               where nspname || '.' || relname = wanted.name)`,
      values: [migrations, tables],
    });
    const [first] = rows;
    if (first) throw new SchemaMissing(`${first.missing} is missing`);
  } catch (error) {
    if (!(error instanceof StatementRefused && error.isForMissingTable)) throw error;
    throw new SchemaMissing('no migration was ever applied');
  }
}

let known:
  | { readonly migrations: readonly string[]; readonly tables: readonly string[] }
  | undefined;

/** Read once: the files of a running version do not change. */
function expected() {
  if (known) return known;
  const files = readdirSync(MIGRATIONS_FOLDER).filter((file) => file.endsWith('.sql'));
  const tables = files.flatMap((file) =>
    [
      ...readFileSync(`${MIGRATIONS_FOLDER}/${file}`, 'utf8').matchAll(/^CREATE TABLE ([\w.]+)/gm),
    ].map(([, table]) => table ?? ''),
  );
  known = { migrations: files.map((file) => file.replace(/\.sql$/, '')), tables };
  return known;
}
