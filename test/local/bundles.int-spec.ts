import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { repositoryRoot } from '../support/process.js';

/** The files that a program loads when it starts, by what they hold. */
function loadedBy(program: string): ReadonlyMap<string, string> {
  const loaded = new Map<string, string>();
  const waiting = [join(repositoryRoot, 'dist/apps', program)];
  for (let file = waiting.pop(); file; file = waiting.pop()) {
    if (loaded.has(file)) continue;
    const source = readFileSync(file, 'utf8');
    loaded.set(file, source);
    const imports = source.matchAll(/^import\s(?:[^'"]*\sfrom\s)?"(\.[^"]+)"/gm);
    for (const [, path = ''] of imports) waiting.push(join(file, '..', path));
  }
  return loaded;
}

const PROGRAMS = [
  'accounts-api/src/main.js',
  'accounts-worker/src/main.js',
  'accounts-admin/src/main.js',
  'local/src/event-store/main.js',
  'local/src/mailbox/main.js',
];

describe('The files that a program loads', () => {
  it.each(PROGRAMS)('take one byte of memory for each character: %s', (program) => {
    const files = [...loadedBy(program)];
    expect(files.length).toBeGreaterThan(1);
    // V8 keeps a source with a letter beyond Latin-1 at two bytes a character.
    const wide = files.filter(([, source]) => /[^\0-\u00ff]/.test(source));
    expect(wide.map(([file]) => file)).toEqual([]);
  });

  it('hold no web framework where a program serves no calls', () => {
    const holdsFramework = (program: string) =>
      [...loadedBy(program).values()].some((source) => source.includes('class FastifyAdapter'));
    const serving = PROGRAMS.filter(holdsFramework);
    expect(serving).toEqual([
      'accounts-api/src/main.js',
      'accounts-admin/src/main.js',
      'local/src/mailbox/main.js',
    ]);
  });
});
