import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { prepareLogins, usualLogins } from '@app/postgres';
import type { Database, PreparedLogins } from '@app/postgres';
import type { Environment } from '@app/process';
import { productFolder } from '@app/process';
import type { ConsoleOutput } from './console-output.js';
import type { SecretFiles } from './development-secrets.js';
import { developmentSecrets } from './development-secrets.js';
import type { ProductEndpoints } from './endpoints-file.js';
import { EndpointsFile, productEndpoints } from './endpoints-file.js';
import type { LauncherSettings, Listener } from './launcher-settings.js';
import { PORT_SETTINGS } from './launcher-settings.js';
import { runToItsEnd, startPartProcess } from './part-process.js';
import type { Endpoints } from './part-process.js';
import type { Part, Surroundings } from './parts.js';
import { MIGRATION, PARTS } from './parts.js';
import { refuseTakenPorts } from './port-check.js';
import { startPostgresProcess } from '../postgres/postgres-process.js';
import { placeOfUrl } from './place-of-url.js';
import { RunRecord } from './run-record.js';
import { SignUpPage } from './sign-up-page.js';
import { SupervisedPart } from './supervised-part.js';

/** Parts that do not say how long they need are gone, all of them, this long after they were asked to stop. */
const STOP_DEADLINE_MS = 4_500;
/** Share of the time left that one such part may use up while others still have to stop. */
const STOP_SHARE = 0.4;

const PROGRAMS = join(productFolder(), 'dist/apps');

/** Runs every part of the product as a process of its own on this machine. */
export class Launcher {
  private readonly parts: readonly Part[];
  private readonly endpointsFile: EndpointsFile;
  private readonly known = new Map<string, string>();
  /** Passwords of the logins; none where the caller brings the database. */
  private passwords: PreparedLogins | undefined;
  private readonly ports = new Map<Listener, number>();
  private readonly signUpPage: SignUpPage;
  private readonly running: { readonly supervised: SupervisedPart; readonly stopOrder: number }[] =
    [];
  private record: RunRecord | undefined;
  private starting: Promise<ProductEndpoints> | undefined;
  private stopping: Promise<void> | undefined;
  private readonly stopRequested = new AbortController();

  constructor(
    private readonly settings: LauncherSettings,
    private readonly inherited: Environment,
    private readonly output: ConsoleOutput,
    private readonly connectDatabase: (url: string) => Database,
  ) {
    this.parts = PARTS.filter(({ name }) => !(name in settings.own));
    this.endpointsFile = new EndpointsFile(settings.dataDir);
    this.signUpPage = new SignUpPage(settings.captcha);
  }

  /**
   * Starts everything in order and waits until it can do its work.
   *
   * @throws AlreadyRunning, ConfigurationError, or Error naming the part that could not start; what had
   *   started by then runs on until `stop`
   */
  start(): Promise<ProductEndpoints> {
    return (this.starting ??= this.startInOrder());
  }

  private async startInOrder(): Promise<ProductEndpoints> {
    this.record = await RunRecord.claim(this.settings.dataDir, (text) => this.output.say(text));
    this.refuseWhenStopping();
    this.endpointsFile.remove();
    await this.refuseTakenPorts();
    const secrets = developmentSecrets(join(this.settings.dataDir, 'secrets'));

    const { host, ports, own } = this.settings;
    for (const [name, url] of Object.entries(own)) {
      this.known.set(name, url);
      this.output.sayAbout(
        name === 'database' ? 'postgres' : name,
        `is yours, at ${placeOfUrl(url)}: it is used, and neither started nor stopped nor erased`,
      );
    }
    const postgres = async () => (own.database ? undefined : this.startPostgres());
    await this.startAll([
      () => postgres().then(() => this.migrate()),
      ...this.ofStage('foundation').map((part) => () => this.startPart(part, secrets)),
    ]);
    // Before the API, which has to know its origin.
    this.known.set('signUp', await this.signUpPage.listen(host, ports.signUp));
    await this.startAll(this.ofStage('service').map((part) => () => this.startPart(part, secrets)));

    this.refuseWhenStopping();
    this.signUpPage.callsAt(this.urlOf('api'));
    const known = Object.fromEntries(this.known);
    if (own.mailbox) delete known['mailbox'];
    const endpoints = productEndpoints.parse(known);
    this.endpointsFile.write(endpoints);
    return endpoints;
  }

  /** Stops every part in order; resolves when no process is left. */
  stop(): Promise<void> {
    this.stopRequested.abort();
    return (this.stopping ??= this.stopInOrder());
  }

  /** Ends every part at once. */
  kill(): void {
    for (const { supervised } of this.running) supervised.kill();
    this.endpointsFile.remove();
    this.record?.release();
  }

  private async stopInOrder(): Promise<void> {
    this.record?.markStopping();
    this.signUpPage.close();
    await this.stopParts();
    // A start that is still under way gives up at its next step; why it fails does not matter any more.
    await Promise.allSettled([this.starting]);
    await this.stopParts();
    if (this.record) this.endpointsFile.remove();
    this.record?.release();
  }

  private async stopParts(): Promise<void> {
    let leftMs = STOP_DEADLINE_MS;
    const inOrder = this.running.toSorted((one, other) => one.stopOrder - other.stopOrder);
    for (const { supervised } of inOrder) {
      const graceMs = Math.round(leftMs * STOP_SHARE);
      const askedAt = Date.now();
      await supervised.stop(graceMs);
      leftMs -= Math.min(Date.now() - askedAt, graceMs);
    }
  }

