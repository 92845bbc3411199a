/**
 * `npm run smoke`: does what a newcomer does after `npm ci`. Starts the product with `npm start`, registers,
 * reads the code, activates, sees the account, stops it with Ctrl-C and starts it again.
 * Everything in a folder of its own, on free ports. The last line is `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { countedCheck as check, endChecks } from './support/counted-checks.mjs';

const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 6_000;
const MAIL_DEADLINE_MS = 10_000;

// As strict as an operator may be, in a folder named as people name folders.
process.umask(0o077);
const dataDir = mkdtempSync(join(tmpdir(), 'Prüfung (smoke) '));
const email = 'ada@example.org';
const password = 'correct horse battery staple';
const authorization = `Basic ${Buffer.from(`${email}:${password}`).toString('base64')}`;

try {
  let product = await start('first start');
  const { api, mailbox } = JSON.parse(readFileSync(join(dataDir, 'endpoints.json'), 'utf8'));
  const registered = await call(`${api}/v1/accounts`, { email, password });
  check('register', registered.status === 202, registered);
  const code = await codeOf(mailbox);
  check('the code arrives', /^\d{4}$/.test(code), { code });
  const wrong = code === '0000' ? '0001' : '0000';
  const refused = await call(`${api}/v1/account/activation`, { code: wrong });
  check('a wrong code is refused', refused.status === 422, refused);
  const activated = await call(`${api}/v1/account/activation`, { code });
  check('the right code activates', activated.status === 200, activated);
  const again = await call(`${api}/v1/account/activation`, { code });
  check('a second activation is refused', again.status === 409, again);
  await stop(product);

  product = await start('second start');
  const endpoints = JSON.parse(readFileSync(join(dataDir, 'endpoints.json'), 'utf8'));
  const account = await call(`${endpoints.api}/v1/account`);
  check('the account is still there', account.body?.status === 'active', account);
  await stop(product);
} catch (error) {
  check(error.message, false);
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}
endChecks();

async function start(name) {
  const began = Date.now();
  const running = process.env['npm_execpath'];
  const [command, args] = running ? [process.execPath, [running, 'start']] : ['npm', ['start']];
  const free = {
    API_PORT: '0',
    ADMIN_PORT: '0',
    MAILBOX_PORT: '0',
    SIGN_UP_PORT: '0',
    EVENTSTORE_PORT: '0',
    POSTGRES_PORT: '0',
  };
  const child = spawn(command, args, {
    env: { ...process.env, ...free, DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own, so that it can be sent what Ctrl-C sends.
    detached: true,
  });
  let output = '';
  const gather = (chunk) => (output += chunk);
  child.stdout.on('data', gather);
  child.stderr.on('data', gather);
  const ended = new Promise((resolve) => child.on('exit', resolve));
  while (!/^Ready after/m.test(output)) {
    if (child.exitCode !== null || Date.now() - began > START_DEADLINE_MS) {
      throw new Error(`${name}: not ready after ${Date.now() - began} ms\n${output}`);
    }
    await pause(50);
  }
  check(`${name} (${((Date.now() - began) / 1_000).toFixed(1)} s)`, true);
  return { child, ended };
}

async function stop({ child, ended }) {
  const began = Date.now();
  process.kill(-child.pid, 'SIGINT');
  const stopped = await Promise.race([ended.then(() => true), pause(STOP_DEADLINE_MS, false)]);
  check(`Ctrl-C stops it (${((Date.now() - began) / 1_000).toFixed(1)} s)`, stopped);
  if (!stopped) process.kill(-child.pid, 'SIGKILL');
}

async function call(url, body) {
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { Authorization: authorization, 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

async function codeOf(mailbox) {
  const began = Date.now();
  while (Date.now() - began < MAIL_DEADLINE_MS) {
    const response = await fetch(`${mailbox}/emails?to=${encodeURIComponent(email)}`);
    const [newest] = (await response.json()).data;
    if (newest) return /\b\d{4}\b/.exec(newest.text)?.[0] ?? '';
    await pause(50);
  }
  return '';
}
