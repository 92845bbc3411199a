import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const depcruise = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');

interface Violation {
  readonly from: string;
  readonly rule: { readonly name: string };
}

/** The violations that the project's rules find in the apps and libs of a folder. */
async function violationsIn(folder: string): Promise<string[]> {
  const args = ['--config', join(root, '.dependency-cruiser.cjs')];
  const { stdout } = await run(
    process.execPath,
    [depcruise, ...args, '--ts-config', join(root, 'tsconfig.json'), '-T', 'json', 'apps', 'libs'],
    { cwd: folder, maxBuffer: 64 * 1024 * 1024 },
  );
  const { summary } = JSON.parse(stdout) as { summary: { violations: Violation[] } };
  const found = summary.violations.map(({ from, rule }) => `${rule.name}: ${from}`);
  return [...new Set(found)].sort();
}

describe('architecture rules', () => {
  it('find nothing in the product', async () => {
    expect(await violationsIn(root)).toEqual([]);
  });

  it('find each violation that was planted for them, and nothing else', async () => {
    expect(await violationsIn(join(import.meta.dirname, 'planted'))).toEqual([
      '1-accounts-imports-only-itself: libs/accounts/src/account.ts',
      '2-event-store-enters-its-own-rooms: libs/event-store/src/knows-accounts.ts',
      '3-one-home-for--eventstore-db-client: apps/right/src/uses-drivers.ts',
      '3-one-home-for--opentelemetry-sdk-trace-node: apps/right/src/uses-drivers.ts',
      '3-one-home-for-bcrypt: apps/right/src/uses-drivers.ts',
      '3-one-home-for-node-fetch: apps/right/src/uses-drivers.ts',
      '3-one-home-for-pg: libs/postgres/src/second-home.ts',
      '4-apps-never-import-apps: apps/right/src/uses-left.ts',
      '5-adapters-are-wired-in-one-place: apps/right/src/chooses-an-adapter.ts',
      '5-adapters-are-wired-in-one-place: libs/postgres/src/index.ts',
      '6-libraries-have-one-door: apps/right/src/side-door.ts',
      '6-the-door-loads-no-driver: libs/http-service/src/index.ts',
      '6-the-door-loads-no-driver: libs/postgres/src/index.ts',
      '7-no-circles: libs/process/src/round.ts',
      '8-libraries-know-no-process: libs/process/src/knows-a-process.ts',
    ]);
  });
});
