import type { Database } from '@app/postgres';
import type { Projection } from '../projection.js';

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
