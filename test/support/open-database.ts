import type { Database } from '@app/postgres';
import { createPool } from '@app/postgres/postgres.js';
import { freshDatabase } from './postgres.js';

/** Connections to a database of its own with all migrations applied. Closing them removes it. */
export async function openDatabase(): Promise<Database> {
  const fresh = await freshDatabase();
  const database = createPool(fresh.url, {
    max: 4,
    applicationName: 'spec',
    statementTimeoutMs: 5_000,
  });
  const close = database.close.bind(database);
  return Object.assign(database, {
    close: async () => {
      await close();
      await fresh.drop();
    },
  });
}
