/**
 * The stories of a user, of an attacker and of others, over the web server: runs in a container beside it and is given
 * on standard input, with its name as the argument (`node - story`). The exit code says whether it went well.
 */
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const HOST = process.env['WEB_HOST'] ?? 'web';
const PORT = 8443;
const password = `correct horse ${randomBytes(4).toString('hex')}`;
const email = `verify-${randomBytes(4).toString('hex')}@example.org`;

function call(method, path, { body, user, secret = password } = {}) {
  const headers = { Host: 'localhost' };
  if (body) headers['Content-Type'] = 'application/json';
  if (user)
    headers['Authorization'] = `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;
  return new Promise((resolve, reject) => {
    const request = https.request(
      // The certificate is this stack's own, made a moment ago.
      {
        host: HOST,
        port: PORT,
        method,
        path,
        headers,
        servername: 'localhost',
        rejectUnauthorized: false,
        agent: false,
        timeout: 20_000,
      },
      async (answer) => {
        const text = Buffer.concat(await answer.toArray()).toString();
        const json = /json/.test(answer.headers['content-type'] ?? '')
          ? JSON.parse(text)
          : undefined;
        resolve({ status: answer.statusCode, headers: answer.headers, json });
      },
    );
    request.on('timeout', () => request.destroy(new Error('timeout')));
    request.on('error', reject);
    request.end(body && JSON.stringify(body));
  });
}

function expectStatus(what, answer, status) {
  if (answer.status !== status) {
    throw new Error(
      `${what}: ${answer.status} instead of ${status} ${JSON.stringify(answer.json ?? {})}`,
    );
  }
}

async function eventually(what, seconds, attempt) {
  for (const deadline = Date.now() + seconds * 1_000; Date.now() < deadline; await pause(100)) {
    const result = await attempt();
    if (result) return result;
  }
  throw new Error(`not within ${seconds} s: ${what}`);
}

async function story() {
  expectStatus('register', await call('POST', '/v1/accounts', { body: { email, password } }), 202);
  const mail = await eventually('a mail', 30, async () => {
    const { json } = await call('GET', `/mailbox/emails?to=${encodeURIComponent(email)}`);
    return json?.data?.[0];
  });
  const code = /(?<!\d)\d{4}(?!\d)/.exec(mail.text)[0];
  const wrong = String((Number(code) + 1) % 10_000).padStart(4, '0');
  const activate = (tried, options) =>
    call('POST', '/v1/account/activation', { user: email, body: { code: tried }, ...options });
  expectStatus('wrong password', await activate(code, { secret: 'not it' }), 401);
  expectStatus('wrong code', await activate(wrong), 422);
  const activated = await activate(code);
  expectStatus('right code', activated, 200);
  expectStatus('second activation', await activate(code), 409);
  const seen = await call('GET', '/v1/account', { user: email });
  expectStatus('account', seen, 200);
  if (seen.json.status !== 'active') throw new Error(`the account is ${seen.json.status}`);
  if (seen.headers['strict-transport-security'] !== 'max-age=31536000') throw new Error('no HSTS');
}

const connection = () =>
  new Promise((resolve) => {
    const socket = net.connect({ host: HOST, port: PORT });
    socket.setTimeout(1_000, () => socket.destroy(new Error('timeout')));
    socket.on('connect', () => {
      resolve('connected');
      socket.destroy();
    });
    socket.on('error', (error) => resolve(error.code ?? error.message));
  });

/** Ten wrong passwords, then nothing but silence: refused, or 403 where bans are files. */
async function attack() {
  const attempt = () => call('GET', '/v1/account', { user: email, secret: 'guess' });
  for (let n = 0; n < 10; n += 1) expectStatus(`guess ${n + 1}`, await attempt(), 401);
  const since = Date.now();
  await eventually('a ban', 5, async () => {
    if ((await connection()) !== 'connected') return true;
    const answer = await attempt().catch((error) => ({ status: error.code }));
    return (
      answer.status === 403 || answer.status === 'ECONNREFUSED' || answer.status === 'ECONNRESET'
    );
  });
  process.stdout.write(`${Date.now() - since} ms\n`);
}

async function neighbour() {
  for (let n = 0; n < 20; n += 1) {
    expectStatus(`call ${n + 1}`, await call('GET', '/openapi.json'), 200);
  }
}

/**
 * A client that calls all the time, until the file /tmp/stop exists: it registers, and looks at an account that is
 * there. Every call has to be answered as if nothing happened.
 */
async function traffic() {
  const user = email;
  expectStatus('register', await call('POST', '/v1/accounts', { body: { email, password } }), 202);
  let calls = 0;
  for (; !existsSync('/tmp/stop'); calls += 1) {
    const body = { email: `verify-${randomBytes(6).toString('hex')}@example.org`, password };
    expectStatus('register', await call('POST', '/v1/accounts', { body }), 202);
    expectStatus('account', await call('GET', '/v1/account', { user }), 200);
    await pause(100);
  }
  if (calls < 20) throw new Error(`only ${calls} calls`);
  process.stdout.write(`${2 * calls} calls, none refused\n`);
}

const KEPT = { email: 'kept-by-verify@example.org', password: 'correct horse that is kept' };

/** An account that `recall` looks for after the stack was taken down. */
async function remember() {
  expectStatus('register', await call('POST', '/v1/accounts', { body: KEPT }), 202);
  await recall();
}

async function recall() {
  const seen = await call('GET', '/v1/account', { user: KEPT.email, secret: KEPT.password });
  expectStatus('account', seen, 200);
  if (seen.json.email !== KEPT.email) throw new Error('it is another account');
}

await { story, attack, neighbour, traffic, remember, recall }[process.argv[2]]();
