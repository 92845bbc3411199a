import { setTimeout as pause } from 'node:timers/promises';
import { ReadModelUnavailable } from '@app/read-model';
import { migrate } from '@app/read-model/migrate.js';
import { ConfigurationError, loadConfiguration, setting } from '@app/service';

/**
 * One-shot process: brings the database of DATABASE_URL up to date before the others start.
 *
 * Waits up to 30 s for PostgreSQL to accept connections. Exit codes: 0 up to date, 1 not, 78 for a
 * configuration that must be mended first.
 */
const LONGEST_WAIT_MS = 30_000;
const SHORTEST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

async function migrateWhenReady(databaseUrl: string): Promise<string[]> {
  const deadline = Date.now() + LONGEST_WAIT_MS;
  for (let pauseMs = SHORTEST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await migrate(databaseUrl);
    } catch (error) {
      if (!(error instanceof ReadModelUnavailable) || Date.now() + pauseMs > deadline) throw error;
      if (pauseMs === SHORTEST_PAUSE_MS) say('waiting for PostgreSQL');
    }
    await pause(pauseMs);
  }
}

function say(line: string): void {
  process.stdout.write(`migrate: ${line}\n`);
}

try {
  const { DATABASE_URL } = loadConfiguration({
    DATABASE_URL: setting.secret(setting.url('postgres:', 'postgresql:')),
  });
  const applied = await migrateWhenReady(DATABASE_URL);
  for (const name of applied) say(`applied ${name}`);
  say('the database is up to date');
} catch (error) {
  process.stderr.write(`migrate: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof ConfigurationError ? 78 : 1;
}
