import type { Database, Queryable } from '@app/postgres';
import type { Projection } from '../projection.js';
import { liveTable } from '../projection.js';

const DEFINITIONS = 'read_model_definition';

/** Two processes that migrate must not copy the same definition at the same time. */
const LOCK = 'definitions of the read model';

/**
 * Keeps an empty copy of each table as the migrations made it, for the day on which one is lost. One that is lost by now
 * keeps the copy that it has.
 */
export async function keepDefinitions(
  database: Database,
  projections: readonly Pick<Projection<never>, 'table'>[],
): Promise<void> {
  await database.inTransaction(async (transaction) => {
    await transaction.query({
      text: 'select pg_advisory_xact_lock(hashtextextended($1, 0))',
      values: [LOCK],
    });
    for (const projection of projections) {
      const live = liveTable(projection);
      if (!(await tableExists(transaction, live))) continue;
      const kept = `${DEFINITIONS}.${projection.table}`;
      await transaction.query({ text: `drop table if exists ${kept}` });
      await createLike(transaction, kept, live);
      await indexLike(transaction, kept, live);
    }
  });
}

/**
 * Which table says how the projection's table is made: that table itself, or the copy kept of it where it is lost.
 *
 * @throws Error when there is neither
 */
export async function definitionOf(
  database: Queryable,
  projection: Pick<Projection<never>, 'table'>,
): Promise<string> {
  const candidates = [liveTable(projection), `${DEFINITIONS}.${projection.table}`];
  for (const table of candidates) if (await tableExists(database, table)) return table;
  throw new Error(
    `${liveTable(projection)} is lost, and so is the definition that migrate keeps of it: restore the database from a copy`,
  );
}

export async function tableExists(database: Queryable, table: string): Promise<boolean> {
  const { rows } = await database.query<{ found: boolean }>({
    text: 'select to_regclass($1) is not null as found',
    values: [table],
  });
  return rows[0]?.found === true;
}

/** An empty table with the columns, checks, comments and primary key of another one. */
export async function createLike(
  database: Queryable,
  table: string,
  definition: string,
): Promise<void> {
  await database.query({
    text: `create table ${table} (like ${definition} including all excluding indexes)`,
  });
  const { rows } = await database.query<{ name: string; definition: string }>({
    text: `select conname as name, pg_get_constraintdef(oid) as definition
           from pg_constraint where conrelid = $1::regclass and contype = 'p'`,
    values: [definition],
  });
  for (const { name, definition: key } of rows) {
    await database.query({ text: `alter table ${table} add constraint "${name}" ${key}` });
  }
}

/** Its other indexes, under the same names. */
export async function indexLike(
  database: Queryable,
  table: string,
  definition: string,
): Promise<void> {
  const { rows } = await database.query<{ index: string }>({
    text: `select pg_get_indexdef(indexrelid) as index
           from pg_index where indrelid = $1::regclass and not indisprimary`,
    values: [definition],
  });
  for (const { index } of rows) {
    await database.query({ text: index.replace(` ON ${definition} `, ` ON ${table} `) });
  }
}
