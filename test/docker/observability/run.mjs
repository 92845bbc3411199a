/**
 * Prometheus with the rules that are shipped: promtool takes them, each alert fires when it should and is silent when
 * not, and over the running product every figure that an alert or the dashboard asks for is there. PostgreSQL's and
 * nginx's are real, of Debian's packages; those of event stores are samples by what their documentation says.
 *
 *   node test/docker/observability/run.mjs        needs Linux with Debian's packages, and `npm ci`
 *
 * Everything is on loopback and in a folder of its own. The last line of the output is `N passed, N failed`.
 */
import { Buffer } from 'node:buffer';
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { alertCases, promtoolTests } from './alert-cases.mjs';
import { commandLineOf, familyOf } from '../../support/processes.mjs';
import { countedCheck as check, endChecks } from '../../support/counted-checks.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const shipped = join(root, 'docker/observability/prometheus');
const folder = mkdtempSync(join(tmpdir(), 'observability-'));
/** Processes whose figures are scraped, by the name of their job. */
const JOBS = { api: 'accounts-api', worker: 'accounts-worker', admin: 'accounts-admin' };
/** States that a healthy product is not in: their figures are there with another value of this label. */
const PASSING_LABELS = ['state'];
const USER = 'ada@example.org';
const PASSWORD = 'correct horse battery staple';
const startedAt = Date.now();
const children = [];

async function eventually(what, withinMs, attempt) {
  for (const began = Date.now(); ; await pause(100)) {
    const result = await attempt();
    if (result) return result;
    if (Date.now() - began > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`);
  }
}

/** Unpacked rather than installed: the packages would start servers of their own. */
function unpackPrograms() {
  const aptGet = `'${join(import.meta.dirname, '../../support/apt-get.sh')}'`;
  const script =
    `${aptGet} download prometheus prometheus-postgres-exporter && ` +
    'for package in *.deb; do dpkg -x "$package" . || exit 1; done; ' +
    `command -v nginx > /dev/null && command -v psql > /dev/null || ${aptGet} install nginx-light postgresql-client`;
  const { status, stderr } = spawnSync('sh', ['-c', script], { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the programs cannot be had\n${stderr.slice(-1_000)}`);
}

const promtool = (...args) =>
  spawnSync(join(folder, 'usr/bin/promtool'), args, { encoding: 'utf8', cwd: folder });

function rulesAreRight() {
  for (const [what, file] of [
    ['config', 'prometheus.yml'],
    ['rules', 'alerts.yml'],
  ]) {
    const { status, stdout, stderr } = promtool('check', what, join(shipped, file));
    check(`promtool check ${what}`, status === 0, `${stdout}${stderr}`);
  }
  const alerts = [...readFileSync(join(shipped, 'alerts.yml'), 'utf8').matchAll(/alert: (\w+)/g)];
  const names = alerts.map(([, name]) => name);
  const tested = alertCases.map(({ alert }) => alert);
  check('every alert has cases', names.length > 0 && names.join() === tested.join(), tested);
  const all = JSON.parse(promtoolTests(join(shipped, 'alerts.yml')));
  const files = all.tests.map((test, index) => {
    const file = join(folder, `alerts-${index}.test.yml`);
    writeFileSync(file, JSON.stringify({ ...all, tests: [test] }));
    return file;
  });
  // All by one start of it, which takes longer than a test.
  const { stdout, stderr } = promtool('test', 'rules', ...files);
  const outcomes = stdout.split('Unit Testing:').slice(1);
  for (const [index, test] of all.tests.entries()) {
    const expected = test.promql_expr_test[0].exp_samples.length > 0 ? 'fires' : 'is silent';
    const holds = outcomes[index]?.includes(files[index]) && outcomes[index].includes('SUCCESS');
    check(`${expected}: ${test.name}`, holds, stderr);
  }
}

// --- The running product ----------------------------------------------------------------------------------

async function startProduct() {
  const child = start(process.execPath, ['apps/local/launcher.mjs'], {
    DATA_DIR: join(folder, 'data'),
    API_PORT: '0',
    ADMIN_PORT: '0',
    MAILBOX_PORT: '0',
    SIGN_UP_PORT: '0',
    EVENTSTORE_PORT: '0',
    POSTGRES_PORT: '0',
    BCRYPT_COST: '4',
  });
  await eventually('the product is ready', 60_000, () => {
    if (child.exitCode !== null) throw new Error(`the product ended\n${child.printed()}`);
    return /^Ready after/m.test(child.printed());
  });
  return JSON.parse(readFileSync(join(folder, 'data/endpoints.json'), 'utf8'));
}

function start(command, args, environment = {}) {
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  child.printed = () => output;
  children.push(child);
  return child;
}

/** Ports that a process listens on, from what the kernel says. */
function portsOf(pid) {
  const sockets = readdirSync(`/proc/${pid}/fd`)
    .map((fd) => spawnSync('readlink', [`/proc/${pid}/fd/${fd}`], { encoding: 'utf8' }).stdout)
    .map((target) => /^socket:\[(\d+)\]/.exec(target)?.[1]);
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === '0A' && sockets.includes(fields[9]))
    .map((fields) => parseInt(fields[1].split(':')[1], 16));
}

