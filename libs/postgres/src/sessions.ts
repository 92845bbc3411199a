import { randomUUID } from 'node:crypto';
import { ConfigurationError } from '@app/process';
import { DatabaseUnavailable, StatementRefused } from './database.js';
import type { Database, Session } from './database.js';

const ROUNDS = 3;
/** How a pooler refuses what a client asks for when it connects, or transactions at all. */
const REFUSED_BY_POOLER = /\(08P01\)/;

/**
 * Finds out by trying whether a connection keeps what was set on it, while another one is used.
 *
 * @throws ConfigurationError the URL of the database leads to something that does not keep sessions
 * @throws DatabaseUnavailable nothing is known yet
 */
export async function requireSessions(database: Database): Promise<void> {
  const opened: Session[] = [];
  try {
    // With the start-up parameters of the pool, some of which poolers refuse.
    await database.checkAvailable();
    const one = await database.openSession('start');
    opened.push(one);
    const other = await database.openSession('start');
    opened.push(other);
    for (let round = 0; round < ROUNDS; round += 1) await compare(one, other);
  } catch (error) {
    // An answer to the first connection, such as that there is no such database, is PostgreSQL's own.
    const isRefused = opened.length === 2 && error instanceof StatementRefused;
    if (isRefused || isRefusedByPooler(error)) {
      throw notKept(`refuses what the product asks of it (${error.message})`);
    }
    throw error;
  } finally {
    await Promise.all(opened.map((session) => session.close()));
  }
}

function isRefusedByPooler(error: unknown): error is DatabaseUnavailable {
  return error instanceof DatabaseUnavailable && REFUSED_BY_POOLER.test(error.message);
}

async function compare(one: Session, other: Session): Promise<void> {
  const mark = randomUUID();
  await set(one, mark);
  await set(other, randomUUID());
  // A pooler with a single connection left lends it to both.
  await requireMark(one, mark);
  // Holds on to whatever connection of the server is lent to it, so that the first one gets another.
  await other.query({ text: 'begin' });
  await requireMark(one, mark);
  await other.query({ text: 'commit' });
}

async function requireMark(session: Session, mark: string): Promise<void> {
  const { rows } = await session.query<{ mark: string | null }>({
    text: `select current_setting('accounts.session', true) as mark`,
  });
  if (rows[0]?.mark !== mark) {
    throw notKept('lends connections of the server for one transaction each');
  }
}

async function set(session: Session, mark: string): Promise<void> {
  await session.query({
    text: `select set_config('accounts.session', $1, false)`,
    values: [mark],
  });
}

function notKept(what: string): ConfigurationError {
  return new ConfigurationError([
    `DATABASE_URL leads through a connection pooler that ${what}: locks, LISTEN and prepared statements need ` +
      `a connection of their own, so let it pool by session, or name PostgreSQL itself`,
  ]);
}
