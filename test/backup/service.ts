import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EventStoreDBEventStore } from '@app/event-store/eventstoredb-event-store.js';
import { accountStreamName } from '@app/accounts';
import { AccountClient } from '../api/account-client.js';
import type { Answer, Credentials } from '../api/account-client.js';
import { knownSecrets } from '../api/known-secrets.js';
import { eventually } from '../support/eventually.js';
import { repositoryRoot } from '../support/process.js';
import type { Environment } from '../support/process.js';
import { startRestartableApp } from '../support/restartable-app.js';
import { WIDE_LIMITS } from '../support/product.js';
import type { RestartableApp } from '../support/restartable-app.js';
import { temporaryFolder } from '../support/run-folder.js';

const run = promisify(execFile);
const MIGRATE = join(repositoryRoot, 'dist/apps/accounts-worker/src/migrate.js');

/** How a process says that its database and its log do not belong together. */
export const REFUSAL = /PostgreSQL does not belong to this event log: .* migrate --follow-log/;

/** What outlives every restored copy: the configuration, and the provider with the mails it has taken. */
export interface Surroundings {
  readonly secrets: Readonly<Record<string, string>>;
  readonly adminKey: string;
  readonly mailbox: RestartableApp;
}

export async function startSurroundings(): Promise<Surroundings> {
  return {
    secrets: { ...knownSecrets(), RECEIPT_KEY: randomBytes(32).toString('base64') },
    adminKey: `spec-key.${randomBytes(32).toString('base64url')}`,
    mailbox: await startRestartableApp('local/src/mailbox', (port) => ({
      MAILBOX_PORT: port('mailbox'),
      MAILBOX_DATA_DIR: temporaryFolder('mailbox'),
      EMAIL_API_KEY: 'key-of-the-mailbox',
    })),
  };
}

export interface AdminAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The product on a database and a log that the test put there. */
export class Service {
  private readonly running: { stop(): Promise<void> }[] = [];
  private parts: Partial<Record<'api' | 'worker' | 'admin', RestartableApp>> = {};
  private store: EventStoreDBEventStore | undefined;
  private eventStore: RestartableApp | undefined;

  constructor(
    private readonly surroundings: Surroundings,
    readonly databaseUrl: string,
    readonly dataDir: string,
  ) {}

  async startEventStore(): Promise<void> {
    this.eventStore = await startRestartableApp('local/src/event-store', (port) => ({
      EVENTSTORE_FSYNC: 'false',
      EVENTSTORE_PORT: port('eventstore'),
      EVENTSTORE_CONTROL_PORT: port('control'),
      EVENTSTORE_DATA_DIR: this.dataDir,
    }));
    this.running.push(this.eventStore);
    this.store = new EventStoreDBEventStore({ url: this.eventStore.url('eventstore') });
  }

  /** Puts another log in the place of the one there is, while all others go on running. */
  async exchangeLog(copy: string): Promise<void> {
    await this.eventStore?.stop();
    copyFileSync(join(copy, 'events.log'), join(this.dataDir, 'events.log'));
    await this.eventStore?.restart();
  }

  /** @throws Error with all it printed, when it refuses */
  async start(name: 'api' | 'worker' | 'admin', own: Environment = {}): Promise<RestartableApp> {
    const part = await startRestartableApp(`accounts-${name}/src`, (port) => ({
      LOG_LEVEL: 'info',
      BCRYPT_COST: '4',
      CODE_RESEND_SECONDS: '1',
      ...WIDE_LIMITS,
      ...this.surroundings.secrets,
      EVENTSTORE_URL: this.eventStoreUrl,
      DATABASE_URL: this.databaseUrl,
      EMAIL_API_URL: this.surroundings.mailbox.url('mailbox'),
      EMAIL_API_KEY: 'key-of-the-mailbox',
      ADMIN_KEY: this.surroundings.adminKey,
      API_PORT: port('api'),
      ADMIN_PORT: port('admin'),
      INTERNAL_PORT: port('internal'),
      ...own,
    }));
    this.parts[name] = part;
    this.running.push(part);
    return part;
  }

