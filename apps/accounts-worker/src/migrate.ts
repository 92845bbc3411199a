import { parseArgs } from 'node:util';
import { setTimeout as pause } from 'node:timers/promises';
import {
  DatabaseUnavailable,
  grantRights,
  migrateSettingTypes,
  namedLogins,
  requireSessions,
} from '@app/postgres';
import { followLog, keepDefinitions, markRestored } from '@app/consumers';
import { giveUpLostKeys, projections } from '@app/views';
import type { Database } from '@app/postgres';
import { migrate } from '@app/postgres/migrate.js';
import { createPool } from '@app/postgres/postgres.js';
import { ConfigurationError, loadConfiguration } from '@app/process';
import * as z from 'zod';

/**
 * One-shot process: brings the database of DATABASE_URL up to date before the others start.
 *
 * Waits up to 30 s for PostgreSQL to accept connections. Exit codes: 0 up to date, 1 not, 78 for a
 * configuration that must be mended first. With one of the options below it then takes a step of the way back
 * from a copy (docs/operations.md).
 */
const LONGEST_WAIT_MS = 30_000;
const SHORTEST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
const STATEMENT_TIMEOUT_MS = 600_000;

interface Step {
  readonly meaning: string;
  /** @returns what to tell the operator */
  take(database: Database): Promise<string>;
}

const steps: Readonly<Record<string, Step>> = {
  restored: {
    meaning:
      'the database was restored from a copy: no process works with it until the worker has checked it',
    take: async (database) => {
      await markRestored(database);
      return 'the database waits for the worker to compare it with the event log';
    },
  },
  'follow-log': {
    meaning:
      'give up all rows that can be built again: the worker builds them from the log there is',
    take: async (database) => {
      await followLog(database, projections);
      return 'the rows were given up; the worker builds them anew, and no other process works until then';
    },
  },
  'give-up-lost-keys': {
    meaning: 'accounts whose keys are lost count as erased persons: their addresses can be freed',
    take: async (database) => {
      const accounts = await giveUpLostKeys(database);
      for (const accountId of accounts) say(`gave up the lost key of account ${accountId}`);
      return `${accounts.length} accounts were given up; restart the worker, then erase them`;
    },
  },
};

async function migrateWhenReady(databaseUrl: string): Promise<string[]> {
  const deadline = performance.now() + LONGEST_WAIT_MS;
  for (let pauseMs = SHORTEST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      await withDatabase(databaseUrl, requireSessions);
      return await migrate(databaseUrl);
    } catch (error) {
      const isTooLate = performance.now() + pauseMs > deadline;
      if (!(error instanceof DatabaseUnavailable) || isTooLate) throw error;
      if (pauseMs === SHORTEST_PAUSE_MS) say('waiting for PostgreSQL');
    }
    await pause(pauseMs);
  }
}

function say(line: string): void {
  process.stdout.write(`migrate: ${line}\n`);
}

function stepsAskedFor(): Set<string> {
  const options = Object.fromEntries(
    Object.keys(steps).map((name) => [name, { type: 'boolean' as const, default: false }]),
  );
  try {
    const { values } = parseArgs({ options });
    return new Set(Object.keys(steps).filter((name) => values[name]));
  } catch (error) {
    const known = Object.entries(steps).map(([name, { meaning }]) => `--${name}: ${meaning}`);
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigurationError([reason, 'the options are', ...known]);
  }
}

async function withDatabase(
  databaseUrl: string,
  work: (database: Database) => Promise<void>,
): Promise<void> {
  const database = createPool(databaseUrl, {
    max: 1,
    applicationName: 'migrate',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    allowUnconfirmed: true,
  });
  try {
    await work(database);
  } finally {
    await database.close();
  }
}

try {
  const asked = stepsAskedFor();
  const { DATABASE_URL, RESTORE_STEP, ...named } = loadConfiguration({
    ...migrateSettingTypes,
    // For `npm start`, which hands on no options.
    RESTORE_STEP: z.enum(Object.keys(steps)).optional(),
  });
  if (RESTORE_STEP !== undefined) asked.add(RESTORE_STEP);
  const logins = namedLogins(named);
  const applied = await migrateWhenReady(DATABASE_URL);
  for (const name of applied) say(`applied ${name}`);
  say('the database is up to date');
  await withDatabase(DATABASE_URL, async (database) => {
    // The steps that are asked for, after what is done each time.
    if (logins === undefined) {
      say('one login for all processes: DATABASE_ROLE_API, _WORKER and _ADMIN are not set');
    } else {
      await grantRights(database, logins);
      say('each login has the rights of its process');
    }
    await keepDefinitions(database, projections);
    for (const [name, step] of Object.entries(steps)) {
      if (asked.has(name)) say(await step.take(database));
    }
  });
} catch (error) {
  process.stderr.write(`migrate: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof ConfigurationError ? 78 : 1;
}
