import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Environment, ReadyMessage, StoppingMessage } from '@app/process';
import type { ConsoleOutput } from './console-output.js';
import { nodeFlags } from './node-flags.js';

export type Endpoints = Readonly<Record<string, string>>;

/** One life of one part, from its start to its end. */
export interface PartProcess {
  readonly pid: number | undefined;
  /** Where it can be reached, once it can do its work; rejects when it ends first. */
  readonly ready: Promise<Endpoints>;
  /** How it ended, for people. */
  readonly exited: Promise<string>;
  /**
   * Asks it to stop, and kills it when it has not done so in time: the time that it says it needs, or `graceMs` when it
   * says nothing.
   */
  stop(graceMs: number): Promise<void>;
  kill(): void;
}

export interface ProcessOptions {
  readonly name: string;
  /** Absolute path. */
  readonly script: string;
  readonly environment: Environment;
  readonly output: ConsoleOutput;
}

/** A process that could not stop in time ends itself, before it is killed. */
const LEAVING_MS = 1_000;
const READY_DEADLINE_MS = 20_000;
const NODE_FLAGS = nodeFlags();

/**
 * Starts a part as a process of Node's, in a process group of its own so that Ctrl-C does not reach it
 * before the launcher has decided on the order. It notices by its IPC channel when the launcher is gone.
 */
export function startPartProcess(options: ProcessOptions): PartProcess {
  const child = forkQuietly(options);
  const exited = exitOf(child);
  return {
    pid: child.pid,
    ready: readyMessageOf(child, exited, options),
    exited,
    stop: async (graceMs) => {
      const ended = exited.then(() => 'ended' as const);
      const needsMs = stoppingMessageOf(child);
      child.kill('SIGTERM');
      const first = await Promise.race([ended, needsMs, pause(graceMs)]);
      if (first === 'ended') return;
      const patienceMs = first === undefined ? graceMs : first + LEAVING_MS;
      if (first !== undefined && (await Promise.race([ended, pause(patienceMs)]))) return;
      options.output.sayAbout(options.name, `did not stop within ${patienceMs} ms: killed`);
      child.kill('SIGKILL');
      await exited;
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

/**
 * Runs a process that does one thing and ends.
 *
 * @param signal ends it early
 * @throws Error when it ends with anything but exit code 0
 */
export async function runToItsEnd(signal: AbortSignal, options: ProcessOptions): Promise<void> {
  const child = forkQuietly(options, signal);
  const end = await exitOf(child);
  if (child.exitCode !== 0) throw new Error(startFault(options, end));
}

function forkQuietly(
  { name, script, environment, output }: ProcessOptions,
  signal?: AbortSignal,
): ChildProcess {
  const child = fork(script, {
    env: environment as NodeJS.ProcessEnv,
    execArgv: [...NODE_FLAGS],
    ...(signal ? { signal } : {}),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  if (child.stdout && child.stderr) output.relay(name, child.stdout, child.stderr);
  return child;
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}

function readyMessageOf(
  child: ChildProcess,
  exited: Promise<string>,
  options: ProcessOptions,
): Promise<Endpoints> {
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(startFault(options, `nothing within ${READY_DEADLINE_MS} ms`)));
    }, READY_DEADLINE_MS);
    child.on('message', (message) => {
      if ((message as Partial<ReadyMessage>).kind !== 'ready') return;
      clearTimeout(deadline);
      resolve((message as ReadyMessage).endpoints);
    });
    void exited.then((end) => {
      clearTimeout(deadline);
      reject(new Error(startFault(options, end)));
    });
  });
}

/** How long it says that it needs to stop, in milliseconds. */
function stoppingMessageOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.on('message', (message) => {
      const { kind, withinMs = 0 } = message as Partial<StoppingMessage>;
      if (kind === 'stopping') resolve(withinMs);
    });
  });
}

function pause(ms: number): Promise<undefined> {
  return delay(ms, undefined, { ref: false });
}

function startFault({ name, output }: ProcessOptions, end: string): string {
  return `${name} could not start (${end}); its log is ${output.logFile(name)}`;
}