/** Where each job is scraped: that port of its process which has figures. */
async function findTargets(product) {
  const targets = {};
  for (const pid of familyOf(product.pid)) {
    const command = commandLineOf(pid);
    const job = Object.keys(JOBS).find((name) => command.includes(`${JOBS[name]}/src/main`));
    if (!job) continue;
    for (const port of portsOf(pid)) {
      const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
      if (answer.ok) targets[job] = `127.0.0.1:${port}`;
    }
  }
  return targets;
}

/** The exporter with the login that login.sql makes, as in docker-compose.yml. */
async function startPostgresExporter(database) {
  const secrets = join(folder, 'metrics-secrets');
  const password = 'a-password-of-the-exporter';
  mkdirSync(secrets);
  writeFileSync(join(secrets, 'metrics-password'), `${password}\n`);
  const script = join(folder, 'login.sql');
  const shippedScript = readFileSync(join(shipped, '../postgres/login.sql'), 'utf8');
  writeFileSync(script, shippedScript.replace('/metrics-secrets/', `${secrets}/`));
  for (const round of ['first', 'second']) {
    const args = [database, '--no-psqlrc', '--set=ON_ERROR_STOP=1', `--file=${script}`];
    const { status, stderr } = spawnSync('psql', args, { encoding: 'utf8' });
    check(`login.sql makes the exporter's login, the ${round} time`, status === 0, stderr);
  }
  const { host, pathname } = new URL(database);
  const login = `postgres://registration_metrics:${password}@${host}${pathname}`;
  const read = 'select count(*) from read_model.accounts';
  const refused = spawnSync('psql', [login, '--no-psqlrc', '--command', read], {
    encoding: 'utf8',
  });
  check(
    "the exporter's login reads no table",
    refused.stderr.includes('permission denied'),
    refused,
  );
  const address = `127.0.0.1:${await freePort()}`;
  start(join(folder, 'usr/bin/prometheus-postgres-exporter'), [`--web.listen-address=${address}`], {
    DATA_SOURCE_URI: `${host}${pathname}?sslmode=disable`,
    DATA_SOURCE_USER: 'registration_metrics',
    DATA_SOURCE_PASS_FILE: join(secrets, 'metrics-password'),
  });
  return address;
}

