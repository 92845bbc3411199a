import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { commandLineOf } from '../launcher/command-line.js';
import { freePort } from '../launcher/free-port.js';
import { textIfThere } from '../text-if-there.js';
import { postgresBinaries } from './postgres-binaries.js';
import type { PostgresBinaries } from './postgres-binaries.js';
import { unprivilegedOwner } from './unprivileged-user.js';
import type { ProgramOwner } from './unprivileged-user.js';

export interface EmbeddedPostgresOptions {
  /** Folder of the database files, made on the first start. Password and server log lie beside it. */
  readonly dataDir: string;
  /** Port on 127.0.0.1; 0 picks a free one. */
  readonly port: number;
  /** False only where losing everything at a power cut is acceptable: tests. */
  readonly fsync?: boolean;
  /** Further server settings, by PostgreSQL's own names. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where this system keeps shared memory, when it has it: `/dev/shm`. */
  readonly sharedMemoryFolder?: string;
  readonly log: { info(message: string): void; warn(message: string): void };
}

export interface EmbeddedPostgres {
  /** URL of the database `accounts`, password included. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** The server's own log. */
  readonly logFile: string;
  /** Resolves when the server has ended, for whatever cause. */
  readonly exited: Promise<void>;
  /** Ends open sessions and writes everything down; resolves when no process is left. */
  stop(): Promise<void>;
  /** Ends it at once; the next start recovers what was committed. */
  kill(): void;
}

const START_DEADLINE_MS = 15_000;
const ORPHAN_DEADLINE_MS = 10_000;
/** A polite stop may take so long before open sessions are cut without a checkpoint. */
const FAST_STOP_MS = 2_500;
const IMMEDIATE_STOP_MS = 1_000;
const POLL_MS = 10;
const RETRY_MS = 100;

const SUPERUSER = 'postgres';
const DATABASE = 'accounts';

