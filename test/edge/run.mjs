/**
 * The web server and the ban tool as they are shipped, before the running product, without Docker: in network
 * namespaces of their own on this machine, with an attacker and a neighbour. Nothing leaves the machine.
 *
 *   node test/edge/run.mjs        needs root; installs Debian's packages where they are missing
 *
 * CI_NO_EDGE=1 lets it pass where there is no root. The last line of the output is `N passed, N failed`.
 */
import { Buffer } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clearTimeout, setTimeout } from 'node:timers';
import { setTimeout as pause } from 'node:timers/promises';
import { commandLineOf, killIfRunning } from '../support/processes.mjs';
import { proveCrowdSec, unpackCrowdSec } from './crowdsec.mjs';
import { evadingUsers, linesOfBanLog, randomIPv6, seedCorpus, subnetOf } from './corpus.mjs';
import { EdgeServer, root } from './edge-server.mjs';
import * as net from './network.mjs';

const API_PORT = 18080;
const SILENT_PORT = 18099;
const DEADLINE_MS = 170_000;
const BAN_WITHIN_MS = 3_000;
const BAN_SECONDS = 600;
const TOOLS = ['nginx', 'fail2ban-server', 'nft', 'ip', 'sslscan', 'setpriv'];
const PACKAGES = ['nginx', 'fail2ban', 'nftables', 'iproute2', 'sslscan', 'util-linux'];
const PASSWORD = 'correct horse battery staple';

const startedAt = Date.now();
let passed = 0;
let failed = 0;
let network;
let folder;
const children = [];

function check(what, holds, found) {
  if (holds) passed += 1;
  else failed += 1;
  const detail =
    found === undefined ? '' : `: ${typeof found === 'string' ? found : JSON.stringify(found)}`;
  process.stdout.write(`${holds ? '✔' : '✘'} ${what}${detail}\n`);
  return holds;
}

async function eventually(withinMs, attempt) {
  for (const began = Date.now(); ; await pause(20)) {
    const result = await attempt();
    if (result) return result;
    if (Date.now() - began > withinMs) return undefined;
  }
}

