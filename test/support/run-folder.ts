import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';

/** Where this test run keeps all its files; the clean-up guard removes it when the run has ended. */
export function runFolder(): string {
  const folder = process.env['TEST_RUN_FOLDER'];
  if (!folder) {
    throw new Error(
      'TEST_RUN_FOLDER is not set: run jest with the globalSetup of jest.config.mjs (npm test).',
    );
  }
  return folder;
}

/** A new empty folder of this test run; the clean-up guard removes it. */
export function temporaryFolder(name: string): string {
  return mkdtempSync(join(runFolder(), `${name}-`));
}
