/**
 * The benchmark of the whole product.
 *
 *   npm run bench                        everything (about 20 minutes on a quiet machine)
 *   npm run bench -- --quick             one short round of what matters most, under a minute
 *   npm run bench -- --only overhead     one bench, or several with commas; --list shows their names
 *   npm run bench -- --rounds 9
 *
 * Runs one bench after the other, each in a process of its own, over loopback. Figures, a page and a plot go to
 * test/bench/results/<time>/. See docs/performance.md.
 */
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildIfNeeded } from '../../apps/local/build-if-needed.mjs';
import { scenarios } from './flow/scenarios.mjs';
import { markdownOf, svgOf } from './report/render.mjs';

const here = import.meta.dirname;
const root = fileURLToPath(new URL('../../', import.meta.url));
/** No bench is to hang for ever. */
const LONGEST_MS = 900_000;
const IN_QUICK_RUN = ['limits', 'cost-12', 'overhead'];

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
});

const benches = allBenches();
if (values.list) {
  for (const { name, about } of benches) process.stdout.write(`${name.padEnd(16)} ${about}\n`);
  process.exit(0);
}
const chosen = choose(benches);
buildIfNeeded();
installPeers();

const startedAt = new Date();
const at = startedAt.toISOString().slice(0, 16).replace('T', ' ');
const folder = join(here, 'results', startedAt.toISOString().slice(0, 19).replaceAll(':', '-'));
mkdirSync(folder, { recursive: true });

const logs = [];
const failed = [];
for (const [index, bench] of chosen.entries()) {
  say(`\n[${index + 1}/${chosen.length}] ${bench.name}: ${bench.about}`);
  const { code, output } = await run(bench);
  if (code !== 0) failed.push(bench.name);
  if (!existsSync(join(folder, `${bench.name}.json`))) {
    logs.push({ bench: bench.name, text: output });
  }
  write();
}
say(`\n${seconds(startedAt)} s. Figures, page and plot: ${relative(process.cwd(), folder)}`);
for (const { id, text, measured, unit } of missedGoals()) {
  say(`missed: ${id} ${text}: ${Number(measured?.toPrecision(3))} ${unit}`);
}
if (failed.length > 0) say(`failed: ${failed.join(', ')}`);
process.exit(failed.length > 0 ? 1 : 0);

/** Ours first, then what the rooms have of their own. */
function allBenches() {
  const flow = Object.entries(scenarios).map(([name, { about }]) => ({
    name,
    about,
    script: join(here, 'flow/main.mjs'),
    arguments: [
      name,
      ...(values.quick ? ['--quick'] : []),
      ...(values.rounds ? ['--rounds', values.rounds] : []),
    ],
  }));
  const scripts = [
    {
      name: 'event-store',
      about: 'the event store through the official client, beside one that stores nothing',
      script: join(here, 'event-store/bench.mjs'),
      arguments: values.quick ? ['1', '1000'] : [],
    },
    {
      name: 'scale',
      about: 'what grows with the number of accounts; rebuilding; histories; pages for operators',
      script: join(here, 'scale/main.mjs'),
      arguments: [
        ...(values.quick ? ['--quick'] : []),
        ...(values.rounds ? ['--rounds', values.rounds] : []),
      ],
    },
  ];
  const specs = readdirSync(here, { recursive: true })
    .filter((path) => path.endsWith('.bench-spec.ts') && !path.includes('node_modules'))
    .sort()
    .map((path) => ({
      name: path.replace(/^.*\//, '').replace('.bench-spec.ts', ''),
      about: `test/bench/${path}`,
      script: join(root, 'node_modules/jest/bin/jest.js'),
      execArgv: ['--disable-warning=ExperimentalWarning', '--experimental-vm-modules'],
      arguments: ['--runInBand', '--testMatch', `**/${path.replace(/^.*\//, '')}`],
    }));
  return [...flow, ...scripts, ...specs];
}

function choose(all) {
  if (values.only === undefined) {
    return values.quick
      ? all.filter(({ name }) => IN_QUICK_RUN.includes(name))
      : all.filter(({ name }) => name !== 'profile');
  }
  return values.only.split(',').map((name) => {
    const bench = all.find((one) => one.name === name);
    if (bench) return bench;
    process.stderr.write(`there is no bench "${name}"; --list shows their names\n`);
    return process.exit(2);
  });
}

function installPeers() {
  if (existsSync(join(here, 'peers/node_modules/better-auth'))) return;
  say('Installing the peers …');
  const npm = process.env.npm_execpath;
  const [command, ...first] = npm ? [process.execPath, npm] : ['npm'];
  const { status } = spawnSync(
    command,
    [...first, 'ci', '--ignore-scripts', '--prefix', join(here, 'peers')],
    { cwd: join(here, 'peers'), stdio: ['ignore', 'ignore', 'inherit'] },
  );
  if (status !== 0) {
    process.stderr.write('The peers could not be installed.\n');
    process.exit(1);
  }
}

async function run({ script, arguments: given, execArgv = [] }) {
  const child = fork(script, given, {
    cwd: root,
    execArgv,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, BENCH_RESULTS: folder, ...(values.quick ? { BENCH_QUICK: '1' } : {}) },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
      process.stderr.write(chunk);
    });
  }
  const tooLong = setTimeout(() => child.kill('SIGTERM'), LONGEST_MS);
  tooLong.unref();
  const interrupt = () => child.kill('SIGTERM');
  process.once('SIGTERM', interrupt);
  const [code] = await once(child, 'close');
  process.removeListener('SIGTERM', interrupt);
  return { code, output };
}

function write() {
  const all = {
    at,
    machine: { cores: availableParallelism(), node: process.version, platform: process.platform },
    arguments: process.argv.slice(2).join(' '),
    reports: reports(),
    logs,
  };
  writeFileSync(join(folder, 'results.json'), `${JSON.stringify(all, undefined, 2)}\n`);
  writeFileSync(join(folder, 'results.md'), markdownOf(all));
  writeFileSync(join(folder, 'results.svg'), svgOf(all));
}

function reports() {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json') && name !== 'results.json')
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
    .sort((one, other) => one.startedAt.localeCompare(other.startedAt));
}

function missedGoals() {
  return reports().flatMap(({ goals }) => goals.filter(({ met }) => !met));
}

function seconds(since) {
  return Math.round((Date.now() - since.getTime()) / 1_000);
}

function say(text) {
  process.stderr.write(`${text}\n`);
}
