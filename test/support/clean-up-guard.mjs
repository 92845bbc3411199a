/**
 * Cleans up after a test run however it ends, kill -9 of jest included: its standard input is a pipe
 * from jest, and the end of that pipe is the sign to stop what was left running and to remove the
 * run's folder, given as the only argument.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const POSTGRES_STOP_DEADLINE_MS = 10_000;

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('the folder of the test run is missing');

process.stdin.resume();
process.stdin.on('end', () => void cleanUp());
process.stdin.on('error', () => void cleanUp());

async function cleanUp() {
  await stopPostgres();
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

async function stopPostgres() {
  const pidFile = join(folder, 'postgres', 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  const deadline = Date.now() + POSTGRES_STOP_DEADLINE_MS;
  // The folder goes next: no checkpoint is needed.
  process.kill(pid, 'SIGQUIT');
  while (existsSync(pidFile)) {
    if (Date.now() > deadline)
      throw new Error(`PostgreSQL of the test run (pid ${pid}) does not stop`);
    await delay(10);
  }
}
