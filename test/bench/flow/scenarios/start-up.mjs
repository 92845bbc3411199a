import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { within } from '../measures.mjs';
import { root } from '../processes.mjs';

const DEADLINE_MS = 60_000;

/** From `npm start` to "Ready", with nothing there and with what the last start has left. */
export async function startUp(context, report) {
  const { stage, quick, rounds, progress } = context;
  const starts = quick ? 1 : Math.min(rounds, 5);
  const results = [];
  for (let round = 0; round < starts; round += 1) {
    progress(`npm start: round ${round + 1} of ${starts}`);
    const folder = join(stage.folder, `npm-start-${round}`);
    const first = await startAndStop(folder);
    results.push({ first, later: await startAndStop(folder) });
  }
  const figure = (name, key) =>
    report.figure({
      name: `npm start to ready, ${name}`,
      unit: 's',
      rounds: results.map((result) => result[key] / 1_000),
    });
  const first = figure('first', 'first');
  const later = figure('later', 'later');
  report.goal({
    id: 'P9',
    text: 'npm start to ready, first',
    measured: first.median,
    unit: 's',
    atMost: 15,
  });
  report.goal({
    id: 'P9',
    text: 'npm start to ready, later',
    measured: later.median,
    unit: 's',
    atMost: 4,
  });
}

async function startAndStop(dataDir) {
  const startedAt = performance.now();
  const running = process.env.npm_execpath;
  const [command, args] = running ? [process.execPath, [running, 'start']] : ['npm', ['start']];
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: {
      ...process.env,
      ...Object.fromEntries(
        ['API', 'ADMIN', 'MAILBOX', 'EVENTSTORE', 'POSTGRES'].map((part) => [`${part}_PORT`, '0']),
      ),
      DATA_DIR: dataDir,
    },
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  let output = '';
  const ready = new Promise((resolve, reject) => {
    const gather = (chunk) => {
      output += chunk;
      if (/^Ready after/m.test(output)) resolve();
    };
    child.stdout.on('data', gather);
    child.stderr.on('data', gather);
    void exited.then(() => reject(new Error(`npm start ended before it was ready:\n${output}`)));
  });
  await within(DEADLINE_MS, 'npm start', ready);
  const readyAfterMs = performance.now() - startedAt;
  // What Ctrl-C sends.
  process.kill(-Number(child.pid), 'SIGINT');
  await within(DEADLINE_MS, 'stopping', exited);
  return readyAfterMs;
}
