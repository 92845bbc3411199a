import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import type { AppProcess, Environment, Exit } from '../support/process.js';
import { repositoryRoot, runScript, startApp } from '../support/process.js';
import { temporaryFolder } from '../support/run-folder.js';

const LAUNCHER = join(repositoryRoot, 'dist/apps/local/src/launcher/main.js');
const DEMO = join(repositoryRoot, 'dist/apps/local/src/demo/main.js');
const STOP_DEADLINE_MS = 5_000;

const FREE_PORTS = {
  API_PORT: '0',
  ADMIN_PORT: '0',
  MAILBOX_PORT: '0',
  EVENTSTORE_PORT: '0',
  POSTGRES_PORT: '0',
};
const EMAIL = 'grace@example.org';
const PASSWORD = 'never to be seen on a console';

interface Endpoints {
  readonly api: string;
  readonly mailbox: string;
  readonly eventstore: string;
  readonly database: string;
}

/** One data folder, from its first start to its last. */
describe('npm start', () => {
  let dataDir: string;
  let environment: Environment;
  let launcher: AppProcess;
  const alive: AppProcess[] = [];

  async function start(changes: Environment = {}): Promise<AppProcess> {
    const started = await startApp('local/src/launcher', { ...environment, ...changes });
    alive.push(started);
    return started;
  }

  beforeAll(async () => {
    dataDir = temporaryFolder('Prüfung (launcher) ');
    environment = { ...FREE_PORTS, DATA_DIR: dataDir, BCRYPT_COST: '4' };
    launcher = await start();
  });
  afterAll(async () => {
    await Promise.all(alive.map((started) => endsWith(started, 'SIGTERM')));
  });

  it('ends its start with a block that a newcomer can follow', () => {
    const { api, mailbox } = endpoints();
    expect(launcher.output()).toMatch(/Ready after \d/);
    expect(launcher.output()).toContain(`curl -i ${api}/v1/accounts`);
    expect(launcher.output()).toContain(`curl -s '${mailbox}/emails?to=`);
    expect(launcher.output()).toContain('Ctrl-C');
  });

  it('names every endpoint in a file that only its own user can read', () => {
    expect(launcher.endpoints).toEqual(endpoints());
    expect(endpoints()).toMatchObject({
      api: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      mailbox: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      eventstore: expect.stringMatching(/^esdb:\/\/127\.0\.0\.1:\d+\?tls=false$/),
      database: expect.stringMatching(/^postgres:\/\/.+@127\.0\.0\.1:\d+\/accounts$/),
    });
    expect(statSync(join(dataDir, 'endpoints.json')).mode & 0o777).toBe(0o600);
  });

  it('runs a product in which a registration gets its code', async () => {
    expect(await register()).toBe(202);
    await eventually(async () => expect(await codesFor(EMAIL)).toHaveLength(1));
    expect(await account()).toMatchObject({ email: EMAIL, status: 'pending' });
  });

  it('shows the code of each message, and nothing of a password', async () => {
    const [code] = await codesFor(EMAIL);
    await eventually(() =>
      expect(launcher.output()).toMatch(new RegExp(`mailbox +\\| code ${code} for ${EMAIL}`)),
    );
    expect(launcher.output()).not.toContain(PASSWORD);
  });

  it('refuses a second start on the same data', async () => {
    const second = await runScript(LAUNCHER, environment);
    expect(second.code).toBe(1);
    expect(second.output).toContain(`already running on ${dataDir} (pid ${launcher.pid})`);
    expect(second.output).toContain('endpoints.json');
    expect(await account()).toMatchObject({ email: EMAIL });
  });

  it('names every setting whose port is taken', async () => {
    const [api, mailbox] = [endpoints().api, endpoints().mailbox].map((url) => new URL(url).port);
    const elsewhere = temporaryFolder('taken-port');
    const { code, output } = await runScript(LAUNCHER, {
      ...environment,
      DATA_DIR: elsewhere,
      API_PORT: api ?? '',
      MAILBOX_PORT: mailbox ?? '',
    });
    expect(code).toBe(78);
    expect(output).toContain(`API_PORT: port ${api} is taken`);
    expect(output).toContain(`MAILBOX_PORT: port ${mailbox} is taken`);
    expect(existsSync(join(elsewhere, 'launcher.json'))).toBe(false);
  });

  it('names the setting when the port of PostgreSQL is taken, and leaves nothing behind', async () => {
    const elsewhere = temporaryFolder('taken-postgres-port');
    const { port } = new URL(endpoints().database);
    const { code, output } = await runScript(LAUNCHER, {
      ...environment,
      DATA_DIR: elsewhere,
      POSTGRES_PORT: port,
    });
    expect(code).not.toBe(0);
    expect(output).toContain(`Port ${port} for PostgreSQL is taken`);
    expect(output).toContain('POSTGRES_PORT');
    expect(existsSync(join(elsewhere, 'launcher.json'))).toBe(false);
    expect(existsSync(join(elsewhere, 'postgres', 'postmaster.pid'))).toBe(false);
  });

  it('is what the demo uses when it runs', async () => {
    const { code, output } = await runScript(DEMO, environment);
    expect(output).toContain(`Using the running product at ${endpoints().api}`);
    expect(output).toContain('Everything went as it should.');
    expect(code).toBe(0);
    expect(await account()).toMatchObject({ email: EMAIL });
  });

  it.each(['eventstore', 'mailbox', 'api', 'worker', 'admin', 'postgres'])(
    'brings back %s at the same place when it is killed',
    async (name) => {
      const before = endpoints();
      const pid = processes().get(name) ?? 0;
      process.kill(pid, 'SIGKILL');
      await eventually(
        () => {
          expect(launcher.output()).toMatch(
            new RegExp(`${name} +\\| ended by itself[^]*${name} +\\| is back`),
          );
          expect(processes().get(name)).not.toBe(pid);
        },
        { within: 15_000 },
      );
      expect(endpoints()).toEqual(before);
      await eventually(async () => expect(await account()).toMatchObject({ email: EMAIL }), {
        within: 10_000,
      });
    },
  );

  it('still does its work after all that', async () => {
    expect(await register('after.crashes@example.org')).toBe(202);
    await eventually(
      async () => expect(await codesFor('after.crashes@example.org')).toHaveLength(1),
      { within: 10_000 },
    );
  });

  it('leaves no process within 5 s of Ctrl-C', async () => {
    const pids = [...processes().values()];
    expect(pids).toHaveLength(6);
    const askedAt = Date.now();
    expect(await endsWith(launcher, 'SIGINT')).toEqual({ code: 0, signal: null });
    expect(Date.now() - askedAt).toBeLessThan(STOP_DEADLINE_MS);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(launcher.output()).toMatch(/Stopped after \d+ ms/);
    expect(existsSync(join(dataDir, 'endpoints.json'))).toBe(false);
    expect(existsSync(join(dataDir, 'launcher.json'))).toBe(false);
  });

  it('goes on with the same data at the next start', async () => {
    launcher = await start();
    expect(await account()).toMatchObject({ email: EMAIL, status: 'pending' });
    expect(await codesFor(EMAIL)).toHaveLength(1);
  });

  it('starts at once after kill -9, with the same data and nothing left of the run before', async () => {
    const pids = [...processes().values()];
    const { api } = endpoints();
    await launcher.kill();
    launcher = await start({ API_PORT: new URL(api).port });
    expect(endpoints().api).toBe(api);
    expect(await account()).toMatchObject({ email: EMAIL });
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('answers on while the terminal has stopped it (Ctrl-Z), however much there is to log', async () => {
    await launcher.stop();
    launcher = await start({ LOG_LEVEL: 'debug' });
    const { api } = endpoints();
    process.kill(launcher.pid, 'SIGSTOP');
    try {
      for (let calls = 0; calls < 2_000; calls += 100) {
        const answers = Array.from({ length: 100 }, () =>
          fetch(`${api}/nothing`, { signal: AbortSignal.timeout(10_000) }),
        );
        for (const { status } of await Promise.all(answers)) expect(status).toBe(404);
      }
    } finally {
      process.kill(launcher.pid, 'SIGCONT');
    }
    expect(await account()).toMatchObject({ email: EMAIL });
  });

  it('stops on a signal before everything has started', async () => {
    await launcher.stop();
    const early = runScript(LAUNCHER, environment, (pid) => process.kill(pid, 'SIGINT'));
    await expect(early).resolves.toMatchObject({ code: 0 });
    expect(existsSync(join(dataDir, 'launcher.json'))).toBe(false);
  });

  it('is gone within 5 s of Ctrl-C even when every part hangs', async () => {
    launcher = await start();
    const pids = [...processes().values()];
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    const askedAt = Date.now();
    await endsWith(launcher, 'SIGINT');
    expect(Date.now() - askedAt).toBeLessThan(STOP_DEADLINE_MS);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('is gone at once at the second Ctrl-C', async () => {
    launcher = await start();
    const pids = [...processes().values()];
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    process.kill(launcher.pid, 'SIGINT');
    const insist = setInterval(() => process.kill(launcher.pid, 'SIGINT'), 100);
    const { code } = await launcher.exited.finally(() => clearInterval(insist));
    expect(code).toBe(130);
    await eventually(() => expect(pids.filter(isAlive)).toEqual([]));
    expect(existsSync(join(dataDir, 'launcher.json'))).toBe(false);
  });

  it('recovers from that with all data', async () => {
    launcher = await start();
    expect(await account()).toMatchObject({ email: EMAIL });
    expect(await codesFor(EMAIL)).toHaveLength(1);
  });

  function endpoints(): Endpoints {
    return JSON.parse(readFileSync(join(dataDir, 'endpoints.json'), 'utf8')) as Endpoints;
  }

  /** Pids of all that the launcher runs, by name. */
  function processes(): Map<string, number> {
    const run = JSON.parse(readFileSync(join(dataDir, 'launcher.json'), 'utf8')) as {
      processes: { name: string; pid: number }[];
    };
    const postmaster = readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8');
    return new Map([
      ...run.processes.map(({ name, pid }) => [name, pid] as const),
      ['postgres', Number(postmaster.split('\n')[0])] as const,
    ]);
  }

  async function register(email = EMAIL): Promise<number> {
    const answer = await fetch(`${endpoints().api}/v1/accounts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password: PASSWORD }),
    });
    return answer.status;
  }

  async function account(): Promise<unknown> {
    const credentials = Buffer.from(`${EMAIL}:${PASSWORD}`).toString('base64');
    const answer = await fetch(`${endpoints().api}/v1/account`, {
      headers: { authorization: `Basic ${credentials}` },
    });
    return answer.json();
  }

  async function codesFor(email: string): Promise<string[]> {
    const answer = await fetch(`${endpoints().mailbox}/emails?to=${encodeURIComponent(email)}`);
    const { data } = (await answer.json()) as { data: { text: string }[] };
    return data.map(({ text }) => /\b\d{4}\b/.exec(text)?.[0] ?? 'no code');
  }
});

async function endsWith(started: AppProcess, signal: NodeJS.Signals): Promise<Exit> {
  if (isAlive(started.pid)) process.kill(started.pid, signal);
  return started.exited;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}