  async startAll(): Promise<void> {
    await this.startEventStore();
    await this.start('worker');
    await Promise.all([this.start('api'), this.start('admin')]);
  }

  /** The operator's one-shot process. @throws Error with what it printed */
  async migrate(...options: readonly string[]): Promise<string> {
    const { stdout } = await run(process.execPath, [MIGRATE, ...options], {
      env: { PATH: process.env['PATH'], DATABASE_URL: this.databaseUrl },
    });
    return stdout;
  }

  part(name: 'api' | 'worker' | 'admin'): RestartableApp {
    const part = this.parts[name];
    if (part === undefined) throw new Error(`${name} does not run`);
    return part;
  }

  get client(): AccountClient {
    return new AccountClient(this.part('api').url('api'));
  }

  get eventStoreUrl(): string {
    if (this.eventStore === undefined) throw new Error('the event store does not run');
    return this.eventStore.url('eventstore');
  }

  /** What a process says about its dependencies. */
  async readiness(name: 'api' | 'worker' | 'admin'): Promise<AdminAnswer> {
    const response = await fetch(`${this.part(name).url('internal')}/health/ready`);
    return { status: response.status, body: (await response.json()) as AdminAnswer['body'] };
  }

  /** One figure of the worker; undefined where it does not give it. */
  async figure(name: string): Promise<number | undefined> {
    const response = await fetch(`${this.part('worker').url('internal')}/metrics`);
    const line = (await response.text()).split('\n').find((one) => one.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length + 1));
  }

  async admin(method: string, path: string, body?: object): Promise<AdminAnswer> {
    const response = await fetch(`${this.part('admin').url('admin')}/admin/v1${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${this.surroundings.adminKey}`,
        ...(body && { 'Content-Type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as AdminAnswer['body'] };
  }

  async typesOf(accountId: string): Promise<string[]> {
    const types: string[] = [];
    for await (const { type } of this.events(accountId)) types.push(type);
    return types;
  }

  events(accountId: string) {
    if (this.store === undefined) throw new Error('the event store does not run');
    return this.store.readStream(accountStreamName(accountId));
  }

  /** Mails to one address, newest first. */
  async mailsTo({ email }: Credentials): Promise<readonly { text: string }[]> {
    const url = `${this.surroundings.mailbox.url('mailbox')}/emails?to=${encodeURIComponent(email)}`;
    return ((await (await fetch(url)).json()) as { data: { text: string }[] }).data;
  }

  /** Asks again as long as the answer is 503, as its Retry-After says. */
  async register({ email, password }: Credentials): Promise<string> {
    const { status, body } = await patiently(() => this.client.register({ email, password }));
    if (status !== 202) throw new Error(`registration was answered with ${status}`);
    return String(body['accountId']);
  }

  /** Registers and waits until the code has been sent and that is on record. */
  async registerAndWaitForMail(caller: Credentials): Promise<string> {
    const accountId = await this.register(caller);
    await soon(async () => {
      if (!(await this.typesOf(accountId)).includes('ActivationCodeSent')) {
        throw new Error('no code was sent');
      }
    });
    return accountId;
  }

  /** With the code of the newest mail. */
  async activate(caller: Credentials): Promise<void> {
    const [newest] = await this.mailsTo(caller);
    const [code] = /(?<!\d)\d{4}(?!\d)/.exec(newest?.text ?? '') ?? [];
    const { status, text } = await patiently(() => this.client.activate(caller, code));
    if (status !== 200) throw new Error(`activation was answered with ${status}: ${text}`);
  }

  async stop(): Promise<void> {
    await this.store?.close();
    for (const part of this.running.splice(0).reverse()) await part.stop();
  }
}

/** Within a time that is long enough on a busy machine. */
export function soon<Result>(attempt: () => Promise<Result>): Promise<Result> {
  return eventually(attempt, { within: 20_000, every: 50 });
}

function patiently(call: () => Promise<Answer>): Promise<Answer> {
  return soon(async () => {
    const answer = await call();
    if (answer.status === 503) throw new Error(`503: ${answer.text}`);
    return answer;
  });
}
