import type { Queryable } from './database.js';

/**
 * What time it is by PostgreSQL's clock, in milliseconds since the Unix epoch.
 *
 * @throws DatabaseUnavailable
 */
export async function readServerTime(database: Queryable): Promise<number> {
  const { rows } = await database.query<{ milliseconds: number }>({
    name: 'read-server-time',
    text: 'select (extract(epoch from clock_timestamp()) * 1000)::float8 as milliseconds',
  });
  return rows[0]?.milliseconds ?? Number.NaN;
}
