import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventStoreDBClient } from '@eventstore/db-client';

const MAIN = join(import.meta.dirname, '../../dist/apps/local/src/event-store/main.js');

/** The client waits for streams to finish, which those of a killed server sometimes do not. */
const DISPOSE_DEADLINE_MS = 1_000;

interface Ready {
  readonly kind: 'ready';
  readonly endpoints: { readonly eventstore: string; readonly control: string };
}

/** The development event store as a process of its own, on free ports and a temporary folder. */
export class EventStoreProcess {
  private readonly clients: EventStoreDBClient[] = [];

  private constructor(
    private readonly child: ChildProcess,
    readonly folder: string,
    readonly endpoints: Ready['endpoints'],
  ) {}

  /** @param environment settings over those of a test: free ports, no fsync, silent */
  static async start(
    environment: Record<string, string> = {},
    folder = mkdtempSync(join(process.env['TEST_RUN_FOLDER'] ?? tmpdir(), 'dev-event-store-')),
  ): Promise<EventStoreProcess> {
    const child = fork(MAIN, [], {
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        LOG_LEVEL: 'fatal',
        EVENTSTORE_PORT: '0',
        EVENTSTORE_FSYNC: 'false',
        EVENTSTORE_DATA_DIR: folder,
        ...environment,
      },
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    // A failed test must not keep jest from ending: the process ends with its parent.
    child.unref();
    child.channel?.unref();
    let output = '';
    child.stdout!.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr!.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const first = await Promise.race([
      once(child, 'message') as Promise<[Ready]>,
      once(child, 'exit').then(([code]) => code as number | null),
    ]);
    if (!Array.isArray(first))
      throw new Error(`the event store ended with code ${first} instead of starting: ${output}`);
    for (const pipe of [child.stdout, child.stderr]) (pipe as Socket).unref();
    return new EventStoreProcess(child, folder, first[0].endpoints);
  }

  get pid(): number {
    return this.child.pid!;
  }

  get port(): number {
    return Number(new URL(this.endpoints.eventstore).port);
  }

  /** A client with a connection of its own, disposed of with the process. */
  client(options = ''): EventStoreDBClient {
    const interval = 10_000 + this.clients.length;
    const client = EventStoreDBClient.connectionString(
      `${this.endpoints.eventstore}&keepAliveInterval=${interval}${options}`,
    );
    this.clients.push(client);
    return client;
  }

  /**
   * A request to the control port.
   *
   * @returns the answer's body
   * @throws Error when the answer is not 200
   */
  async control(method: string, path: string, body: object = {}): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.endpoints.control}${path}`, {
      method,
      ...(method === 'GET' ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${response.status}: ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  }

  /** Ends the process in the orderly way. @returns its exit code and how long it took */
  async stop(): Promise<{ code: number | null; milliseconds: number }> {
    const startedAt = performance.now();
    const exit = this.exited();
    this.child.kill('SIGTERM');
    const code = await exit;
    const milliseconds = performance.now() - startedAt;
    await this.disposeClients();
    return { code, milliseconds };
  }

  /** kill -9 */
  async kill(): Promise<void> {
    const exit = this.exited();
    this.child.kill('SIGKILL');
    await exit;
    await this.disposeClients();
  }

  /** Ends the process and removes its folder. */
  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Starts again on the same folder. */
  async restart(environment: Record<string, string> = {}): Promise<EventStoreProcess> {
    await this.stop();
    return EventStoreProcess.start(environment, this.folder);
  }

  private async exited(): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const [code] = (await once(this.child, 'exit')) as [number | null];
    return code;
  }

  private async disposeClients(): Promise<void> {
    const disposals = this.clients.splice(0).map((client) => client.dispose());
    const deadline = new Promise((resolve) => setTimeout(resolve, DISPOSE_DEADLINE_MS).unref());
    await Promise.race([Promise.all(disposals), deadline]);
  }
}

const DEADLINE_MS = 8_000;
const POLL_MS = 10;

/** Waits until a condition holds. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  deadlineMs = DEADLINE_MS,
): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
