import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startDevEventStore } from './dev-event-store.js';
import { repositoryRoot } from './process.js';
import { temporaryFolder } from './run-folder.js';

/** What tests do with their event store, whichever it is. */
export interface TestEventStore {
  /** Connection string for the official client; the same after every restart. */
  readonly url: string;
  /** Everything printed so far, by all its processes. */
  output(): string;
  /** A folder with its files as they are now. */
  files(): Promise<string>;
  /** SIGKILL, without a chance to write anything down. */
  kill(): Promise<void>;
  /** SIGSTOP: its connections stay, and nothing is answered before `thaw`. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Starts it again on the same data and port, stopping it first where it runs. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * An event store of its own, empty, on a free port: the development store, or the server that
 * TEST_EVENTSTORE_COMMAND or TEST_EVENTSTORE_IMAGE names.
 *
 * TEST_EVENTSTORE_COMMAND is a command line that begins with a program, in which `{port}` and `{folder}` are
 * replaced. TEST_EVENTSTORE_IMAGE is an image for docker. Either is ready when `GET /health/live` says 204.
 */
export async function startEventStore(): Promise<TestEventStore> {
  const { TEST_EVENTSTORE_COMMAND: command, TEST_EVENTSTORE_IMAGE: image } = process.env;
  if (!command && !image) return startDevEventStore();
  const port = await freePort();
  const server = command ? new CommandServer(command, port) : new ImageServer(image!, port);
  const store = new ForeignEventStore(server, port);
  await store.restart();
  return store;
}

/** A server that is not ours, as a process or a container. */
interface ForeignServer {
  /** Starts it on the data that it left. */
  start(): Promise<void>;
  /** How it ended by itself; undefined while it runs. */
  readonly ending: string | undefined;
  signal(name: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): Promise<void>;
  /** Resolves when it has ended. */
  ended(): Promise<void>;
  output(): string;
  files(): Promise<string>;
  remove(): Promise<void>;
}

const READY_DEADLINE_MS = 90_000;
const STOP_DEADLINE_MS = 30_000;
const POLL_MS = 50;

class ForeignEventStore implements TestEventStore {
  private isRunning = false;

  constructor(
    private readonly server: ForeignServer,
    private readonly port: number,
  ) {}

  get url(): string {
    return `esdb://127.0.0.1:${this.port}?tls=false`;
  }

  output(): string {
    return this.server.output();
  }

  files(): Promise<string> {
    return this.server.files();
  }

  async kill(): Promise<void> {
    await this.server.signal('SIGKILL');
    await this.server.ended();
    this.isRunning = false;
  }

  async freeze(): Promise<void> {
    await this.server.signal('SIGSTOP');
  }

  async thaw(): Promise<void> {
    await this.server.signal('SIGCONT');
  }

  async restart(): Promise<void> {
    await this.end();
    await this.server.start();
    this.isRunning = true;
    const deadline = Date.now() + READY_DEADLINE_MS;
    while (!(await isLive(this.port))) {
      const { ending } = this.server;
      const isLate = Date.now() > deadline;
      if (ending === undefined && !isLate) {
        await pause(POLL_MS);
        continue;
      }
      await this.stop();
      const what = ending ?? `was not ready within ${READY_DEADLINE_MS} ms`;
      throw new Error(`the event store ${what}. It printed:\n${this.output()}`);
    }
  }

  async stop(): Promise<void> {
    await this.end();
    await this.server.remove();
  }

  private async end(): Promise<void> {
    if (!this.isRunning) return;
    this.isRunning = false;
    await this.server.signal('SIGTERM');
    const impatience = setTimeout(() => void this.server.signal('SIGKILL'), STOP_DEADLINE_MS);
    await this.server.ended();
    clearTimeout(impatience);
  }
}

class CommandServer implements ForeignServer {
  private readonly folder = temporaryFolder('event-store');
  private readonly printed: string[] = [];
  private child: ChildProcess | undefined;
  private exit: Promise<void> = Promise.resolve();
  ending: string | undefined;

  constructor(
    private readonly command: string,
    private readonly port: number,
  ) {}

