/**
 * What a full disk stops, and what it does not: the development event store and `npm start` on small file systems in
 * memory, filled and given room again.
 *
 *   node test/full-disk/run.mjs        needs root, to mount them
 *
 * CI_NO_MOUNT=1 lets it pass where there is no root. The last line of the output is `N passed, N failed`.
 */
import { Buffer } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, rmdirSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { forkProcess } from '../support/forked-process.mjs';
import { countedCheck as check, endChecks } from '../support/counted-checks.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const credentials = { username: 'admin', password: 'changeit' };
const PASSWORD = 'correct horse battery staple';
const ROOM_WITHIN_MS = 60_000;

const disks = [];
const children = new Set();

function mountDisk(megabytes) {
  const folder = mkdtempSync(join(tmpdir(), 'full-disk-'));
  const options = `size=${megabytes}m,mode=755`;
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
  if (mounted.status !== 0) {
    rmdirSync(folder);
    throw new Error(`a file system cannot be mounted here: ${mounted.stderr}`);
  }
  disks.push(folder);
  return folder;
}

function unmountAll() {
  for (const folder of disks) {
    spawnSync('umount', ['--lazy', folder]);
    rmdirSync(folder);
  }
}

/** Takes the room that is left, to the last byte. */
function fill(folder) {
  const file = openSync(join(folder, 'filler'), 'w');
  for (const size of [2 ** 20, 4_096, 1]) {
    const bytes = Buffer.alloc(size);
    try {
      for (;;) writeSync(file, bytes);
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error;
    }
  }
  closeSync(file);
}

const makeRoom = (folder) => rmSync(join(folder, 'filler'));

const start = (script, settings) => forkProcess(join(root, script), settings, children);

async function eventually(what, attempt) {
  for (const began = Date.now(); ; await pause(100)) {
    if (await attempt()) return check(what, true);
    if (Date.now() - began > ROOM_WITHIN_MS) return check(what, false, 'not within a minute');
  }
}

async function eventStoreOnFullDisk() {
  const folder = mountDisk(20);
  const settings = { EVENTSTORE_PORT: '0', EVENTSTORE_DATA_DIR: folder };
  let server = start('dist/apps/local/src/event-store/main.js', settings);
  let client = EventStoreDBClient.connectionString(`${(await server.ready).eventstore}`);
  const acknowledged = [];
  const append = async (bytes) => {
    const id = randomUUID();
    const data = { filler: 'x'.repeat(bytes) };
    const event = jsonEvent({ id, type: 'Filled', data });
    await client.appendToStream('filled', event, { credentials, deadline: 2_000 });
    acknowledged.push(id);
  };
  const stored = async () => {
    const ids = [];
    for await (const { event } of client.readStream('filled')) ids.push(event.id);
    return ids;
  };

  await append(100_000);
  fill(folder);
  let refusal;
  for (let tries = 0; refusal === undefined && tries < 100; tries += 1) {
    await append(100_000).catch((error) => (refusal = error));
  }
  check('an append that the disk has no room for is not acknowledged', refusal !== undefined);
  const next = await append(10).catch((error) => error);
  check('the next one is answered with unavailable', next?.type === 'unavailable', String(next));
  check(
    'reads go on',
    (await stored()).slice(0, acknowledged.length).join() === acknowledged.join(),
  );
  check('the process goes on', server.child.exitCode === null, server.child.exitCode);

  makeRoom(folder);
  await eventually('appends go on by themselves when there is room', () =>
    append(10).then(
      () => true,
      () => false,
    ),
  );
  await client.dispose();
  server.child.kill('SIGKILL');
  await server.ended;
  server = start('dist/apps/local/src/event-store/main.js', settings);
  client = EventStoreDBClient.connectionString(`${(await server.ready).eventstore}`);
  const kept = new Set(await stored());
  check(
    'nothing acknowledged is lost',
    acknowledged.every((id) => kept.has(id)),
  );
  await client.dispose();
  server.child.kill('SIGTERM');
  check('it stops with 0', (await server.ended) === 0);
}

const ports = Object.fromEntries(
  ['API', 'ADMIN', 'MAILBOX', 'EVENTSTORE', 'POSTGRES'].map((name) => [`${name}_PORT`, '0']),
);

async function startOnFullDisk() {
  const folder = mountDisk(20);
  const { ended, output } = start('apps/local/launcher.mjs', { ...ports, DATA_DIR: folder });
  const code = await ended;
  check('npm start on a disk that is too small ends', code === 1, code);
  const said = output();
  check(
    'it says that the disk is full, and what to do',
    /disk (that holds .*)?is full: make room there, or set DATA_DIR/.test(said),
    said,
  );
  check('and shows no stack', !/^\s+at /m.test(said), said);
}

async function productOnFullDisk() {
  const folder = mountDisk(400);
  const product = start('apps/local/launcher.mjs', { ...ports, DATA_DIR: folder });
  const { api, mailbox } = await product.ready;
  const caller = (name) => ({ email: `${name}@example.org`, password: PASSWORD });
  const register = async (name) => {
    const response = await fetch(`${api}/v1/accounts`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(caller(name)),
    });
    return response.status;
  };
  const view = async (name) => {
    const { email, password } = caller(name);
    const authorization = `Basic ${Buffer.from(`${email}:${password}`).toString('base64')}`;
    const response = await fetch(`${api}/v1/account`, { headers: { authorization } });
    return response.status;
  };
  const hasMail = async (name) => {
    const response = await fetch(`${mailbox}/emails?to=${caller(name).email}`);
    return (await response.json()).data.length > 0;
  };
  const orFault = (attempt) => attempt.catch((error) => String(error));

  check('a registration before', (await register('ada')) === 202);
  await eventually('its mail', () => hasMail('ada'));
  await eventually('the account is read before', async () => (await view('ada')) === 200);
  fill(folder);
  // At once: PostgreSQL refuses new connections when it has to write down something for them.
  const seen = await orFault(view('ada'));
  check('and when the disk is full', seen === 200, seen);
  const refused = [];
  for (let tries = 0; tries < 30; tries += 1) refused.push(await orFault(register(`b${tries}`)));
  check('registrations are refused with 503', refused.at(-1) === 503, refused.join(' '));
  check('npm start goes on', product.child.exitCode === null, product.output().slice(-2_000));

  makeRoom(folder);
  await eventually('registrations go on by themselves when there is room', async () => {
    return (await orFault(register('grace'))) === 202;
  });
  await eventually('so do mails', () => hasMail('grace').catch(() => false));
  const accepted = refused.flatMap((status, tries) => (status === 202 ? [`b${tries}`] : []));
  for (const name of ['ada', ...accepted]) {
    await eventually(`${name} has an account`, async () => (await orFault(view(name))) === 200);
  }
  product.child.kill('SIGINT');
  check('it stops with 0', (await product.ended) === 0, product.output().slice(-2_000));
}

let canMount = true;
try {
  mountDisk(1);
} catch (error) {
  canMount = false;
  check(error.message, process.env['CI_NO_MOUNT'] === '1');
}
try {
  if (canMount) {
    await eventStoreOnFullDisk();
    await startOnFullDisk();
    await productOnFullDisk();
  }
} catch (error) {
  check(error.stack, false);
} finally {
  for (const child of children) child.kill('SIGKILL');
  await pause(200);
  unmountAll();
}
endChecks();