function installTools() {
  const missing = () =>
    TOOLS.filter((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0);
  if (missing().length === 0) return;
  const script = join(root, 'test/support/apt-get.sh');
  const { status, stderr } = spawnSync(script, ['install', ...PACKAGES], { encoding: 'utf8' });
  if (status !== 0 || missing().length > 0) {
    throw new Error(`not installed: ${missing().join(', ')}\n${stderr.slice(-1_000)}`);
  }
}

// --- Clients --------------------------------------------------------------------------------------------

/** A client process in one of the namespaces. */
async function startClient(where) {
  const child = network.spawn(where, process.execPath, [join(root, 'test/edge/client.mjs')], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  children.push(child);
  child.on('exit', (code) => {
    if (code) check(`the client in the namespace ${where} runs`, false, `it ended with ${code}`);
  });
  const waiting = new Map();
  const answer = (id) => new Promise((resolve) => waiting.set(id, resolve));
  child.on('message', (message) => waiting.get(message.id)?.(message));
  await answer('ready');
  let next = 0;
  const ask = (question) => {
    const id = (next += 1);
    const answered = answer(id);
    child.send({ id, ...question });
    return answered;
  };
  return {
    calls: async (requests, parallel) => (await ask({ requests, parallel })).answers,
    call: async (request) => (await ask({ requests: [request] })).answers[0],
    connection: async (connection) => (await ask({ connection })).outcome,
    hold: (holding) => ({ held: answer('held'), closed: ask({ holding }) }),
  };
}

const basic = (user, password) => ({
  Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});
const wrongPassword = (host, from, user = 'victim@example.org') => ({
  host,
  from,
  path: '/v1/account',
  headers: basic(user, 'not the password'),
});
const badRequest = (host, from, user = 'nobody') => ({
  host,
  from,
  method: 'POST',
  path: '/v1/accounts?a=%20401',
  headers: {
    ...basic(user, 'x'),
    'Content-Type': 'application/json',
    'User-Agent': '" 401 0 "-" "',
  },
  body: '{"email": 1',
});
const statuses = (answers) => {
  const counts = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

/** Polls until no connection is taken from an address; milliseconds since `since`, or undefined. */
async function refusedAfter(client, host, from, since) {
  const refused = await eventually(
    BAN_WITHIN_MS,
    async () => (await client.connection({ host, from })) === 'ECONNREFUSED',
  );
  return refused ? Date.now() - since : undefined;
}

// --- What is proven -------------------------------------------------------------------------------------

async function problemsAreDocuments(attacker) {
  const from = net.attackerV4(50);
  const host = net.EDGE.v4;
  const long = 'x'.repeat(6_000);
  const json = { 'Content-Type': 'application/json' };
  const cases = [
    [
      413,
      {
        method: 'POST',
        path: '/v1/accounts',
        headers: json,
        body: JSON.stringify({ email: 'x'.repeat(20_000) }),
      },
    ],
    [414, { path: `/${long}` }],
    [421, { headers: { Host: 'other.test' } }],
    [431, { headers: { 'X-Long': long } }],
    [502, { path: '/mailbox/dead' }],
    [504, { path: '/mailbox/silent' }],
    [401, { path: '/v1/account' }],
    [404, { path: '/nothing' }],
    [403, { path: '/admin/v1/accounts' }],
  ];
  const answers = await attacker.calls(
    cases.map(([, request]) => ({ host, from, ...request })),
    cases.length,
  );
  cases.forEach(([status], index) => checkProblem(status, answers[index]));
  for (const [what, raw] of [
    ['bytes that are no HTTP', '\u0016\u0003\u0001 401 \r\n\r\n'],
    ['a header without a name', 'GET / HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n'],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
    ],
  ]) {
    const answer = await attacker.call({ host, from, raw });
    check(
      `${what}: 400 as a problem`,
      answer.status === 400 && /application\/problem\+json/.test(answer.body),
    );
  }
  const plain = await network.run('attacker', process.execPath, [
    '-e',
    `fetch('http://${host}:8080/v1/account').then(async (a) => console.log(a.status, a.headers.get('content-type')))`,
  ]);
  check(
    'the API over plain HTTP: 403 as a problem',
    plain.stdout.trim() === '403 application/problem+json',
    plain.stdout.trim(),
  );
}

function checkProblem(status, answer) {
  const { headers = {}, body = '' } = answer;
  const problem = readJson(body);
  const isDocument =
    answer.status === status &&
    problem.status === status &&
    typeof problem.title === 'string' &&
    /^application\/problem\+json/.test(headers['content-type']) &&
    /max-age=31536000/.test(headers['strict-transport-security']) &&
    headers['cache-control'] === 'no-store' &&
    (![429, 502, 504].includes(status) || Number(headers['retry-after']) > 0);
  check(
    `${status} is a problem document`,
    isDocument,
    isDocument ? problem.type : { status: answer.status, body: body.slice(0, 200) },
  );
}

function readJson(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    return { unreadable: error.message };
  }
}

async function subnetsAreRight(neighbour) {
  const addresses = Array.from({ length: 400 }, randomIPv6);
  const answers = [];
  for (const forwarded of addresses) {
    answers.push({
      host: net.EDGE_FOR_NEIGHBOUR.v4,
      from: net.TRUSTED_PROXY,
      path: '/problems/https-required',
      headers: { 'X-Forwarded-For': forwarded },
      keepAlive: true,
    });
  }
  const served = statuses(await neighbour.calls(answers, 4));
  const logged = linesOfBanLog(readFileSync(edge.banLog, 'utf8')).map(({ client }) => client);
  const wrong = addresses.filter((address) => !logged.includes(subnetOf(address)));
  check(
    `${addresses.length} IPv6 addresses are logged by their /64`,
    wrong.length === 0 && served[200] === addresses.length,
    wrong.slice(0, 5),
  );
  const [forged] = await neighbour.calls([
    { ...answers[0], from: net.NEIGHBOUR.v4, headers: { 'X-Forwarded-For': '203.0.113.99' } },
  ]);
  const believed = readFileSync(edge.banLog, 'utf8').includes('203.0.113.99');
  check('only a trusted proxy can name another address', forged.status === 200 && !believed);
}

async function neighbourIsServed(neighbour, what) {
  const answers = await neighbour.calls(
    [net.EDGE_FOR_NEIGHBOUR.v4, net.EDGE_FOR_NEIGHBOUR.v6].flatMap((host, index) =>
      Array.from({ length: 10 }, () => ({
        host,
        from: [net.NEIGHBOUR.v4, net.NEIGHBOUR.v6][index],
        path: '/v1/account',
        headers: basic('neighbour@example.org', PASSWORD),
      })),
    ),
    2,
  );
  check(`the neighbour is untouched ${what}`, statuses(answers)[200] === 20, statuses(answers));
}

async function bans(attacker, { what, jail, status, host, addresses, subnet, attempt }) {
  // One user whose name looks like an old date, because of which a filter could take a line for an old one.
  const requests = Array.from({ length: 10 }, (_, index) =>
    attempt(host, addresses[index % addresses.length], evadingUsers[index % evadingUsers.length]),
  );
  const first = await attacker.calls(requests.slice(0, 9), 1);
  await pause(1_200);
  const stillServed = await attacker.connection({ host, from: addresses[0] });
  const tenth = await attacker.call(requests[9]);
  const since = Date.now();
  const all = statuses([...first, tenth]);
  check(
    `${what}: ten are answered with ${status}`,
    all[status] === 10 && stillServed === 'connected',
    all,
  );
  const ms = await refusedAfter(attacker, host, addresses[0], since);
  check(
    `${what}: the eleventh is refused within 3 s`,
    ms !== undefined,
    ms === undefined ? 'it is not' : `${ms} ms`,
  );
  const listed = edge.fail2ban('nftables', 'get', jail, 'banip', '--with-time').stdout;
  const line = listed.split('\n').find((entry) => entry.startsWith(subnet)) ?? listed;
  check(
    `${what}: banned is ${subnet} for 600 s`,
    line.startsWith(subnet) && line.includes(`+ ${BAN_SECONDS} =`),
    line.trim(),
  );
  const family = subnet.includes(':') ? 'ipv6' : 'ipv4';
  const set = network.run('edge', 'nft', [
    '-j',
    'list',
    'set',
    'inet',
    'edge_bans',
    `${jail}_${family}`,
  ]).stdout;
  const expires = Number(/"expires": ?(\d+)/.exec(set)?.[1]);
  check(
    `${what}: the kernel ends it by itself`,
    expires > BAN_SECONDS - 30 && expires <= BAN_SECONDS,
    `in ${expires} s`,
  );
}

async function gatewayIsNeverBanned(neighbour) {
  const host = net.EDGE_FOR_NEIGHBOUR.v4;
  const attempts = Array.from({ length: 15 }, () => wrongPassword(host, net.GATEWAY));
  const answers = await neighbour.calls(attempts, 1);
  const ignored = await eventually(BAN_WITHIN_MS, () =>
    edge.outputOf('fail2ban nftables').includes(`Ignore ${net.GATEWAY}`),
  );
  const after = await neighbour.call(wrongPassword(host, net.GATEWAY));
  check(
    'the gateway is never banned',
    ignored && statuses([...answers, after])[401] === 16,
    statuses(answers),
  );
}

async function survivesRestart(attacker, fail2ban) {
  const from = net.attackerV4(11);
  const host = net.EDGE.v4;
  fail2ban.child.kill('SIGKILL');
  killNamed('edge', 'fail2ban-server');
  await fail2ban.exited;
  check(
    'kill -9 of fail2ban leaves the ban',
    (await attacker.connection({ host, from })) === 'ECONNREFUSED',
  );
  const again = edge.startFail2ban('nftables');
  await fail2banReady('nftables');
  const restored = await eventually(5_000, () =>
    edge.fail2ban('nftables', 'get', 'unauthorized', 'banip').stdout.includes(from),
  );
  check('after its restart fail2ban knows the ban', restored);
  check(
    'after its restart the ban still holds',
    (await attacker.connection({ host, from })) === 'ECONNREFUSED',
  );
  edge.fail2ban('nftables', 'set', 'unauthorized', 'unbanip', from);
  const free = await eventually(
    2_000,
    async () => (await attacker.connection({ host, from })) === 'connected',
  );
  check('an operator can end a ban', free);
  return again;
}

/** The ban log is put aside in the middle of ten wrong passwords. */
async function survivesRotation(attacker, nginx) {
  const from = net.attackerV4(21);
  const host = net.EDGE.v4;
  const requests = Array.from({ length: 5 }, () => wrongPassword(host, from));
  const before = await attacker.calls(requests, 1);
  // It looks once a second; what was written since, rotation takes away.
  const found = () => edge.outputOf('fail2ban nftables').split(`Found ${from} `).length - 1;
  await eventually(3_000, () => found() === 5);
  const banLogBefore = readFileSync(edge.banLog, 'utf8');
  spawnSync('mv', [edge.banLog, `${edge.banLog}.1`]);
  nginx.child.kill('SIGUSR1');
  const reopened = await eventually(2_000, () =>
    readdirSync(join(folder, 'edge/log')).includes('ban.log'),
  );
  const after = await attacker.calls(requests, 1);
  const ms = await refusedAfter(attacker, host, from, Date.now());
  check(
    'rotation of the log in between keeps the count',
    reopened && ms !== undefined && statuses([...before, ...after])[401] === 10,
    `${ms} ms`,
  );
  return banLogBefore;
}

async function slowHeadersHarmNobody(attacker, neighbour) {
  const holding = attacker.hold({
    host: net.EDGE.v4,
    port: 8443,
    from: net.attackerV4(22),
    count: 500,
  });
  const { opened } = await holding.held;
  const request = {
    host: net.EDGE_FOR_NEIGHBOUR.v4,
    from: net.NEIGHBOUR.v4,
    path: '/openapi.json',
    keepAlive: true,
  };
  const answers = [];
  for (let n = 0; n < 60; n += 1) {
    answers.push(await neighbour.call(request));
    await pause(50);
  }
  const times = answers.map(({ ms }) => ms).sort((one, other) => one - other);
  const [p50, p99] = [times[30], times[59]];
  check(
    `${opened} connections with slow headers: others are answered in under 50 ms`,
    opened === 500 && p50 < 50 && statuses(answers)[200] === 60,
    `p50 ${p50.toFixed(1)} ms, longest ${p99.toFixed(1)} ms`,
  );
  const { closedAfterMs } = await holding.closed;
  check(
    'slow connections are closed after 5 s',
    Math.max(...closedAfterMs) < 9_000,
    `${Math.round(Math.max(...closedAfterMs))} ms`,
  );
}

/** Wrong codes for four accounts, as many as each code allows. */
async function wrongCodesAreBanned(attacker, neighbour) {
  const from = net.attackerV4(24);
  const host = net.EDGE.v4;
  const json = { 'Content-Type': 'application/json' };
  const password = 'correct horse battery staple';
  const emails = [1, 2, 3, 4].map((n) => `account${n}@example.org`);
  for (const email of emails) {
    const body = JSON.stringify({ email, password });
    const registration = { method: 'POST', path: '/v1/accounts', headers: json, body };
    await neighbour.call({
      host: net.EDGE_FOR_NEIGHBOUR.v4,
      from: net.NEIGHBOUR.v4,
      ...registration,
    });
  }
  let wrong = 0;
  await eventually(20_000, async () => {
    for (const email of emails) {
      if (wrong >= 10) return true;
      const headers = { ...json, ...basic(email, password) };
      const guess = {
        method: 'POST',
        path: '/v1/account/activation',
        headers,
        body: '{"code":"0000"}',
      };
      const { status } = await attacker.call({ host, from, ...guess });
      if (status === 422) wrong += 1;
    }
    return false;
  });
  const ms = await refusedAfter(attacker, host, from, Date.now());
  check(
    'ten wrong codes: the eleventh is refused within 3 s',
    wrong === 10 && ms !== undefined,
    `${ms} ms`,
  );
}

async function floodsAreBanned(attacker) {
  const from = net.attackerV4(23);
  const host = net.EDGE.v4;
  const request = { host, from, path: '/v1/nothing', keepAlive: true };
  const answers = await attacker.calls(
    Array.from({ length: 200 }, () => request),
    10,
  );
  const counts = statuses(answers);
  const limited = answers.find(({ status }) => status === 429);
  if (limited) checkProblem(429, limited);
  const ms = await refusedAfter(attacker, host, from, Date.now());
  check(
    '200 calls at once: the rest are 429, and going on is banned',
    counts[429] >= 60 && ms !== undefined,
    counts,
  );
}

async function denyFilesBan(attacker) {
  const fail2ban = edge.startFail2ban('deny-files');
  await fail2banReady('deny-files');
  const from = net.attackerV4(31);
  const host = net.EDGE.v4;
  const wrong = Array.from({ length: 10 }, () => wrongPassword(host, from));
  const answers = await attacker.calls(wrong, 1);
  const since = Date.now();
  const banned = await eventually(BAN_WITHIN_MS, async () => {
    const answer = await attacker.call(wrongPassword(host, from));
    return answer.status === 403 && answer;
  });
  check(
    'deny files: the eleventh gets 403 within 3 s',
    banned && statuses(answers)[401] === 10,
    `${Date.now() - since} ms`,
  );
  checkProblem(403, banned ?? {});
  const sixth = net.attackerV6(31);
  await attacker.calls(
    Array.from({ length: 10 }, (_, index) =>
      wrongPassword(net.EDGE.v6, net.attackerV6(31 + index)),
    ),
    1,
  );
  const whole = await eventually(
    BAN_WITHIN_MS,
    async () =>
      (await attacker.call(wrongPassword(net.EDGE.v6, net.attackerV6(60)))).status === 403,
  );
  check('deny files: a whole IPv6 /64 is banned', whole);
  edge.fail2ban('deny-files', 'set', 'unauthorized', 'unbanip', subnetOf(sixth));
  edge.fail2ban('deny-files', 'set', 'unauthorized', 'unbanip', from);
  const free = await eventually(
    2_000,
    async () => (await attacker.call(wrongPassword(host, from))).status === 401,
  );
  check('deny files: the end of a ban lets in again', free);
  fail2ban.child.kill('SIGTERM');
  await fail2ban.exited;
}

function tlsIsStrict() {
  const { stdout } = network.run('attacker', 'sslscan', [
    '--no-colour',
    '--xml=-',
    `${net.EDGE.v4}:8443`,
  ]);
  const enabled = [
    ...stdout.matchAll(/<protocol type="(\w+)" version="([\d.]+)" enabled="1"/g),
  ].map(([, type, version]) => `${type} ${version}`);
  check(
    'sslscan: TLS 1.2 and 1.3 only',
    enabled.sort().join() === 'tls 1.2,tls 1.3',
    enabled.join(', '),
  );
  const ciphers = [...stdout.matchAll(/<cipher [^>]*cipher="([^"]+)"/g)].map(([, name]) => name);
  const weak = ciphers.filter(
    (name) => !/^(ECDHE-.*(GCM|POLY1305)|TLS_(AES|CHACHA20)_)/.test(name),
  );
  check(
    'sslscan: forward secrecy and authenticated encryption only',
    ciphers.length >= 6 && weak.length === 0,
    `${ciphers.length} suites${weak.join()}`,
  );
  check(
    'sslscan: not vulnerable to heartbleed',
    /vulnerable="0"/.test(stdout) && !/vulnerable="1"/.test(stdout),
  );
}

/** Every line nginx wrote in this run against the answers that clients got, then lines made by hand. */
function filterIsExact(banLog) {
  const matchesOf = (log, filter, ...options) => {
    const { stdout } = spawnSync('fail2ban-regex', ['--out', '<ip>', ...options, log, filter], {
      encoding: 'utf8',
    });
    return stdout.split('\n').filter((line) => line !== '');
  };
  const filters = ['-c', join(root, 'docker/fail2ban')];
  const lines = linesOfBanLog(banLog);
  const log = net.writeAs(join(folder, 'all.log'), banLog);
  for (const status of ['400', '401', '422', '429']) {
    const expected = lines.filter((line) => line.status === status).map(({ client }) => client);
    const found = matchesOf(log, `edge[status=${status}]`, ...filters);
    check(
      `the filter finds each of ${expected.length} lines with ${status} and no other of ${lines.length}`,
      expected.length > 0 && expected.sort().join() === found.sort().join(),
      `${found.length} found`,
    );
  }
  const corpus = net.writeAs(
    join(folder, 'corpus.log'),
    seedCorpus.map(({ line }) => line).join('\n') + '\n',
  );
  const own = matchesOf(corpus, 'edge[status=401]', ...filters);
  check(
    'on the lines of a common access log it finds nothing, whatever clients put there',
    own.length === 0,
  );
  const seed = matchesOf(corpus, join(root, 'docker/fail2ban/seed/filter.d/nginx-401.conf'));
  const truly = seedCorpus.filter(({ is401 }) => is401).length;
  check(
    'the filter first asked for counts calls that were no 401',
    seed.length > truly,
    `${seed.length} instead of ${truly}`,
  );
}

// --- The run --------------------------------------------------------------------------------------------

let edge;

async function fail2banReady(mode) {
  const ready = await eventually(
    15_000,
    () => edge.fail2ban(mode, 'status', 'too_many_requests').status === 0,
  );
  if (!ready) throw new Error(`fail2ban is not ready\n${edge.outputOf(`fail2ban ${mode}`)}`);
}

/** Ends processes of one name in a namespace that we made. */
function killNamed(where, name) {
  const pids = spawnSync('ip', ['netns', 'pids', network.names[where]], {
    encoding: 'utf8',
  }).stdout;
  for (const pid of pids.split(/\s+/).filter(Boolean)) {
    if (commandLineOf(pid).includes(name)) killIfRunning(pid);
  }
}

async function startProduct() {
  const child = network.spawn('edge', process.execPath, ['apps/local/launcher.mjs'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      DATA_DIR: join(folder, 'data'),
      API_PORT: String(API_PORT),
      ADMIN_PORT: '0',
      MAILBOX_PORT: '0',
      SIGN_UP_PORT: '0',
      EVENTSTORE_PORT: '0',
      POSTGRES_PORT: '0',
      BCRYPT_COST: '4',
      TRUSTED_PROXIES: 'loopback',
      // The API's own limits would answer 429 before the ban tool has counted ten.
      FAILED_LOGINS_PER_NETWORK_PER_HOUR: '100000',
      FAILED_LOGINS_PER_ADDRESS_PER_HOUR: '100000',
      FAILED_LOGINS_PER_ADDRESS_AND_NETWORK_PER_HOUR: '100000',
    },
  });
  children.push(child);
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const ready = await eventually(
    60_000,
    () => /^Ready after/m.test(output) || child.exitCode !== null,
  );
  if (!ready || child.exitCode !== null)
    throw new Error(`the product does not start\n${output.slice(-3_000)}`);
}

