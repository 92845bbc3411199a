import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ReadyMessage } from '@app/process';

export type Environment = Readonly<Record<string, string>>;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One process of the product under test. */
export interface AppProcess {
  readonly pid: number;
  /** What its ready message said. */
  readonly endpoints: Readonly<Record<string, string>>;
  readonly exited: Promise<Exit>;
  /** Everything it has printed so far, both streams. */
  output(): string;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves when it is gone, rejects when it did not leave with exit code 0. */
  stop(): Promise<void>;
}

const READY_DEADLINE_MS = 30_000;

export const repositoryRoot = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Starts `dist/apps/<app>/main.js` and waits for its ready message.
 *
 * The process sees the given settings and nothing of the developer's own environment, so that a test
 * does the same on every machine.
 *
 * @throws Error with all it printed, when it ends or stays silent instead of getting ready
 */
export function startApp(app: string, environment: Environment = {}): Promise<AppProcess> {
  return startScript(join(repositoryRoot, 'dist/apps', app, 'main.js'), environment);
}

/** The same for any script that sends a ready message. */
export async function startScript(
  script: string,
  environment: Environment = {},
): Promise<AppProcess> {
  const child = forkScript(script, environment);
  const started = new StartedProcess(child);
  const endpoints = await started.ready(script);
  return {
    pid: started.pid,
    endpoints,
    exited: started.exited,
    output: () => started.output(),
    kill: () => started.kill(),
    stop: () => started.stop(script),
  };
}

/**
 * Runs a script that is expected to end by itself, and gives its exit and all it printed.
 *
 * @param meanwhile called as soon as it has printed something
 */
export async function runScript(
  script: string,
  environment: Environment = {},
  meanwhile: (pid: number) => void = () => undefined,
): Promise<Exit & { readonly output: string }> {
  const child = forkScript(script, environment);
  const started = new StartedProcess(child);
  child.stdout?.once('data', () => meanwhile(started.pid));
  const exit = await started.exited;
  return { ...exit, output: started.output() };
}

function forkScript(script: string, environment: Environment): ChildProcess {
  if (!existsSync(script)) {
    throw new Error(`${script} does not exist: run "npm run build" before the tests`);
  }
  return fork(script, {
    cwd: repositoryRoot,
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...systemEnvironment(), NODE_ENV: 'test', LOG_FORMAT: 'json', ...environment },
  });
}

function systemEnvironment(): NodeJS.ProcessEnv {
  const names = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot'];
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}

class StartedProcess {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  private readonly printed: string[] = [];

  constructor(private readonly child: ChildProcess) {
    if (child.pid === undefined) throw new Error('the process could not be started');
    this.pid = child.pid;
    const keep = (chunk: Buffer) => this.printed.push(chunk.toString());
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    // "close" comes after "exit", when its output has been read to the end.
    this.exited = new Promise((done) =>
      child.once('close', (code, signal) => done({ code, signal })),
    );
  }

  output(): string {
    return this.printed.join('');
  }

  async ready(script: string): Promise<ReadyMessage['endpoints']> {
    const fault = (what: string) => new Error(`${script} ${what}. It printed:\n${this.output()}`);
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => {
        this.child.kill('SIGKILL');
        reject(fault(`was not ready within ${READY_DEADLINE_MS} ms`));
      }, READY_DEADLINE_MS);
      this.child.on('message', (message) => {
        if ((message as Partial<ReadyMessage>).kind !== 'ready') return;
        clearTimeout(deadline);
        resolve((message as ReadyMessage).endpoints);
      });
      void this.exited.then(({ code, signal }) => {
        clearTimeout(deadline);
        reject(fault(`ended with ${signal ?? `exit code ${code}`} before it was ready`));
      });
    });
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  async stop(script: string): Promise<void> {
    this.child.kill('SIGTERM');
    const { code, signal } = await this.exited;
    if (code !== 0) {
      throw new Error(
        `${script} stopped with ${signal ?? `exit code ${code}`}. It printed:\n${this.output()}`,
      );
    }
  }
}
