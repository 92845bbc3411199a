import type { Database, Queryable } from '@app/postgres';
import type { Projection } from '../projection.js';
import { liveTable } from '../projection.js';

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
    for (const { table } of projections) {
      await transaction.query({
        text: 'select read_model_rebuild.keep_definition($1)',
        values: [table],
      });
    }
  });
}

/**
 * Makes sure that it is known how the projection's table is made: by that table itself, or by the copy kept of it.
 *
 * @throws Error when there is neither
 */
export async function requireDefinition(
  database: Queryable,
  projection: Pick<Projection<never>, 'table'>,
): Promise<void> {
  const { rows } = await database.query<{ definition: string | null }>({
    text: 'select read_model_rebuild.definition_of($1) as definition',
    values: [projection.table],
  });
  if (rows[0]?.definition) return;
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