/** Takes calls and never answers. */
function startSilentServer() {
  const script = `require('node:net').createServer(() => {}).listen(${SILENT_PORT}, '127.0.0.1')`;
  children.push(network.spawn('edge', process.execPath, ['-e', script], { stdio: 'ignore' }));
}

async function prove() {
  network = net.createNetwork();
  folder = mkdtempSync(join(tmpdir(), 'edge-'));
  chmodSync(folder, 0o755);
  edge = new EdgeServer(network, net.folderIn(folder, 'edge'), {
    apiPort: API_PORT,
    silentPort: SILENT_PORT,
  });
  // In the meantime: it is needed at the end.
  const packages = unpackCrowdSec(join(folder, 'crowdsec-packages'));
  packages.catch((error) => check(error.message, false));
  const syntax = edge.checkNginx();
  if (
    !check(
      'nginx takes the configuration',
      syntax.status === 0,
      syntax.status === 0 ? undefined : syntax.stderr,
    )
  )
    return;
  startSilentServer();
  await startProduct();
  const nginx = edge.startNginx();
  let fail2ban = edge.startFail2ban('nftables');
  const [attacker, neighbour] = await Promise.all([
    startClient('attacker'),
    startClient('neighbour'),
  ]);
  await fail2banReady('nftables');
  check('fail2ban runs with NET_ADMIN alone', true);

  const registered = await neighbour.call({
    host: net.EDGE_FOR_NEIGHBOUR.v4,
    from: net.NEIGHBOUR.v4,
    method: 'POST',
    path: '/v1/accounts',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email: 'neighbour@example.org', password: PASSWORD }),
  });
  check('the API is reached over TLS', registered.status === 202, registered.status);
  const problems = problemsAreDocuments(attacker);
  tlsIsStrict();
  await neighbourIsServed(neighbour, 'before');

  await bans(attacker, {
    what: 'wrong passwords, IPv4',
    jail: 'unauthorized',
    status: 401,
    host: net.EDGE.v4,
    addresses: [net.attackerV4(11)],
    subnet: net.attackerV4(11),
    attempt: wrongPassword,
  });
  await neighbourIsServed(neighbour, 'by a ban');
  check(
    'another address of the attacker is untouched, too',
    (await attacker.connection({ host: net.EDGE.v4, from: net.attackerV4(12) })) === 'connected',
  );
  await bans(attacker, {
    what: 'bad requests, IPv4',
    jail: 'bad_request',
    status: 400,
    host: net.EDGE.v4,
    addresses: [net.attackerV4(13)],
    subnet: net.attackerV4(13),
    attempt: badRequest,
  });
  await bans(attacker, {
    what: 'wrong passwords from ten addresses of one IPv6 /64',
    jail: 'unauthorized',
    status: 401,
    host: net.EDGE.v6,
    addresses: Array.from({ length: 10 }, (_, index) => net.attackerV6(11 + index)),
    subnet: 'fd66:0:0:a::/64',
    attempt: wrongPassword,
  });
  check(
    'an address of the /64 that did nothing is refused',
    (await attacker.connection({ host: net.EDGE.v6, from: net.attackerV6(70) })) === 'ECONNREFUSED',
  );
  await neighbourIsServed(neighbour, 'by the ban of a /64');
  await gatewayIsNeverBanned(neighbour);
  fail2ban = await survivesRestart(attacker, fail2ban);
  await floodsAreBanned(attacker);
  await wrongCodesAreBanned(attacker, neighbour);
  await subnetsAreRight(neighbour);
  await problems;
  const banLog = await survivesRotation(attacker, nginx);
  await slowHeadersHarmNobody(attacker, neighbour);

  fail2ban.child.kill('SIGTERM');
  await fail2ban.exited;
  const left = network.run('edge', 'nft', ['list', 'ruleset']).stdout;
  check('fail2ban takes its rules with it', !/chain/.test(left), left.slice(0, 200));
  await denyFilesBan(attacker);
  const allLines = banLog + readFileSync(edge.banLog, 'utf8');
  filterIsExact(allLines);
  await proveCrowdSec(
    { check, eventually, edge, statuses, wrongPassword, badRequest, neighbourIsServed, killNamed },
    { packages: await packages, attacker, neighbour, banLog: allLines, folder },
  );
  const personal = /@|Basic|example/.exec(banLog);
  check('the ban log holds no text of a client', personal === null, personal?.[0]);
}

