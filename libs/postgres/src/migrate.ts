import { runner } from 'node-pg-migrate';
import { DatabaseUnavailable } from './database.js';
import { connectClient } from './postgres.js';
import { MIGRATIONS_FOLDER } from './schema.js';

/**
 * Brings the database up to date: applies every migration it has not seen yet, in order and in one
 * transaction. Callers at the same time wait for each other; the later ones find nothing left to do.
 *
 * @returns names of the migrations applied by this call
 * @throws DatabaseUnavailable no connection, or not until the end; nothing was applied
 * @throws Error a migration failed (nothing was applied), or an applied one is missing or out of order
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const client = await connectClient(databaseUrl, 'migrate');
  let lost: Error | undefined;
  client.on('error', (error) => {
    lost ??= error;
  });
  try {
    const applied = await runner({
      dbClient: client,
      dir: MIGRATIONS_FOLDER,
      direction: 'up',
      migrationsSchema: 'migrations',
      migrationsTable: 'applied',
      createMigrationsSchema: true,
      singleTransaction: true,
      advisoryLockMode: 'wait',
      // What was applied is returned, what failed is thrown.
      log: () => undefined,
    });
    return applied.map((migration) => migration.name);
  } catch (error) {
    throw lost ? new DatabaseUnavailable(lost.message, { cause: error }) : error;
  } finally {
    await client.end();
  }
}
