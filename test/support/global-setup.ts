import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CleanUpGuard } from './global-teardown.js';

/**
 * Before the first spec. PostgreSQL itself starts with the first spec that asks for a database
 * (postgres.ts), so that a run of pure specs pays nothing for it.
 *
 * Jest loads this file outside its module system: only node's own modules can be imported here.
 */
export default function globalSetup(config: { rootDir: string }): void {
  const folder = mkdtempSync(join(tmpdir(), 'registration-test-'));
  chmodSync(folder, 0o711);
  process.env['TEST_RUN_FOLDER'] = folder;

  const guard = spawn(
    process.execPath,
    [join(config.rootDir, 'test/support/clean-up-guard.mjs'), folder],
    { stdio: ['pipe', 'inherit', 'inherit'], detached: true },
  );
  guard.unref();
  (globalThis as { cleanUpGuard?: CleanUpGuard }).cleanUpGuard = guard;
}
