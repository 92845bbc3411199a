#!/usr/bin/env node
/**
 * Runs the tests that any event store must pass on another one than the development store: the contract of the port,
 * the e2e tests and the kill schedules. Each test file has servers of its own.
 *
 *   npm run test:eventstoredb                          everything
 *   npm run test:eventstoredb -- contract e2e          these parts: contract, e2e, kills
 *   npm run test:eventstoredb -- contract -t append    other arguments go to jest
 *   npm run test:versions                              what versions differ in, on the development store as each of them
 *
 * TEST_EVENTSTORE_COMMAND   command line of a server, with {port} and {folder}; see test/support/event-store.ts
 * TEST_EVENTSTORE_IMAGE     image to run with docker otherwise; eventstore/eventstore:24.10.14 when not set
 *
 * Exit code: that of the test run; 2 where there is neither a command nor docker.
 */
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { buildIfNeeded } from '../../apps/local/build-if-needed.mjs';
import { ON_DEVELOPMENT_STORE, ON_VERSIONS, SUITES, VERSIONS } from './suites.mjs';

const DEFAULT_IMAGE = 'eventstore/eventstore:24.10.14';
const root = fileURLToPath(new URL('../../', import.meta.url));
const { TEST_EVENTSTORE_COMMAND: command } = process.env;
const image = process.env.TEST_EVENTSTORE_IMAGE || DEFAULT_IMAGE;

const [first, ...rest] = process.argv.slice(2);
process.exitCode = await (first === '--versions' ? onVersions(rest) : main(process.argv.slice(2)));

async function onVersions(forJest) {
  buildIfNeeded();
  let exitCode = 0;
  for (const version of VERSIONS) {
    process.stdout.write(`Development event store as ${version}\n`);
    const environment = { TEST_EVENTSTORE_BEHAVES_LIKE: version };
    exitCode ||= await run(ON_VERSIONS, forJest, environment);
  }
  return exitCode;
}

async function main(parameters) {
  const parts = parameters.filter((parameter) => parameter in SUITES);
  const forJest = parameters.filter((parameter) => !(parameter in SUITES));
  if (!command && spawnSync('docker', ['info'], { stdio: 'ignore' }).status !== 0) {
    process.stderr.write(
      'npm run test:eventstoredb needs a running docker engine, and found none, or a server of yours, for example\n' +
        '  TEST_EVENTSTORE_COMMAND="/opt/eventstore/eventstored --insecure --node-port {port} --db {folder}/db --log {folder}/log"\n' +
        'To run the contract alone against a server that runs elsewhere, set EVENTSTORE_URL, for example\n' +
        '  EVENTSTORE_URL="esdb://localhost:2113?tls=false" npm run test:jest -- libs/event-store\n',
    );
    return 2;
  }
  buildIfNeeded();
  const files = (parts.length === 0 ? Object.keys(SUITES) : parts).flatMap((part) => SUITES[part]);
  const others = Object.entries(ON_DEVELOPMENT_STORE);
  process.stdout.write(
    `Event store: ${command ?? image}\n` +
      `Test files: ${files.length}. ${others.length} files of e2e tests belong to the development event store ` +
      `and are run by npm test:\n${others.map(([file, need]) => `  ${file} needs ${need}\n`).join('')}`,
  );
  return run(files, forJest, command ? {} : { TEST_EVENTSTORE_IMAGE: image });
}

/** Exit code of jest, which shares our terminal. */
function run(files, forJest, environment) {
  return new Promise((resolve, reject) => {
    const parameters = [
      ...['--disable-warning=ExperimentalWarning', '--experimental-vm-modules'],
      'node_modules/jest/bin/jest.js',
      '--testMatch',
      ...['int', 'e2e', 'long'].map((kind) => `**/*.${kind}-spec.ts`),
      ...forJest,
      '--runTestsByPath',
      ...files,
    ];
    const env = { ...process.env, ...environment };
    const child = spawn(process.execPath, parameters, { cwd: root, stdio: 'inherit', env });
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => child.kill(signal));
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