  async start(): Promise<void> {
    const command = this.command
      .replaceAll('{port}', String(this.port))
      .replaceAll('{folder}', this.folder);
    this.ending = undefined;
    // A group of its own, so that signals reach whatever the command starts.
    const child = spawn(`exec ${command}`, {
      shell: true,
      detached: true,
      cwd: repositoryRoot,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const group = child.pid;
    if (group === undefined) throw new Error(`this command cannot be started: ${command}`);
    guardGroup(group);
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => this.printed.push(chunk.toString()));
    this.exit = new Promise((resolve) =>
      child.once('close', (code, signal) => {
        this.ending = `ended with ${signal ?? `exit code ${code}`}`;
        resolve();
      }),
    );
    this.child = child;
  }

  async signal(name: NodeJS.Signals): Promise<void> {
    if (this.child?.pid !== undefined && this.ending === undefined)
      process.kill(-this.child.pid, name);
  }

  ended(): Promise<void> {
    return this.exit;
  }

  output(): string {
    return this.printed.join('');
  }

  async files(): Promise<string> {
    return this.folder;
  }

  remove(): Promise<void> {
    return Promise.resolve();
  }
}

/** Kills a group of processes when this process has ended, however it did: the pipe to the guard ends with it. */
function guardGroup(group: number): void {
  const guard = spawn(
    'sh',
    ['-c', 'read -r _; kill -9 -- "-$1" 2>/dev/null', 'sh', String(group)],
    {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    },
  );
  guard.unref();
  (guard.stdin as unknown as { unref(): void }).unref();
}

const run = promisify(execFile);
/** Where images of EventStoreDB and KurrentDB keep their data. */
const DATA_FOLDERS = ['/var/lib/eventstore', '/var/lib/kurrentdb'];
const NODE_SETTINGS = {
  INSECURE: 'true',
  RUN_PROJECTIONS: 'None',
  TELEMETRY_OPTOUT: 'true',
};

class ImageServer implements ForeignServer {
  private container = '';
  private printed = '';
  readonly ending = undefined;

  constructor(
    private readonly image: string,
    private readonly port: number,
  ) {}

  async start(): Promise<void> {
    if (this.container !== '') {
      await run('docker', ['start', this.container]);
      return;
    }
    const settings = Object.entries(NODE_SETTINGS).flatMap(([name, value]) => [
      ...['--env', `EVENTSTORE_${name}=${value}`],
      ...['--env', `KURRENTDB_${name}=${value}`],
    ]);
    const publish = ['--publish', `127.0.0.1:${this.port}:2113`];
    const { stdout } = await run('docker', [
      'run',
      '--detach',
      ...publish,
      ...settings,
      this.image,
    ]);
    this.container = stdout.trim();
  }

  async signal(name: NodeJS.Signals): Promise<void> {
    const { container } = this;
    if (name === 'SIGSTOP') await run('docker', ['pause', container]);
    else if (name === 'SIGCONT') await run('docker', ['unpause', container]);
    else await run('docker', ['kill', '--signal', name, container]);
  }

  async ended(): Promise<void> {
    await run('docker', ['wait', this.container]);
    const { stdout, stderr } = await run('docker', ['logs', this.container]);
    this.printed = stdout + stderr;
  }

  output(): string {
    return this.printed;
  }

  async files(): Promise<string> {
    const folder = temporaryFolder('event-store');
    for (const data of DATA_FOLDERS)
      await run('docker', ['cp', `${this.container}:${data}`, folder]).catch((error: Error) => {
        // An image has one of the folders.
        if (!error.message.includes('Could not find')) throw error;
      });
    return folder;
  }

  async remove(): Promise<void> {
    await run('docker', ['rm', '--force', '--volumes', this.container]);
  }
}

async function isLive(port: number): Promise<boolean> {
  try {
    const { status } = await fetch(`http://127.0.0.1:${port}/health/live`, {
      signal: AbortSignal.timeout(1_000),
    });
    return status === 204;
  } catch {
    // No server listens yet, or it does not answer yet.
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
