import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { repositoryRoot } from '../support/process.js';
import { temporaryFolder } from '../support/run-folder.js';

const COPIED = [
  'apps',
  'libs',
  'test',
  'docs',
  'README.md',
  'package.json',
  'tsconfig.json',
  'tsconfig.all.json',
];
const LINKED = ['node_modules', 'jest.config.mjs', 'docker'];

/** What proves each step, beside the compiler: paths for jest. A later step changes none of them. */
const proofs: Readonly<Record<string, readonly string[]>> = {
  'A rule': [
    'libs/accounts/src/erase-account',
    'libs/accounts/src/account-errors',
    'apps/accounts-api/src/account-problems',
  ],
  'An event': ['libs/accounts/src/account-event-serde'],
  'A read model': [
    'libs/views/src/flags',
    'libs/views/src/consumers',
    'libs/consumers/src/descriptions',
    'libs/postgres/src/rights',
  ],
  'A command': ['libs/accounts/src/flag-account', 'libs/accounts/src/account-life'],
};

/** Does what docs/extend.md says, in a copy of the repository: one step after the other, each of which compiles. */
describe('docs/extend.md', () => {
  const copy = join(temporaryFolder('extend'), 'copy');
  const steps = stepsOf(readFileSync(join(repositoryRoot, 'docs/extend.md'), 'utf8'));

  beforeAll(() => {
    mkdirSync(copy, { recursive: true });
    for (const name of COPIED)
      cpSync(join(repositoryRoot, name), join(copy, name), { recursive: true });
    for (const name of LINKED) symlinkSync(join(repositoryRoot, name), join(copy, name));
  });

  const run = (program: string, args: readonly string[], environment = {}, input = '') =>
    execFileSync(program, args, {
      cwd: copy,
      input,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });

  it('has the four steps', () => {
    expect(steps.map(({ title }) => title)).toEqual(Object.keys(proofs));
  });

  for (const { title, diffs } of steps) {
    it(`${title.toLowerCase()} is added as it says`, () => {
      for (const diff of diffs) run('git', ['apply', '--whitespace=nowarn', '-'], {}, diff);
      // What a step left as it was is not checked again; several checkers would check much of it twice.
      run(process.execPath, [
        ...['node_modules/typescript-7/bin/tsc', '--noEmit', '-p', 'tsconfig.all.json'],
        ...['--incremental', '--tsBuildInfoFile', 'checked.tsbuildinfo', '--checkers', '1'],
      ]);
    }, 180_000);
  }

  it('passes the tests that prove its steps, and npm run docs writes its documents', () => {
    run(
      process.execPath,
      [
        ...['--experimental-vm-modules', 'node_modules/jest/bin/jest.js'],
        ...[...Object.values(proofs).flat(), 'test/docs/generated-docs'],
      ],
      { NODE_OPTIONS: '', WRITE_DOCS: 'yes' },
    );
    expect(readFileSync(join(copy, 'docs/events.md'), 'utf8')).toContain(
      '| `AccountFlagged` | `reason`',
    );
  }, 180_000);
});

function stepsOf(page: string): readonly { title: string; diffs: readonly string[] }[] {
  return page
    .split(/^## /m)
    .slice(1)
    .map((section) => ({
      title: section.slice(0, section.indexOf('\n')),
      diffs: [...section.matchAll(/^```diff\n([^]*?)^```$/gm)].map(([, diff = '']) => diff),
    }));
}