/** nginx with the server of the shipped configuration that has figures. */
async function startNginx() {
  const text = readFileSync(join(root, 'docker/nginx/nginx.conf'), 'utf8');
  const [server = ''] = /server \{\s*listen 8083;[^]*?\n {4}\}/.exec(text) ?? [];
  const address = `127.0.0.1:${await freePort()}`;
  const file = join(folder, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/nginx-${kind};`,
  );
  writeFileSync(
    file,
    `daemon off; pid ${folder}/nginx.pid; error_log stderr; events {}
     http { ${temporary.join(' ')} ${server.replace('8083', address)} }`,
  );
  start('nginx', ['-c', file]);
  return address;
}

/** What event stores answer at /metrics, by what their documentation says. */
async function startSamples() {
  const samples = join(import.meta.dirname, 'samples');
  const servers = readdirSync(samples).map((file) =>
    createServer((_, response) => response.end(readFileSync(join(samples, file)))),
  );
  return Promise.all(
    servers.map(async (server) => {
      server.listen(0, '127.0.0.1').unref();
      await new Promise((listening) => server.once('listening', listening));
      return `127.0.0.1:${server.address().port}`;
    }),
  );
}

async function playStory({ api, mailbox }) {
  const call = async (method, path, body, password = PASSWORD) => {
    const authorization = `Basic ${Buffer.from(`${USER}:${password}`).toString('base64')}`;
    const answer = await fetch(`${api}${path}`, {
      method,
      headers: { authorization, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    await answer.arrayBuffer();
    return answer.status;
  };
  const statuses = [await call('POST', '/v1/accounts', { email: USER, password: PASSWORD })];
  const code = await eventually('a mail', 10_000, async () => {
    const { data } = await (await fetch(`${mailbox}/emails?to=${USER}`)).json();
    return /(?<!\d)\d{4}(?!\d)/.exec(data[0]?.text ?? '')?.[0];
  });
  const wrong = code === '0000' ? '0001' : '0000';
  statuses.push(await call('POST', '/v1/account/activation', { code: wrong }));
  statuses.push(await call('POST', '/v1/account/activation', { code }));
  statuses.push(await call('GET', '/v1/account', undefined, 'not the password'));
  check('the story is played', statuses.join() === '202,422,200,401', statuses);
}

// --- Prometheus over it -----------------------------------------------------------------------------------

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** The shipped configuration; changed are only where the processes are, and how often it looks. */
async function startPrometheus(targets) {
  const configuration = join(folder, 'prometheus');
  cpSync(shipped, configuration, { recursive: true });
  const text = readFileSync(join(shipped, 'prometheus.yml'), 'utf8')
    .replace(
      /dns_sd_configs: \[\{ names: \[([\w-]+)\].*/g,
      (_, name) => `static_configs: [{ targets: ${JSON.stringify([targets[name]].flat())} }]`,
    )
    .replace(/scrape_interval: \w+/, 'scrape_interval: 1s')
    .replace(/evaluation_interval: \w+/, 'evaluation_interval: 1s');
  writeFileSync(join(configuration, 'prometheus.yml'), text);
  const url = `http://127.0.0.1:${await freePort()}`;
  const server = start(join(folder, 'usr/bin/prometheus'), [
    `--config.file=${join(configuration, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'figures')}`,
    `--web.listen-address=${new URL(url).host}`,
  ]);
  const ask = async (path) => {
    const answer = await fetch(`${url}/api/v1/${path}`);
    const { status, data, error } = await answer.json();
    if (status !== 'success') throw new Error(`${path}: ${error}`);
    return data;
  };
  await eventually('Prometheus is ready', 20_000, async () => {
    if (server.exitCode !== null) throw new Error(`Prometheus ended\n${server.printed()}`);
    const answer = await fetch(`${url}/-/ready`).catch(() => ({ ok: false }));
    return answer.ok;
  });
  return {
    rules: async () => (await ask('rules')).groups.flatMap(({ rules }) => rules),
    targets: async () => (await ask('targets')).activeTargets,
    query: async (promql) => (await ask(`query?query=${encodeURIComponent(promql)}`)).result,
  };
}

const WORDS = ['by', 'without', 'on', 'unless', 'and', 'or', 'bool', 'offset'];

/** The series that PromQL text asks for, each as a selector, without labels that pass. */
function selectorsIn(promql) {
  const bare = promql.replace(/\b(by|without|on) ?\([^)]*\)/g, '');
  return [...bare.matchAll(/\b([a-z_]\w*)\b(\{[^}]*\})?(?!\s*\(|\w)/g)]
    .map(([, name, labels = '']) => [name, labels])
    .filter(([name, labels]) => !WORDS.includes(name) && !/^\d|^[smhd]$/.test(name + labels))
    .map(([name, labels]) => {
      const kept = labels
        .replace(/^\{|\}$/g, '')
        .split(/,\s*/)
        .filter((label) => label !== '')
        .map((label) =>
          PASSING_LABELS.some((passing) => label.startsWith(passing))
            ? label.replace(/(!?=~?)".*"/, '!=""')
            : label,
        );
      return `${name}{${kept.join(',')}}`;
    });
}

