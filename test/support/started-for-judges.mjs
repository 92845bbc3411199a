/** What the proofs with packages of their own share: those packages, and a product that `npm start` runs for them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const START_DEADLINE_MS = 60_000;
const FREE_PORTS = ['API', 'ADMIN', 'MAILBOX', 'SIGN_UP', 'EVENTSTORE', 'POSTGRES'];
const LAUNCHER = join(import.meta.dirname, '../../apps/local/launcher.mjs');

/** @returns the exit code, and what the program printed to pipes, or why it could not be started */
export function runProgram(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    const chunks = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => chunks.push(chunk));
    }
    child.on('error', (error) => resolve({ code: 1, output: String(error) }));
    child.on('close', (code) => resolve({ code, output: Buffer.concat(chunks).toString() }));
  });
}

/** Runs a program of the packages of a folder, as `runProgram` does. */
export function runTool(folder, name, args, options) {
  return runProgram(join(folder, 'node_modules/.bin', name), args, options);
}

/** The npm that runs us, which may not be the first one on the path. */
export function runNpm(args, options) {
  const running = process.env.npm_execpath;
  return running
    ? spawn(process.execPath, [running, ...args], options)
    : spawn('npm', args, options);
}

/** No script of theirs has to run: they are plain JavaScript. @returns whether they are there */
export async function installPackages(folder) {
  const args = ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--prefix', folder];
  const [code] = await once(runNpm(args, { stdio: 'inherit' }), 'exit');
  return code === 0;
}

/**
 * @param dataDir holds everything it keeps
 * @throws Error with its output when it does not start
 */
export async function startProduct(dataDir, environment) {
  const product = spawn(process.execPath, [LAUNCHER], {
    env: {
      ...process.env,
      ...Object.fromEntries(FREE_PORTS.map((name) => [`${name}_PORT`, '0'])),
      DATA_DIR: dataDir,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  product.stdout.on('data', (chunk) => (output += chunk));
  const stop = async () => {
    if (product.exitCode !== null) return;
    product.kill('SIGINT');
    await once(product, 'exit');
  };
  for (const began = Date.now(); !/^Ready after/m.test(output); await pause(50)) {
    if (product.exitCode === null && Date.now() - began <= START_DEADLINE_MS) continue;
    await stop();
    throw new Error(`the product does not start:\n${output}`);
  }
  return {
    endpoints: () => JSON.parse(readFileSync(join(dataDir, 'endpoints.json'), 'utf8')),
    stop,
  };
}
