import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { alternating, within } from '../measures.mjs';
import { root } from '../processes.mjs';
import { residentMbOf } from '../process-times.mjs';

const DEADLINE_MS = 60_000;
const EVENTS_PER_APPEND = 500;
const APPENDERS = 8;

/** From `npm start` to "Ready", with nothing there and with what the last start has left. */
export async function startUp(context, report) {
  const { stage, quick, rounds, progress } = context;
  const starts = quick ? 1 : Math.min(rounds, 5);
  let folder;
  const measured = await alternating(
    1,
    {
      starts: async () => {
        const results = [];
        for (let round = 0; round < starts; round += 1) {
          progress(`npm start: round ${round + 1} of ${starts}`);
          folder = join(stage.folder, `npm-start-${round}`);
          const first = await startAndStop(folder);
          results.push({ first, later: await startAndStop(folder) });
        }
        return results;
      },
    },
    () => undefined,
  );
  const [results] = measured.starts;
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
  if (!quick) await eventStoreMemory(context, report, 1_000_000);
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
  process.kill(-child.pid, 'SIGINT');
  await within(DEADLINE_MS, 'stopping', exited);
  return readyAfterMs;
}

/** Of the development event store, with a log as large as nobody has at their desk. */
async function eventStoreMemory({ stage, progress }, report, events) {
  const script = join(root, 'dist/apps/dev-event-store/src/main.js');
  const environment = {
    EVENTSTORE_PORT: '0',
    EVENTSTORE_DATA_DIR: join(stage.folder, 'large-eventstore'),
    LOG_LEVEL: 'error',
  };
  progress(`filling a development event store with ${events} events`);
  const store = await stage.start('large-eventstore', script, environment);
  const client = EventStoreDBClient.connectionString(store.endpoints.eventstore);
  let appended = 0;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: APPENDERS }, async () => {
      while (appended < events) {
        appended += EVENTS_PER_APPEND;
        const batch = Array.from({ length: EVENTS_PER_APPEND }, (_, n) =>
          jsonEvent({ type: 'Measured', data: { n, padding: 'x'.repeat(200) } }),
        );
        await client.appendToStream(`filled-${randomUUID()}`, batch, {
          credentials: { username: 'any', password: 'any' },
        });
      }
    }),
  );
  report.figure({
    name: `appends of ${EVENTS_PER_APPEND} events, events`,
    unit: '1/s',
    rounds: [events / ((performance.now() - startedAt) / 1_000)],
  });
  await client.dispose();
  const memory = (name) => residentMbOf([{ name, pid: store.pid }])[name];
  const figure = report.figure({
    name: 'memory of the development event store after appending 1,000,000 events',
    unit: 'MB',
    rounds: [memory('store')],
  });
  report.goal({
    id: 'P9',
    text: 'memory of the development event store at 1,000,000 events',
    measured: figure.median,
    unit: 'MB',
    atMost: 400,
  });
  await stage.stop(store);
}