/** What a query asks for and no exporter has. */
async function absentIn(prometheus, promql) {
  const absent = [];
  for (const selector of selectorsIn(promql)) {
    // A healthy product has no such answers.
    if (selector.includes('status=~"5..')) continue;
    if ((await prometheus.query(selector)).length === 0) absent.push(selector);
  }
  return absent;
}

async function figuresAreThere(prometheus, expected) {
  await eventually('every job is scraped', 20_000, async () => {
    const targets = await prometheus.targets();
    return targets.length === expected && targets.every(({ health }) => health === 'up');
  });
  check('every job is scraped', true);
  const dashboard = JSON.parse(
    readFileSync(join(shipped, '../grafana/dashboards/registration.json'), 'utf8'),
  );
  for (const { title, targets = [] } of dashboard.panels) {
    for (const { expr } of targets) {
      // A rate is there from the second scrape on.
      const shown = async () => (await prometheus.query(expr)).length > 0;
      check(`the dashboard shows "${title}"`, await eventually(title, 15_000, shown), expr);
      const absent = await absentIn(prometheus, expr);
      const asks = selectorsIn(expr).length > 0;
      check(`"${title}" asks for figures that are there`, asks && absent.length === 0, absent);
    }
  }
  const rate = dashboard.panels.find(({ title }) => title === 'Activation rate').targets[0].expr;
  const isWhole = async () => (await prometheus.query(rate))[0]?.value[1] === '1';
  check('of one registration one was activated', await eventually('the rate', 15_000, isWhole));
  const misspelt =
    'rate(kurrentdb_io_events_total[1m]) or rate(eventstore_io_event[1m]) / max(up{job="nobody"})';
  const found = await absentIn(prometheus, misspelt);
  const planted = ['eventstore_io_event{}', 'up{job="nobody"}'];
  check('figures that no exporter has would be found', found.join() === planted.join(), found);
  const rules = await prometheus.rules();
  check('every rule is evaluated', rules.length === alertCases.length, rules.length);
  for (const { name, query, health, lastError, state } of rules) {
    const absent = await absentIn(prometheus, query);
    const asks = selectorsIn(query).length > 0;
    check(`${name}: asks for figures that are there`, asks && absent.length === 0, absent);
    check(`${name}: is silent over a healthy product`, health === 'ok' && state === 'inactive', {
      state,
      lastError,
    });
  }
}

try {
  unpackPrograms();
  rulesAreRight();
  const endpoints = await startProduct();
  const targets = await findTargets(children[0]);
  if (check('every process has figures', Object.keys(targets).length === 3, targets)) {
    targets['postgres-exporter'] = await startPostgresExporter(endpoints.database);
    targets.web = await startNginx();
    targets.eventstore = await startSamples();
    const prometheus = await startPrometheus(targets);
    await playStory(endpoints);
    await figuresAreThere(prometheus, Object.values(targets).flat().length);
  }
} catch (error) {
  check(error.stack, false);
} finally {
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(
    children.map((child) =>
      child.exitCode === null
        ? new Promise((ended) => child.once('exit', ended))
        : Promise.resolve(),
    ),
  );
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(`${((Date.now() - startedAt) / 1_000).toFixed(1)} s\n`);
endChecks();
