import type { AppProcess, Environment, Exit } from './process.js';
import { startApp } from './process.js';

/** A process of the product that a test can kill and bring back at the same address. */
export interface RestartableApp {
  /** Pid of the running (or last) process. */
  readonly pid: number;
  /** What the last ready message said. */
  readonly endpoints: Readonly<Record<string, string>>;
  /** How the running (or last) process ended. */
  readonly exited: Promise<Exit>;
  /** One of its endpoints. @throws Error when it has none of that name */
  url(name: string): string;
  /** Everything printed so far, by all its processes. */
  output(): string;
  /** SIGKILL, without a chance to write anything down. */
  kill(): Promise<void>;
  /** Starts it again, stopping it first where it runs. */
  restart(): Promise<void>;
  /** SIGTERM; rejects when it does not leave with exit code 0. Nothing where it does not run. */
  stop(): Promise<void>;
}

/**
 * @param app folder under apps/
 * @param environment its settings; `port(name)` is the port of the endpoint of that name in the life
 *   before, `'0'` at first
 */
export async function startRestartableApp(
  app: string,
  environment: (port: (endpoint: string) => string) => Environment,
): Promise<RestartableApp> {
  const lives: AppProcess[] = [];
  let last = await startApp(
    app,
    environment(() => '0'),
  );
  lives.push(last);
  let stopped = false;

  const stop = async () => {
    if (stopped) return;
    stopped = true;
    await last.stop();
  };
  const url = (name: string) => {
    const found = last.endpoints[name];
    if (!found) throw new Error(`${app} did not say where its "${name}" is`);
    return found;
  };
  return {
    get pid() {
      return last.pid;
    },
    get endpoints() {
      return last.endpoints;
    },
    get exited() {
      return last.exited;
    },
    url,
    output: () => lives.map((life) => life.output()).join(''),
    kill: async () => {
      stopped = true;
      await last.kill();
    },
    restart: async () => {
      await stop();
      last = await startApp(
        app,
        environment((name) => {
          const before = last.endpoints[name];
          return before ? new URL(before).port : '0';
        }),
      );
      lives.push(last);
      stopped = false;
    },
    stop,
  };
}
