/** PgBouncer as Debian ships it, on a free port of this machine, with a configuration of its own. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../dist/modules/apps/local/src/launcher/free-port.js';

/** It refuses to run as root. */
const NOBODY = 65_534;
const START_WITHIN_MS = 5_000;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const isInstalled = () =>
  spawnSync('pgbouncer', ['--version'], { env: { PATH } }).error === undefined;

/**
 * Debian's package, where it is missing.
 *
 * @throws Error when it cannot be had
 */
export function installPgBouncer() {
  if (isInstalled()) return;
  const script = join(import.meta.dirname, '../support/apt-get.sh');
  const { stderr } = spawnSync(script, ['install', 'pgbouncer'], {
    encoding: 'utf8',
    // Its scripts start no server of their own in this run level.
    env: { ...process.env, RUNLEVEL: '1' },
  });
  if (!isInstalled()) throw new Error(`PgBouncer cannot be had\n${stderr.slice(-1_000)}`);
}

/**
 * @param target URL of the database behind it
 * @param settings by PgBouncer's own names, such as `pool_mode`
 * @returns the URL of the same database through it, what it logged, and how to stop it
 * @throws Error with what it logged, when it does not take connections
 */
export async function startPgBouncer(target, settings) {
  const { hostname, port, pathname, username, password } = new URL(target);
  const folder = mkdtempSync(join(tmpdir(), 'pgbouncer-'));
  chmodSync(folder, 0o755);
  const listenPort = await freePort();
  const write = (name, text) => writeFileSync(join(folder, name), text, { mode: 0o644 });
  write('users', `"${username}" "${password}"\n`);
  const own = {
    listen_addr: '127.0.0.1',
    listen_port: listenPort,
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: join(folder, 'users'),
    ...settings,
  };
  const lines = Object.entries(own).map(([name, value]) => `${name} = ${value}`);
  const database = `${pathname.slice(1)} = host=${hostname} port=${port}`;
  write('pgbouncer.ini', ['[databases]', database, '[pgbouncer]', ...lines, ''].join('\n'));
  const unprivileged = process.getuid() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const child = spawn('pgbouncer', [join(folder, 'pgbouncer.ini')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH },
    ...unprivileged,
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (log += text));
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true });
  };
  for (const began = Date.now(); !(await isListening(listenPort)); await pause(50)) {
    if (child.exitCode === null && Date.now() - began < START_WITHIN_MS) continue;
    await stop();
    throw new Error(`PgBouncer does not start\n${log}`);
  }
  const url = new URL(target);
  url.host = `127.0.0.1:${listenPort}`;
  return { url: url.href, log: () => log, stop };
}

function isListening(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
