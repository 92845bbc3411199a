/** Processes of the built product, and what the operating system says about them. */
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';

export const root = join(import.meta.dirname, '../../..');
/** The build: `npm run build` makes it. */
export const build = join(root, 'dist');

const READY_DEADLINE_MS = 180_000;
const STOP_DEADLINE_MS = 20_000;
const CLOCK_TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/**
 * Starts a script of the build and waits for its ready message.
 *
 * @param {string} script below `dist`
 * @param {Readonly<Record<string, string>>} environment nothing else of ours reaches it
 * @returns pid, endpoints, milliseconds from the start to the message, and how to stop it
 * @throws Error with what it printed when it ends or stays silent instead
 */
export async function startProcess(script, environment) {
  const startedAt = performance.now();
  const child = fork(join(build, script), [], {
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...fromOurs('PATH', 'HOME', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot'),
      NODE_ENV: 'test',
      LOG_FORMAT: 'json',
      LOG_LEVEL: 'warn',
      ...environment,
    },
  });
  const printed = [];
  child.stdout.on('data', (chunk) => printed.push(chunk));
  child.stderr.on('data', (chunk) => printed.push(chunk));
  const ended = once(child, 'close');
  const endpoints = await new Promise((resolve, reject) => {
    const fault = (what) =>
      reject(new Error(`${script} ${what}. It printed:\n${Buffer.concat(printed)}`));
    const deadline = setTimeout(() => {
      child.kill('SIGKILL');
      fault(`was not ready within ${READY_DEADLINE_MS} ms`);
    }, READY_DEADLINE_MS);
    child.on('message', (message) => {
      if (message.kind !== 'ready') return;
      clearTimeout(deadline);
      resolve(message.endpoints);
    });
    void ended.then(([code, signal]) => {
      clearTimeout(deadline);
      fault(`ended with ${signal ?? code}`);
    }, reject);
  });
  return {
    pid: child.pid,
    endpoints,
    startMs: performance.now() - startedAt,
    output: () => Buffer.concat(printed).toString(),
    stop: async () => {
      const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
      child.kill('SIGTERM');
      await ended;
      clearTimeout(deadline);
    },
  };
}

function fromOurs(...names) {
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
  );
}

const MEBIBYTE = 2 ** 20;

/** Resident memory of a process in MiB: now, and at its highest since its start. */
export function memoryOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kibibytes = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  return {
    now: (kibibytes('VmRSS') * 1_024) / MEBIBYTE,
    highest: (kibibytes('VmHWM') * 1_024) / MEBIBYTE,
  };
}

/** From now on the highest resident memory is counted anew. */
export function forgetHighestMemory(pid) {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** Processor time that a process has used so far, in milliseconds. */
export function processorMsOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field, the program's name, may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / CLOCK_TICKS_PER_SECOND;
}

/** The same for a process and all its descendants that live: PostgreSQL has one for each connection. */
export function processorMsOfTree(pid) {
  return [pid, ...descendantsOf(pid)].reduce((sum, one) => sum + processorMsOf(one), 0);
}

function descendantsOf(pid) {
  const children = new Map();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const parent = parentOf(name);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [];
  for (let waiting = [pid]; waiting.length > 0;) {
    waiting = waiting.flatMap((one) => children.get(one) ?? []);
    found.push(...waiting);
  }
  return found;
}

function parentOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch (error) {
    // It ended while we looked.
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return undefined;
    throw error;
  }
}
