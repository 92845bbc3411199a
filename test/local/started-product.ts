import { afterAll, beforeAll } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AppProcess, Environment, Exit } from '../support/process.js';
import { repositoryRoot, startApp } from '../support/process.js';
import { temporaryFolder } from '../support/run-folder.js';

export const LAUNCHER = join(repositoryRoot, 'dist/apps/local/src/launcher/main.js');
/** Ctrl-C ends everything within this time. */
export const STOP_DEADLINE_MS = 5_000;
export const EMAIL = 'grace@example.org';
export const PASSWORD = 'never to be seen on a console';

const FREE_PORTS = {
  API_PORT: '0',
  ADMIN_PORT: '0',
  MAILBOX_PORT: '0',
  SIGN_UP_PORT: '0',
  EVENTSTORE_PORT: '0',
  POSTGRES_PORT: '0',
};

interface Endpoints {
  readonly signUp?: string;
  readonly api: string;
  readonly mailbox: string;
  readonly eventstore: string;
  readonly database: string;
}

/** What `npm start` runs on one data folder, from its first start to its last. */
export class StartedProduct {
  readonly dataDir = temporaryFolder('Prüfung (launcher) ');
  readonly environment: Environment = { ...FREE_PORTS, DATA_DIR: this.dataDir, BCRYPT_COST: '4' };
  private readonly started: AppProcess[] = [];

  /** Started once before the tests of a suite; what still runs stops after them. */
  static forThisSuite(changes: Environment = {}): StartedProduct {
    const product = new StartedProduct();
    beforeAll(() => product.start(changes));
    afterAll(() => Promise.all(product.started.map((process) => endsWith(process, 'SIGTERM'))));
    return product;
  }

  async start(changes: Environment = {}): Promise<void> {
    this.started.push(await startApp('local/src/launcher', { ...this.environment, ...changes }));
  }

  /** The launcher that was started last. */
  get launcher(): AppProcess {
    const last = this.started.at(-1);
    if (!last) throw new Error('the launcher was not started');
    return last;
  }

  endpoints(): Endpoints {
    return JSON.parse(readFileSync(join(this.dataDir, 'endpoints.json'), 'utf8')) as Endpoints;
  }

  /** Pids of all that the launcher runs, by name. */
  processes(): Map<string, number> {
    const run = JSON.parse(readFileSync(join(this.dataDir, 'launcher.json'), 'utf8')) as {
      processes: { name: string; pid: number }[];
    };
    const postmaster = readFileSync(join(this.dataDir, 'postgres', 'postmaster.pid'), 'utf8');
    return new Map([
      ...run.processes.map(({ name, pid }) => [name, pid] as const),
      ['postgres', Number(postmaster.split('\n')[0])] as const,
    ]);
  }

  async register(email = EMAIL): Promise<number> {
    const answer = await fetch(`${this.endpoints().api}/v1/accounts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password: PASSWORD }),
    });
    return answer.status;
  }

  async account(): Promise<unknown> {
    const credentials = Buffer.from(`${EMAIL}:${PASSWORD}`).toString('base64');
    const answer = await fetch(`${this.endpoints().api}/v1/account`, {
      headers: { authorization: `Basic ${credentials}` },
    });
    return answer.json();
  }

  async codesFor(email: string): Promise<string[]> {
    const answer = await fetch(
      `${this.endpoints().mailbox}/emails?to=${encodeURIComponent(email)}`,
    );
    const { data } = (await answer.json()) as { data: { text: string }[] };
    return data.map(({ text }) => /\b\d{4}\b/.exec(text)?.[0] ?? 'no code');
  }
}

export async function endsWith(started: AppProcess, signal: NodeJS.Signals): Promise<Exit> {
  if (isAlive(started.pid)) process.kill(started.pid, signal);
  return started.exited;
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}