  private ofStage(stage: Part['stage']): readonly Part[] {
    return this.parts.filter((part) => part.stage === stage);
  }

  /** PostgreSQL checks its port itself: its own server of an earlier run may still be there. */
  private async refuseTakenPorts(): Promise<void> {
    await refuseTakenPorts(
      this.parts
        .map(({ listener }) => listener)
        .concat('signUp')
        .filter((listener) => listener !== undefined)
        .map((listener) => ({
          setting: PORT_SETTINGS[listener],
          host: this.settings.host,
          port: this.settings.ports[listener],
        })),
    );
  }

  /** All have started, or failed to, when this returns: nothing goes on behind a failure's back. */
  private async startAll(starts: readonly (() => Promise<void>)[]): Promise<void> {
    this.refuseWhenStopping();
    const results = await Promise.allSettled(starts.map((start) => start()));
    const failure = results.find((result) => result.status === 'rejected');
    if (failure) throw failure.reason;
  }

  private async startPostgres(): Promise<void> {
    await this.supervise('postgres', 9, (say) =>
      startPostgresProcess({
        dataDir: join(this.settings.dataDir, 'postgres'),
        port: this.portOf('postgres'),
        log: { info: say, warn: say },
      }),
    );
    const { port } = new URL(this.urlOf('database'));
    this.ports.set('postgres', Number(port));
    this.passwords = await this.prepareLogins();
  }

  /** New passwords at each start: they are kept nowhere. The URL with the server's superuser is for people and tools. */
  private async prepareLogins(): Promise<PreparedLogins> {
    const password = () => randomBytes(24).toString('base64url');
    const passwords = { owner: password(), api: password(), worker: password(), admin: password() };
    const database = this.connectDatabase(this.urlOf('database'));
    try {
      await prepareLogins(database, usualLogins, passwords);
    } finally {
      await database.close();
    }
    return passwords;
  }

  private databaseUrlOf(role: keyof PreparedLogins): string {
    const url = this.urlOf('database');
    if (this.passwords === undefined) return url;
    const own = new URL(url);
    own.username = usualLogins[role];
    own.password = this.passwords[role];
    return own.href;
  }

  private async startPart(part: Part, secrets: SecretFiles): Promise<void> {
    const surroundings: Surroundings = {
      settings: this.settings,
      secrets,
      inherited: this.inherited,
      portOf: (listener) => this.portOf(listener),
      urlOf: (name) => this.urlOf(name),
      databaseUrlOf: (role) => this.databaseUrlOf(role),
      ...(this.known.has('signUp') && { signUpUrl: this.urlOf('signUp') }),
    };
    const endpoints = await this.supervise(part.name, part.stopOrder, () =>
      startPartProcess({
        name: part.name,
        script: join(PROGRAMS, part.app, 'main.js'),
        environment: this.environment(part.environment(surroundings)),
        output: this.output,
      }),
    );
    const url = endpoints[part.name];
    if (part.listener && url) this.ports.set(part.listener, Number(new URL(url).port));
  }

  private async supervise(
    name: string,
    stopOrder: number,
    startProcess: (say: (text: string) => void) => ReturnType<typeof startPartProcess>,
  ): Promise<Endpoints> {
    const startedAt = Date.now();
    const say = (text: string) => this.output.sayAbout(name, text);
    const supervised = new SupervisedPart({
      name,
      startProcess: () => startProcess(say),
      say,
      onChange: () => this.recordProcesses(),
    });
    this.running.push({ supervised, stopOrder });
    const endpoints = await supervised.start();
    for (const [key, url] of Object.entries(endpoints)) {
      if (key !== 'internal' && key !== 'control') this.known.set(key, url);
    }
    say(`ready after ${Date.now() - startedAt} ms`);
    return endpoints;
  }

  private async migrate(): Promise<void> {
    this.refuseWhenStopping();
    await runToItsEnd(this.stopRequested.signal, {
      name: MIGRATION.name,
      script: join(PROGRAMS, MIGRATION.script),
      environment: this.environment({
        DATABASE_URL: this.databaseUrlOf('owner'),
        ...(this.passwords && {
          DATABASE_ROLE_API: usualLogins.api,
          DATABASE_ROLE_WORKER: usualLogins.worker,
          DATABASE_ROLE_ADMIN: usualLogins.admin,
        }),
      }),
      output: this.output,
    });
  }

  private environment(own: Record<string, string>): Environment {
    // What the caller gave in a file would be there twice.
    const inherited = Object.entries(this.inherited).filter(
      ([name]) => !(name.replace(/_FILE$/, '') in own),
    );
    return { LOG_LEVEL: 'info', ...Object.fromEntries(inherited), ...own, LOG_FORMAT: 'json' };
  }

  /** After the first start a part keeps the port it got, so that the others find it again. */
  private portOf(listener: Listener): number {
    return this.ports.get(listener) ?? this.settings.ports[listener];
  }

  private urlOf(name: string): string {
    const url = this.known.get(name);
    if (!url) throw new Error(`nothing that has started so far is called "${name}"`);
    return url;
  }

  private recordProcesses(): void {
    this.record?.setProcesses(
      // Without PostgreSQL, which clears up after itself.
      this.running.flatMap(({ supervised: { name, pid } }) => {
        const app = this.parts.find((part) => part.name === name)?.app;
        return pid === undefined || !app ? [] : [{ name, pid, script: `apps/${app}/main.js` }];
      }),
    );
  }

  private refuseWhenStopping(): void {
    if (this.stopRequested.signal.aborted) throw new Error('stopped before everything had started');
  }
}
