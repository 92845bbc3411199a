import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import type {
  EmbeddedPostgres,
  EmbeddedPostgresOptions,
} from '../../apps/local/src/postgres/embedded-postgres.js';
import { startEmbeddedPostgres } from '../../apps/local/src/postgres/embedded-postgres.js';
import { createMissingSymlinks } from '../../apps/local/src/postgres/postgres-binaries.js';
import { unprivilegedOwner } from '../../apps/local/src/postgres/unprivileged-user.js';
import { temporaryFolder } from '../support/run-folder.js';

const isRoot = process.getuid?.() === 0;

describe('embedded PostgreSQL', () => {
  const started: EmbeddedPostgres[] = [];
  let dataDir: string;
  let said: string[];

  async function start(options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
    said = [];
    const say = (message: string) => void said.push(message);
    const server = await startEmbeddedPostgres({
      ...{ dataDir, port: 0, fsync: false, log: { info: say, warn: say } },
      ...options,
    });
    started.push(server);
    return server;
  }

  beforeAll(async () => {
    dataDir = join(temporaryFolder('embedded-postgres'), 'postgres');
    const server = await start();
    await query(server.url, 'CREATE TABLE kept (word text)');
    await query(server.url, `INSERT INTO kept VALUES ('still here')`);
    await server.stop();
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((server) => server.stop()));
  });

  describe('first start', () => {
    it('makes a database for UTF-8 text that only its password opens', async () => {
      const server = await start();
      const [row] = await query(server.url, 'SELECT current_database() AS name, version() AS is');
      expect(row).toEqual({ name: 'accounts', is: expect.stringMatching(/^PostgreSQL 18/) });
      expect(await query(server.url, 'SHOW server_encoding')).toEqual([
        { server_encoding: 'UTF8' },
      ]);

      const wrong = new URL(server.url);
      wrong.password = 'wrong';
      await expect(query(wrong.href, 'SELECT 1')).rejects.toThrow(/password authentication failed/);
    });

    it('keeps the password where only the owner can read it', () => {
      expect(statSync(`${dataDir}.password`).mode & 0o777).toBe(0o600);
      expect(readFileSync(`${dataDir}.password`, 'utf8')).toMatch(/^[\w-]{32}$/);
    });

    it('listens on the loopback address only', async () => {
      const server = await start();
      expect(await query(server.url, 'SHOW listen_addresses')).toEqual([
        { listen_addresses: '127.0.0.1' },
      ]);
      expect(await query(server.url, 'SHOW unix_socket_directories')).toEqual([
        { unix_socket_directories: '' },
      ]);
    });

    it('that was cut half way is done anew', async () => {
      const folder = temporaryFolder('cut-first-start');
      mkdirSync(join(folder, 'postgres.new-cut'));
      writeFileSync(join(folder, 'postgres.new-cut', 'PG_VERSION'), '18');
      const server = await start({ dataDir: join(folder, 'postgres') });
      expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      expect(readdirSync(folder).filter((name) => name.includes('.new-'))).toEqual([]);
    });
  });

  it('keeps its data and its password from one start to the next', async () => {
    const first = await start();
    await first.stop();
    const second = await start({ port: first.port });
    expect(second.url).toBe(first.url);
    expect(await query(second.url, 'SELECT word FROM kept')).toEqual([{ word: 'still here' }]);
  });

  it('stops while sessions are open, and leaves neither process nor pid file', async () => {
    const server = await start();
    const session = await openSession(server.url);
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
    expect(existsSync(join(dataDir, 'postmaster.pid'))).toBe(false);
    expect(await session.lost).toMatch(/terminat/);
  });

  it('takes over from a server that an earlier run left behind', async () => {
    const orphan = await start();
    await openSession(orphan.url);
    const server = await start();
    expect(said).toEqual([expect.stringContaining(`pid ${orphan.pid}`)]);
    expect(isAlive(orphan.pid)).toBe(false);
    expect(await query(server.url, 'SELECT word FROM kept')).toEqual([{ word: 'still here' }]);
  });

  it('starts at once after its server was killed with sessions open', async () => {
    const killed = await start();
    await openSession(killed.url);
    process.kill(killed.pid, 'SIGKILL');
    const server = await start();
    await killed.exited;
    expect(await query(server.url, 'SELECT word FROM kept')).toEqual([{ word: 'still here' }]);
  });

  it.each(['', '\n', '123'])(
    'is not stopped by a pid file that a crash left as %j',
    async (torn) => {
      writeFileSync(join(dataDir, 'postmaster.pid'), torn);
      const server = await start();
      expect(await query(server.url, 'SELECT word FROM kept')).toEqual([{ word: 'still here' }]);
    },
  );

  it('starts where the system has no shared memory', async () => {
    const folder = temporaryFolder('kein Gerät für Speicher');
    const sharedMemoryFolder = join(folder, 'missing');
    const server = await start({ dataDir: join(folder, 'postgres'), sharedMemoryFolder });
    expect(await query(server.url, 'SHOW dynamic_shared_memory_type')).toEqual([
      { dynamic_shared_memory_type: 'mmap' },
    ]);
  });

  it('is not stopped by a stale pid file, nor does it end the process that has the pid now', async () => {
    writeFileSync(join(dataDir, 'postmaster.pid'), `${process.pid}\n${dataDir}\n`);
    const server = await start();
    expect(await query(server.url, 'SELECT word FROM kept')).toEqual([{ word: 'still here' }]);
    expect(said).toEqual([]);
  });

  it('names the setting and the port when another program listens there', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await expect(start({ port })).rejects.toThrow(
      new RegExp(`Port ${port} .*taken.*set POSTGRES_PORT`),
    );
    other.close();
    await once(other, 'close');
  });

  it('says what is wrong when the password file of a database is lost', async () => {
    const copy = join(temporaryFolder('lost-password'), 'postgres');
    cpSync(dataDir, copy, { recursive: true });
    await expect(start({ dataDir: copy })).rejects.toThrow(`${copy}.password`);
    writeFileSync(`${copy}.password`, '\n');
    await expect(start({ dataDir: copy })).rejects.toThrow(`${copy}.password`);
  });

  it('starts on a copy that every user could read, and closes it', async () => {
    const copy = join(temporaryFolder('copy'), 'postgres');
    cpSync(dataDir, copy, { recursive: true });
    cpSync(`${dataDir}.password`, `${copy}.password`);
    chmodSync(copy, 0o755);
    const server = await start({ dataDir: copy });
    expect(await query(server.url, 'SELECT word FROM kept')).toEqual([{ word: 'still here' }]);
    expect(statSync(copy).mode & 0o777).toBe(0o700);
  });

  it('touches no folder that holds something else', async () => {
    const folder = join(temporaryFolder('something-else'), 'postgres');
    mkdirSync(folder);
    writeFileSync(join(folder, 'letter.txt'), 'Dear Ada');
    await expect(start({ dataDir: folder })).rejects.toThrow(/holds something else/);
    expect(readFileSync(join(folder, 'letter.txt'), 'utf8')).toBe('Dear Ada');
  });

  it('shows what the server said when it cannot start', async () => {
    const copy = join(temporaryFolder('broken'), 'postgres');
    cpSync(dataDir, copy, { recursive: true });
    cpSync(`${dataDir}.password`, `${copy}.password`);
    rmSync(join(copy, 'global', 'pg_control'));
    await expect(start({ dataDir: copy })).rejects.toThrow(/pg_control/);
  });

  it('makes the links that npm could not, and leaves those that are there', () => {
    const packageRoot = temporaryFolder('package');
    const library = join(packageRoot, 'native/lib/libpq.so.5.18');
    mkdirSync(dirname(library), { recursive: true });
    writeFileSync(library, 'content');
    const target = 'native/lib/libpq.so.5';
    writeFileSync(
      join(packageRoot, 'native/pg-symlinks.json'),
      JSON.stringify([{ source: 'native/lib/libpq.so.5.18', target }]),
    );
    createMissingSymlinks(packageRoot);
    createMissingSymlinks(packageRoot);
    expect(lstatSync(join(packageRoot, target)).isSymbolicLink()).toBe(true);
    expect(readlinkSync(join(packageRoot, target))).toBe('libpq.so.5.18');
    expect(readFileSync(join(packageRoot, target), 'utf8')).toBe('content');
  });

  if (isRoot) {
    describe('for root', () => {
      const path = process.env['PATH'];
      afterEach(() => {
        process.env['PATH'] = path;
      });

      it('runs as another user where user namespaces are not allowed, and as that user from then on', async () => {
        const folder = temporaryFolder('other-user');
        const other = join(folder, 'postgres');
        chmodSync(folder, 0o711);
        process.env['PATH'] = '/nowhere';
        const first = await start({ dataDir: other });
        const { uid } = statSync(other);
        expect(uid).not.toBe(0);
        expect(uidOf(first.pid)).toBe(uid);
        await first.stop();

        process.env['PATH'] = path;
        const second = await start({ dataDir: other });
        expect(uidOf(second.pid)).toBe(uid);
        expect(await query(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      });

      it('says what to do when that user cannot reach the folder', async () => {
        const closed = temporaryFolder('closed');
        process.env['PATH'] = '/nowhere';
        await expect(start({ dataDir: join(closed, 'postgres') })).rejects.toThrow(/Set DATA_DIR/);
      });

      it('says what to do when there is no such user', () => {
        process.env['PATH'] = '/nowhere';
        expect(() => unprivilegedOwner(join(dataDir, 'new'), ['no-such-user'])).toThrow(
          /Start as an ordinary user/,
        );
      });
    });
  } else {
    it('runs as the user who starts it', async () => {
      const server = await start();
      expect(statSync(dataDir).uid).toBe(process.getuid?.());
      expect(server.pid).toBeGreaterThan(0);
    });
  }
});

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement)).rows as unknown[];
  } finally {
    await client.end();
  }
}

/** A connection in the middle of a transaction, and why it was lost. */
async function openSession(url: string): Promise<{ lost: Promise<string> }> {
  const client = new Client({ connectionString: url });
  const faults: string[] = [];
  client.on('error', (error) => faults.push(error.message));
  const lost = new Promise<string>((resolve) => client.once('end', () => resolve(faults.join())));
  await client.connect();
  await client.query('BEGIN; SELECT count(*) FROM kept');
  return { lost };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}

function uidOf(pid: number): number {
  return statSync(`/proc/${pid}`).uid;
}
