import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { repositoryRoot } from '../support/process.js';

interface LockEntry {
  readonly resolved?: string;
  readonly integrity?: string;
}

const read = (path: string) => readFileSync(join(repositoryRoot, path), 'utf8');
const manifest = JSON.parse(read('package.json')) as {
  readonly overrides: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};
const contributing = read('.github/CONTRIBUTING.md');

/** What npm would install from elsewhere, or without knowing that it is what was locked. */
function faultsOf(packages: Readonly<Record<string, LockEntry>>): string[] {
  return Object.entries(packages)
    .filter(([path]) => path !== '')
    .filter(
      ([, { resolved, integrity }]) =>
        !/^sha512-[\w+/]{86}==$/.test(integrity ?? '') || !/^https:/.test(resolved ?? 'https:'),
    )
    .map(([path]) => path);
}

describe('The lock file', () => {
  it('has a SHA-512 for each package, and none that comes from git, a file or plain HTTP', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      readonly packages: Readonly<Record<string, LockEntry>>;
    };
    expect(Object.keys(packages).length).toBeGreaterThan(500);
    expect(faultsOf(packages)).toEqual([]);
  });

  it.each<[string, LockEntry]>([
    ['no hash', {}],
    ['SHA-1', { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' }],
    ...['git+ssh://git@host/a.git', 'file:../a', 'http://host/a.tgz'].map(
      (resolved): [string, LockEntry] => [
        resolved,
        { resolved, integrity: `sha512-${'A'.repeat(86)}==` },
      ],
    ),
  ])('would be found with %s', (_, entry) => {
    expect(faultsOf({ '': {}, 'node_modules/a': entry })).toEqual(['node_modules/a']);
  });
});

describe('What looks odd in package.json', () => {
  const overridden = Object.entries(manifest.overrides).flatMap(([of, versions]) =>
    Object.keys(versions).map((name) => `| override \`${name}\` (of \`${of}\`) |`),
  );
  const compilers = Object.keys(manifest.devDependencies)
    .filter((name) => /^typescript(-\d+)?$/.test(name))
    .map((name) => `| \`${name}\` |`);

  it('is explained where contributors read, and nothing else is', () => {
    const rows = [...contributing.matchAll(/^(\| (?:override )?`[^|]+\|) /gm)].map(
      ([, row]) => row,
    );
    expect(rows.toSorted()).toEqual([...compilers, ...overridden].toSorted());
  });
});
