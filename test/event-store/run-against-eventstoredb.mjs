#!/usr/bin/env node
/**
 * Runs the event store contract against the real server in a container of its own.
 *
 * EVENTSTORE_IMAGE   image to run; eventstore/eventstore:24.10.14 when not set
 *
 * Exit code: that of the test run; 2 where there is no docker, 1 where the server does not get ready.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const IMAGE = process.env.EVENTSTORE_IMAGE || 'eventstore/eventstore:24.10.14';
const READY_DEADLINE_MS = 90_000;
const SERVER_PORT = 2113;
const root = fileURLToPath(new URL('../../', import.meta.url));

const composeFile = {
  services: {
    eventstore: {
      image: IMAGE,
      environment: {
        EVENTSTORE_INSECURE: 'true',
        EVENTSTORE_MEM_DB: 'true',
        EVENTSTORE_RUN_PROJECTIONS: 'None',
        EVENTSTORE_TELEMETRY_OPTOUT: 'true',
      },
      ports: [`127.0.0.1::${SERVER_PORT}`],
    },
  },
};

process.exitCode = await main();

async function main() {
  const docker = findCompose();
  if (!docker) {
    process.stderr.write(
      'npm run test:eventstoredb needs docker compose and a running docker engine, and found none.\n' +
        'To run the contract against a server that runs elsewhere, set EVENTSTORE_URL, for example\n' +
        '  EVENTSTORE_URL="esdb://localhost:2113?tls=false" npm run test:jest -- libs/event-store\n',
    );
    return 2;
  }
  const folder = mkdtempSync(join(tmpdir(), 'eventstoredb-'));
  const file = join(folder, 'docker-compose.json');
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(composeFile));
  const compose = (...parameters) => [
    ...docker,
    '-p',
    `eventstoredb-contract-${process.pid}`,
    '-f',
    file,
    ...parameters,
  ];
  const stopping = new globalThis.AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stopping.abort());
  try {
    if ((await run(compose('up', '-d'), stopping.signal)) !== 0) return 1;
    const url = await readyServer(compose, stopping.signal);
    if (!url) {
      await run(compose('logs', '--no-color', '--tail=50'));
      return 1;
    }
    process.stdout.write(`${IMAGE} is ready; running the event store contract against it\n`);
    return await run(
      [
        process.execPath,
        '--disable-warning=ExperimentalWarning',
        '--experimental-vm-modules',
        'node_modules/jest/bin/jest.js',
        'libs/event-store/src/eventstoredb-event-store.int-spec.ts',
      ],
      stopping.signal,
      { EVENTSTORE_URL: url },
    );
  } finally {
    await run(compose('down', '-v'));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The compose command of this machine, when its engine answers. */
function findCompose() {
  const answers = (command, ...parameters) =>
    spawnSync(command, parameters, { stdio: 'ignore' }).status === 0;
  if (!answers('docker', 'info')) return undefined;
  if (answers('docker', 'compose', 'version')) return ['docker', 'compose'];
  return answers('docker-compose', 'version') ? ['docker-compose'] : undefined;
}

/** Where the server listens, once it says that it is alive; undefined when the deadline has passed. */
async function readyServer(compose, signal) {
  const deadline = Date.now() + READY_DEADLINE_MS;
  while (Date.now() < deadline && !signal.aborted) {
    const [command, ...parameters] = compose('port', 'eventstore', String(SERVER_PORT));
    const { stdout } = spawnSync(command, parameters, { encoding: 'utf8' });
    const address = stdout?.trim();
    if (address && (await isAlive(address))) return `esdb://${address}?tls=false`;
    await pause(500);
  }
  process.stderr.write(`${IMAGE} was not ready within ${READY_DEADLINE_MS / 1_000} s\n`);
  return undefined;
}

async function isAlive(address) {
  try {
    const answer = await fetch(`http://${address}/health/live`);
    return answer.ok;
  } catch (error) {
    // No server answers yet; anything else is a fault of this script.
    if (error instanceof TypeError) return false;
    throw error;
  }
}

/** Exit code of a command that shares our terminal. */
function run([command, ...parameters], signal, environment = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, parameters, {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ...environment },
    });
    signal?.addEventListener('abort', () => child.kill('SIGTERM'));
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