/** What the servers printed, where it is of use. */
function showOutputs() {
  if (failed === 0) return;
  for (const name of edge?.outputs.keys() ?? []) {
    process.stdout.write(`--- ${name}\n${edge.outputOf(name).slice(-3_000)}\n`);
  }
}

function cleanUp() {
  for (const child of children) child.kill('SIGKILL');
  network?.remove();
  if (folder) rmSync(folder, { recursive: true, force: true });
}

const finish = () => {
  process.stdout.write(`${((Date.now() - startedAt) / 1_000).toFixed(1)} s\n`);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exit(failed === 0 ? 0 : 1);
};

if (process.platform !== 'linux' || process.getuid() !== 0) {
  const allowed = process.env['CI_NO_EDGE'] === '1';
  check('there is no root here: the web server and the ban tool were NOT tested', allowed);
  finish();
}
try {
  installTools();
} catch (error) {
  check(error.message, false);
  finish();
}
const tooLong = setTimeout(() => {
  check(`done within ${DEADLINE_MS / 1_000} s`, false);
  showOutputs();
  cleanUp();
  finish();
}, DEADLINE_MS);
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    cleanUp();
    process.exit(1);
  });
}
try {
  await prove();
} catch (error) {
  check(error.stack, false);
} finally {
  clearTimeout(tooLong);
  showOutputs();
  cleanUp();
}
finish();
