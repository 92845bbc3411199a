import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const root = join(import.meta.dirname, '../..');
const ROOMS = ['apps/accounts-admin', 'apps/accounts-api', 'apps/accounts-worker', 'libs'];
const TESTING = /\.(spec|int-spec|long-spec|contract)\.ts$|\/testing\//;
/** The injected Clock compares the machine's own with the right one. */
const THE_CLOCK = 'libs/process/src/clock.ts';
/** Runs on the caller's machine, and compares with the API's Date. */
const THE_CLIENT = 'libs/registration-client/src/index.ts';

/** Where code asks the machine's own clock, comments left out. */
function ownClockIn(code: string): string[] {
  return (
    code.replaceAll(/\/\*.*?\*\/|^\s*\/\/.*?$/gms, '').match(/\bDate\.now\b|\bnew Date\(\s*\)/g) ??
    []
  );
}

describe("the clock of a process' own machine", () => {
  const sources = ROOMS.flatMap((room) =>
    readdirSync(join(root, room), { recursive: true }).map((path) => `${room}/${path}`),
  ).filter((path) => path.includes('/src/') && path.endsWith('.ts') && !TESTING.test(path));

  it('is found where code reads it', () => {
    expect(ownClockIn('a(Date.now());\n  b(new Date( )); // new Date()')).toHaveLength(3);
    expect(
      ownClockIn('/** Date.now() */\n  // new Date()\nnew Date(0); performance.now();'),
    ).toEqual([]);
  });

  it('is read by no file of the product but the injected Clock', () => {
    expect(sources.length).toBeGreaterThan(300);
    const reading = sources.filter(
      (path) => ownClockIn(readFileSync(join(root, path), 'utf8')).length > 0,
    );
    expect(reading).toEqual([THE_CLOCK, THE_CLIENT]);
  });
});