/**
 * Starts a real PostgreSQL from the programs that npm installed, reachable from this machine only.
 *
 * The server runs in a process group of its own, so that Ctrl-C reaches the process that started it first. When
 * that process is killed, the server goes on; the next start on the same folder stops it and takes over. The
 * caller makes sure that no two of them share a folder on purpose.
 *
 * @throws Error when it cannot start, with the setting to change or the end of the server's log
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const cluster = new Cluster(options);
  await cluster.createIfMissing();
  await cluster.stopOrphan();
  return cluster.start();
}

class Cluster {
  private readonly dataDir: string;
  private readonly passwordFile: string;
  private readonly logFile: string;
  private readonly pidFile: string;
  private readonly binaries: PostgresBinaries;
  private readonly owner: ProgramOwner;

  constructor(private readonly options: EmbeddedPostgresOptions) {
    this.dataDir = resolve(options.dataDir);
    this.passwordFile = `${this.dataDir}.password`;
    this.logFile = `${this.dataDir}.log`;
    this.pidFile = join(this.dataDir, 'postmaster.pid');
    this.binaries = postgresBinaries();
    this.owner = unprivilegedOwner(this.dataDir);
  }

  /** Made in a folder beside and renamed when complete: a first start that was cut leaves no half database. */
  async createIfMissing(): Promise<void> {
    this.refuseForeignFolder();
    if (existsSync(join(this.dataDir, 'PG_VERSION'))) {
      // Copies made by hand are often open to others, or belong to another user: the server refuses them.
      chmodSync(this.dataDir, 0o700);
      this.owner.giveTo(this.dataDir);
      return;
    }
    mkdirSync(dirname(this.dataDir), { recursive: true });
    const unfinished = this.freshUnfinishedFolder();
    // A file left by a start as another user is unreadable for the user of this server.
    rmSync(this.passwordFile, { force: true });
    writeFileSync(this.passwordFile, randomBytes(24).toString('base64url'), {
      mode: 0o600,
      flush: true,
    });
    this.owner.giveTo(this.passwordFile);
    this.owner.giveTo(unfinished);

    await this.run(this.binaries.initdb, [
      ...['--pgdata', unfinished, '--username', SUPERUSER, '--pwfile', this.passwordFile],
      ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C'],
      ...['--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8', '--no-instructions'],
      ...(this.options.fsync === false ? ['--no-sync'] : []),
    ]);
    await this.run(
      this.binaries.postgres,
      ['--single', '-D', unfinished, ...this.sharedMemory(), ...this.durability(), SUPERUSER],
      `CREATE DATABASE ${DATABASE};\n`,
    );
    if (existsSync(this.dataDir)) rmdirSync(this.dataDir);
    renameSync(unfinished, this.dataDir);
  }

  private refuseForeignFolder(): void {
    if (!existsSync(this.dataDir)) return;
    try {
      accessSync(this.dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (error) {
      throw new Error(
        `The database in ${this.dataDir} belongs to another user: start as that user, ` +
          'or set DATA_DIR to another folder.',
        { cause: error },
      );
    }
    const content = readdirSync(this.dataDir);
    if (content.length > 0 && !content.includes('PG_VERSION')) {
      throw new Error(
        `${this.dataDir} should hold the database, but holds something else: ` +
          'move that away, or set DATA_DIR to another folder.',
      );
    }
  }

  /** Named anew each time: an initdb whose starter was killed may still be writing to the last one. */
  private freshUnfinishedFolder(): string {
    const parent = dirname(this.dataDir);
    const prefix = `${basename(this.dataDir)}.new-`;
    for (const name of readdirSync(parent)) {
      if (name.startsWith(prefix)) rmSync(join(parent, name), { recursive: true, force: true });
    }
    return mkdtempSync(join(parent, prefix));
  }

  /** A server whose starter was killed still owns the folder; a stale note of one that is gone blocks it. */
  async stopOrphan(): Promise<void> {
    const pid = Number(this.pidFileLines()[0]);
    // A crash of the machine may have left the note without its content, which the server would not start with.
    if (!(pid > 0 && this.isOurServer(pid))) {
      rmSync(this.pidFile, { force: true });
      return;
    }
    this.options.log.info(`stopping the PostgreSQL that an earlier run left behind (pid ${pid})`);
    await this.requestStop(pid, 'SIGINT');
    const startedAt = Date.now();
    let cutSessions = false;
    while (this.isOurServer(pid)) {
      const waited = Date.now() - startedAt;
      if (waited > ORPHAN_DEADLINE_MS) {
        throw new Error(
          `PostgreSQL from an earlier run (pid ${pid}) does not stop. End that process, then start again.`,
        );
      }
      if (waited > FAST_STOP_MS && !cutSessions) {
        cutSessions = true;
        await this.requestStop(pid, 'SIGQUIT');
      }
      await delay(POLL_MS);
    }
  }

  async start(): Promise<EmbeddedPostgres> {
    const password = this.password();
    const deadline = Date.now() + START_DEADLINE_MS;
    for (;;) {
      const port = this.options.port === 0 ? await freePort() : this.options.port;
      const server = this.spawnServer(port);
      if (await this.becomesReady(server, deadline)) {
        return this.running(server, port, password);
      }
      const output = textIfThere(this.logFile) ?? '';
      if (/could not bind|Address already in use|could not create any TCP/.test(output)) {
        if (this.options.port !== 0) throw portTaken(port);
      } else if (!/pre-existing shared memory|lock file .* already exists/.test(output)) {
        throw new Error(`PostgreSQL did not start.${this.explain(output)}`);
      }
      // Processes of a server that was just killed need a moment to notice.
      if (Date.now() > deadline) {
        throw new Error(`PostgreSQL did not start in time.${this.explain(output)}`);
      }
      await delay(RETRY_MS);
    }
  }

  private running(server: ServerProcess, port: number, password: string): EmbeddedPostgres {
    let stopped: Promise<void> | undefined;
    return {
      url: `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${DATABASE}`,
      port,
      pid: server.pid,
      logFile: this.logFile,
      exited: server.exited,
      stop: () => (stopped ??= this.stopServer(server)),
      kill: () => server.kill(),
    };
  }

  private async stopServer(server: ServerProcess): Promise<void> {
    const endsWithin = (ms: number) =>
      Promise.race([server.exited.then(() => true), delay(ms, false, { ref: false })]);
    if (server.hasExited()) return;
    server.keepWaitingForIt();
    await this.requestStop(server.pid, 'SIGINT');
    if (await endsWithin(FAST_STOP_MS)) return;
    this.options.log.warn('PostgreSQL is slow to stop: cutting its open sessions');
    await this.requestStop(server.pid, 'SIGQUIT');
    if (await endsWithin(IMMEDIATE_STOP_MS)) return;
    server.kill();
    await server.exited;
  }

  private spawnServer(port: number): ServerProcess {
    const settings = {
      listen_addresses: '127.0.0.1',
      port: String(port),
      unix_socket_directories: '',
      timezone: 'UTC',
      log_timezone: 'UTC',
      ...this.options.settings,
    };
    const log = openSync(this.logFile, 'w', 0o600);
    try {
      const child = this.spawn(
        this.binaries.postgres,
        [
          ...['-D', this.dataDir],
          ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
          ...this.sharedMemory(),
          ...this.durability(),
        ],
        ['ignore', log, log],
      );
      return new ServerProcess(child);
    } finally {
      closeSync(log);
    }
  }

  /** Containers and change roots may be without it; files serve as well. */
  private sharedMemory(): string[] {
    const folder = this.options.sharedMemoryFolder ?? '/dev/shm';
    const isMissing = process.platform === 'linux' && !existsSync(folder);
    return isMissing ? ['-c', 'dynamic_shared_memory_type=mmap'] : [];
  }

  private durability(): string[] {
    return this.options.fsync === false
      ? ['fsync', 'synchronous_commit', 'full_page_writes'].flatMap((name) => ['-c', `${name}=off`])
      : [];
  }

  /** The server notes in its pid file when it takes connections. */
  private async becomesReady(server: ServerProcess, deadline: number): Promise<boolean> {
    while (!server.hasExited()) {
      const note = this.pidFileLines();
      if (note[0] === String(server.pid) && note[7]?.trim() === 'ready') return true;
      if (Date.now() > deadline) {
        server.kill();
        await server.exited;
        return false;
      }
      await delay(POLL_MS);
    }
    return false;
  }

  private async run(program: string, args: readonly string[], input = ''): Promise<void> {
    const child = this.spawn(program, args, ['pipe', 'pipe', 'pipe']);
    const chunks: string[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
    // Broken when the program has given up; why, it says in its output.
    child.stdin?.on('error', (error) => chunks.push(error.message));
    child.stdin?.end(input);
    const [code] = await this.ended(child);
    const output = chunks.join('');
    if (code !== 0 || /^.*\b(ERROR|FATAL|PANIC):/m.test(output)) {
      throw new Error(`PostgreSQL could not create its data folder.${this.explain(output)}`);
    }
  }

  private async ended(child: ChildProcess): Promise<[number | null]> {
    try {
      return (await once(child, 'close')) as [number | null];
    } catch (error) {
      const { ids } = this.owner;
      if (!ids || (error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
      throw new Error(
        `PostgreSQL refuses to run as root and was to be started as user ${ids.uid}, who cannot reach its ` +
          'programs. Move the project below folders that everybody may enter, or start as an ordinary user.',
        { cause: error },
      );
    }
  }

  private spawn(
    program: string,
    args: readonly string[],
    stdio: ('pipe' | 'ignore' | number)[],
  ): ChildProcess {
    const [command = program, ...rest] = [...this.owner.prefix, program, ...args];
    return spawn(command, rest, {
      ...this.owner.ids,
      cwd: '/',
      detached: true,
      windowsHide: true,
      stdio,
      env: serverEnvironment(),
    });
  }

  private async requestStop(pid: number, signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
    if (process.platform === 'win32') {
      // Windows knows no signals; PostgreSQL listens on a pipe that its own tool can talk to.
      const mode = signal === 'SIGINT' ? 'fast' : 'immediate';
      await this.run(this.binaries.pgCtl, ['stop', '-D', this.dataDir, '-m', mode, '-W']);
      return;
    }
    try {
      process.kill(pid, signal);
    } catch (error) {
      const alreadyGone = (error as NodeJS.ErrnoException).code === 'ESRCH';
      if (!alreadyGone) throw error;
    }
  }

  /** Pids are used again by the system: the recorded one may name another process by now. */
  private isOurServer(pid: number): boolean {
    const commandLine = `${commandLineOf(pid)} `;
    return commandLine.includes('postgres') && commandLine.includes(` -D ${this.dataDir} `);
  }

  private pidFileLines(): string[] {
    return textIfThere(this.pidFile)?.split('\n') ?? [];
  }

  private password(): string {
    const password = textIfThere(this.passwordFile)?.trim();
    if (password) return password;
    throw new Error(
      `The database in ${this.dataDir} has lost its password file ${this.passwordFile}. ` +
        'Put it back, or remove the folder to start with an empty database.',
    );
  }

  private explain(output: string): string {
    const said = output.trim().split('\n').slice(-8).join('\n');
    const hint =
      this.owner.ids && /Permission denied/i.test(output)
        ? `\nPostgreSQL refuses to run as root and was started as user ${this.owner.ids.uid}, who cannot ` +
          'enter that folder. Set DATA_DIR to a folder that everybody may enter, or start as an ordinary user.'
        : '';
    const full = /No space left on device|Check free disk space/.test(output)
      ? ' Its disk is full: make room there, or set DATA_DIR to another folder.'
      : '';
    return `${full}${said ? ` It said:\n${said}` : ''}${hint}`;
  }
}

class ServerProcess {
  readonly pid: number;
  readonly exited: Promise<void>;

  constructor(private readonly child: ChildProcess) {
    this.exited = new Promise((done) => {
      child.once('exit', () => done());
      child.once('error', () => done());
    });
    if (child.pid === undefined) throw new Error('PostgreSQL could not be started as a process.');
    this.pid = child.pid;
    // A running server alone is no reason for our own process to stay.
    child.unref();
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  keepWaitingForIt(): void {
    this.child.ref();
  }

  hasExited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }
}

/** PG* variables of the caller's shell are for clients; messages must be in English to be recognised. */
function serverEnvironment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG)/.test(name));
  return { ...Object.fromEntries(inherited), LC_ALL: 'C' };
}

function portTaken(port: number): Error {
  return new Error(
    `Port ${port} for PostgreSQL is taken by another program: ` +
      'set POSTGRES_PORT to another port, or to 0 for any free one.',
  );
}
