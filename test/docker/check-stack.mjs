/**
 * Checks a running compose stack from outside: how its containers are locked up, the main story through the web
 * server, and that killing every part loses nothing that was acknowledged.
 *
 *   docker compose up --build --detach && node test/docker/check-stack.mjs
 *
 * COMPOSE is the command to use ("docker compose"), BASE_URL where the stack is published
 * (https://localhost:8443). It registers accounts of its own and kills containers: not for a stack in use.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import https from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';

const [composeCommand, ...composeArguments] = (process.env['COMPOSE'] ?? 'docker compose').split(
  ' ',
);
const baseUrl = new URL(process.env['BASE_URL'] ?? 'https://localhost:8443');
const run = randomBytes(4).toString('hex');
const PASSWORD = `correct horse ${run}`;
const LONG_RUNNING = [
  'web',
  'api',
  'worker',
  'admin',
  'mailbox',
  'eventstore',
  'postgres',
  'fail2ban',
];

const docker = (...args) => execFileSync('docker', args, { encoding: 'utf8' }).trim();
const compose = (...args) =>
  execFileSync(composeCommand, [...composeArguments, ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
const containerOf = (service) => compose('ps', '--quiet', service).split('\n')[0];
const say = (line) => process.stdout.write(`${line}\n`);

const certificate = compose('exec', '-T', 'web', 'cat', '/certificate/certificate.pem');
const agent = new https.Agent({ ca: certificate, keepAlive: true, maxSockets: 8 });

/** Status and JSON body of an answer; status 0 when there is none. */
function call(method, path, { body, user, password = PASSWORD } = {}) {
  const headers = {
    ...(body && { 'Content-Type': 'application/json' }),
    ...(user && {
      Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
    }),
  };
  return new Promise((resolve) => {
    const options = { method, headers, agent, timeout: 20_000 };
    const request = https.request(new URL(path, baseUrl), options, async (answer) => {
      const chunks = await answer.toArray().catch(() => undefined);
      if (!chunks) return resolve({ status: 0 });
      const text = Buffer.concat(chunks).toString();
      const json = /json/.test(answer.headers['content-type'] ?? '') ? JSON.parse(text) : undefined;
      resolve({ status: answer.statusCode, headers: answer.headers, json });
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve({ status: 0 }));
    request.end(body && JSON.stringify(body));
  });
}

async function eventually(what, seconds, attempt) {
  for (const deadline = Date.now() + seconds * 1_000; Date.now() < deadline; await pause(100)) {
    const result = await attempt();
    if (result) return result;
  }
  throw new Error(`not within ${seconds} s: ${what}`);
}

const healthy = (service) =>
  docker('inspect', '--format', '{{.State.Health.Status}}', containerOf(service)) === 'healthy';

/** All messages of the mailbox, or none while it cannot be asked. */
async function allMails() {
  const { status, json } = await call('GET', '/mailbox/emails?limit=10000');
  return status === 200 ? json.data : [];
}

function checkContainers() {
  const published = [];
  for (const service of [...LONG_RUNNING, 'setup', 'migrate']) {
    const [{ Name, Config, HostConfig, NetworkSettings }] = JSON.parse(
      docker('inspect', compose('ps', '--all', '--quiet', service).split('\n')[0]),
    );
    assert.deepEqual(HostConfig.CapDrop, ['ALL'], `${Name} keeps capabilities`);
    assert.ok(
      HostConfig.SecurityOpt.join().includes('no-new-privileges'),
      `${Name} may gain rights`,
    );
    const bans = service === 'fail2ban';
    assert.ok(bans || !['', 'root', '0'].includes(Config.User), `${Name} runs as root`);
    const added = (HostConfig.CapAdd ?? []).map((name) => name.replace('CAP_', ''));
    assert.deepEqual(added, bans ? ['NET_ADMIN'] : [], `${Name} has capabilities`);
    assert.ok(HostConfig.Memory > 0 && HostConfig.PidsLimit > 0, `${Name} is not bounded`);
    assert.ok(HostConfig.ReadonlyRootfs, `${Name} can write`);
    assert.ok(!HostConfig.Privileged, `${Name} is privileged`);
    for (const [port, bindings] of Object.entries(NetworkSettings.Ports ?? {})) {
      if (bindings?.length) published.push(`${service} ${port}`);
    }
  }
  assert.deepEqual(published, ['web 8443/tcp']);
  say('ok  every container is locked up, one port is published');
}

async function playStory(when) {
  const user = `${when}-${run}@example.org`;
  const registered = await call('POST', '/v1/accounts', {
    body: { email: user, password: PASSWORD },
  });
  assert.equal(registered.status, 202);
  const mail = await eventually('a mail', 15, async () =>
    (await allMails()).find(({ to }) => to.includes(user)),
  );
  const code = /(?<!\d)\d{4}(?!\d)/.exec(mail.text)[0];
  const wrong = String((Number(code) + 1) % 10_000).padStart(4, '0');
  const activate = (tried, options) =>
    call('POST', '/v1/account/activation', { user, body: { code: tried }, ...options });

  assert.equal((await call('GET', '/v1/account', { user })).json.status, 'pending');
  assert.equal((await activate(code, { password: 'not it' })).status, 401);
  assert.equal((await activate(wrong)).status, 422);
  const activated = await activate(code);
  assert.equal(activated.status, 200);
  assert.equal(activated.headers['strict-transport-security'], 'max-age=31536000');
  assert.equal((await activate(code)).status, 409);
  assert.equal((await call('GET', '/v1/account', { user })).json.status, 'active');
  const refused = await call('POST', '/v1/accounts', { body: { email: 'x'.repeat(20_000) } });
  assert.equal(refused.headers['content-type'], 'application/problem+json');
  assert.equal(refused.status, 413);
  say('ok  register, wrong password, wrong code, right code, second activation');
}

async function killEverything() {
  const acknowledged = [];
  let tries = 0;
  let killing = true;
  const register = async (_, sender) => {
    for (let n = 0; killing; n += 1) {
      const email = `kill-${run}-${sender}-${n}@example.org`;
      const body = { email, password: PASSWORD };
      for (tries += 1; (await call('POST', '/v1/accounts', { body })).status !== 202; tries += 1) {
        await pause(250);
      }
      acknowledged.push(email);
      await pause(200);
    }
  };
  const registering = Promise.all(Array.from({ length: 4 }, register));
  for (const service of LONG_RUNNING) {
    await pause(2_000);
    const before = acknowledged.length;
    const container = containerOf(service);
    docker('kill', '--signal', 'KILL', container);
    docker('start', container);
    await eventually(`${service} healthy after kill -9`, 60, () => healthy(service));
    await eventually(
      `registrations after kill -9 of ${service}`,
      30,
      () => acknowledged.length > before + 8,
    );
    say(`    killed ${service}: healthy and taking registrations again`);
  }
  killing = false;
  await registering;
  const mails = await eventually('a mail for each account', 60, async () => {
    const mails = await allMails();
    const addresses = new Set(mails.flatMap(({ to }) => to));
    return acknowledged.every((email) => addresses.has(email)) && mails;
  });
  const keys = mails.map(({ idempotencyKey }) => idempotencyKey);
  assert.equal(new Set(keys).size, keys.length, 'two messages for one idempotency key');
  say(
    `ok  ${acknowledged.length} registrations (${tries} tries) while every part was killed: all have mail`,
  );
}

function checkLogs() {
  for (const service of LONG_RUNNING) {
    if (service === 'mailbox') continue;
    const log = compose('logs', '--no-color', service);
    assert.ok(!log.includes('@example.org'), `an address is in the log of ${service}`);
    assert.ok(!log.includes(PASSWORD), `a password is in the log of ${service}`);
  }
  say('ok  no address and no password in any log but the mailbox');
}

await eventually('every service healthy', 120, () => LONG_RUNNING.every(healthy));
checkContainers();
await playStory('before');
await killEverything();
await playStory('after');
checkLogs();
agent.destroy();
