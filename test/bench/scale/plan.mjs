/**
 * What a load takes, from the unit costs of a run of this bench.
 *
 *   node test/bench/scale/plan.mjs RESULTS/scale.json
 *   node test/bench/scale/plan.mjs RESULTS/scale.json --rate 500 --mean 20 --cost 10 --activated 0.8
 *
 * --rate        registrations a second at the peak (10,000)
 * --mean        registrations a second on average over a year, for what has to be stored (a fiftieth of the rate)
 * --activated   share of registrations that are activated (0.9)
 * --cost        cost of bcrypt: 12, 10 or 4 (12)
 * --busy        how much of a core or node is to be used at most (0.6)
 * --mail-ms     how long the mail API takes to answer (150)
 * --node-appends  appends a second that one event store node takes, as measured there; the run's own when left out
 * --copies      copies of every log and database (3)
 *
 * Prints Markdown. Numbers of the machine of the run: measure on the machines that are to be used.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rate: { type: 'string', default: '10000' },
    mean: { type: 'string' },
    activated: { type: 'string', default: '0.9' },
    cost: { type: 'string', default: '12' },
    busy: { type: 'string', default: '0.6' },
    'mail-ms': { type: 'string', default: '150' },
    'node-appends': { type: 'string' },
    copies: { type: 'string', default: '3' },
  },
});
const [path] = positionals;
if (path === undefined) {
  process.stderr.write('usage: node test/bench/scale/plan.mjs RESULTS/scale.json [--rate N] …\n');
  process.exit(2);
}

const report = JSON.parse(readFileSync(path, 'utf8'));
const rate = Number(values.rate);
const mean = Number(values.mean ?? rate / 50);
const activated = Number(values.activated);
const busy = Number(values.busy);
const mailMs = Number(values['mail-ms']);
const copies = Number(values.copies);

const SECONDS_PER_YEAR = 365 * 86_400;
/** Registered and issued; sent; and, of those that are activated, activated. */
const eventsEach = 3 + activated;
const appendsEach = 2 + activated;
/** One when registering, one when proving the password to activate. */
const hashesEach = 1 + activated;
const DEFAULT_MAILS_AT_A_TIME = 16;

/** Of the largest data set, where there are several. */
function figureOf(name) {
  const found = report.figures.filter(
    (figure) => figure.name === name || figure.name.startsWith(`${name}, `),
  );
  const figure = found.find((one) => one.name === name) ?? found.at(-1);
  if (figure === undefined) {
    process.stderr.write(`${path} has no figure "${name}": run the bench without --only\n`);
    process.exit(1);
  }
  return figure.median;
}

/** Of all registrations the bench makes with its own, cheap hashes. */
const benchHashMs = figureOf('unit: hash of cost 4, processor');
const hashMs = figureOf(`unit: hash of cost ${values.cost}, processor`);
const apiMs = Math.max(0, sized('registration, api') - benchHashMs);
const workerMs = sized('registration, worker');
const postgresMs = sized('registration, postgres');
const eventStoreMs = sized('registration, eventstore');
const appendsPerNode = Number(
  values['node-appends'] ?? figureOf('unit: appends of two events, one process'),
);
const liveProjection = figureOf('accounts: live projection');
const batchProjection = figureOf('accounts: 1 processes');
const logBytes = figureOf('unit: log of one account');
const accountBytes = figureOf('unit: accounts row, indexes included');
const mailBytes = figureOf('unit: activation mail row, indexes included');
const keyBytes = figureOf('unit: account key, indexes included');

function sized(name) {
  const found = report.figures.filter((figure) =>
    new RegExp(`^${name}, [\\d,]+ accounts$`).test(figure.name),
  );
  const last = found.at(-1);
  if (last === undefined) {
    process.stderr.write(`${path} has no figure "${name}": run the bench without --only\n`);
    process.exit(1);
  }
  return last.median;
}

const hashCores = (rate * hashesEach * hashMs) / 1_000 / busy;
const apiCores = (rate * (1 + activated) * apiMs) / 1_000 / busy;
const workerCores = (rate * workerMs) / 1_000 / busy;
const appends = rate * appendsEach;
const events = rate * eventsEach;
const clusters = appends / (appendsPerNode * busy);
const partitions = (perSecond) => events / (perSecond * busy);
const mailsAtATime = (rate * mailMs) / 1_000;
const accountsPerYear = mean * SECONDS_PER_YEAR;
const yearly = (bytes) => accountsPerYear * bytes;

/** What, what one costs, how many registrations a second one of it carries, what the load takes. */
const rows = [
  [
    'hashing',
    `${ms(hashMs)} a hash, ${short(hashesEach)} hashes an account`,
    `${rough((busy * 1_000) / hashMs / hashesEach)} a core`,
    count(hashCores, 'core'),
  ],
  [
    'api beside hashing',
    `${ms(apiMs)} a call, ${short(1 + activated)} calls an account`,
    `${rough((busy * 1_000) / apiMs / (1 + activated))} a process`,
    count(apiCores, 'process', 'processes'),
  ],
  [
    'worker: saga, mail, projections',
    `${ms(workerMs)} an account`,
    `${rough((busy * 1_000) / workerMs)} a process`,
    count(workerCores, 'process', 'processes'),
  ],
  [
    'accounts projection, a small batch at a time',
    `${big(liveProjection)} events/s`,
    `${rough((busy * liveProjection) / eventsEach)} a partition`,
    count(partitions(liveProjection), 'partition'),
  ],
  [
    'accounts projection, many events at a time',
    `${big(batchProjection)} events/s`,
    `${rough((busy * batchProjection) / eventsEach)} a partition`,
    count(partitions(batchProjection), 'partition'),
  ],
  [
    'mail calls',
    `${mailMs} ms a call, ${DEFAULT_MAILS_AT_A_TIME} at a time`,
    `${rough((DEFAULT_MAILS_AT_A_TIME * 1_000) / mailMs)} a worker`,
    `${big(mailsAtATime)} calls at a time`,
  ],
  [
    'appends',
    `${short(appendsEach)} appends and ${short(eventsEach)} events an account; ${big(appendsPerNode)} appends/s`,
    `${rough((busy * appendsPerNode) / appendsEach)} a cluster`,
    `${big(appends)} appends/s, ${big(events)} events/s: ${count(clusters, 'cluster')}`,
  ],
  [
    'PostgreSQL',
    `${ms(postgresMs)} an account`,
    `${rough((busy * 1_000) / postgresMs)} a core`,
    count((rate * postgresMs) / 1_000 / busy, 'core'),
  ],
];

/** What is kept, what one costs, and what a year of the average load makes of it, copies included. */
const storage = [
  ['log', `${big(logBytes)} bytes an account`, size(yearly(logBytes) * copies)],
  ['account keys', `${big(keyBytes)} bytes`, size(yearly(keyBytes) * copies)],
  [
    'accounts and mails of the read model',
    `${big(accountBytes + mailBytes)} bytes an account`,
    size(yearly(accountBytes + mailBytes) * copies),
  ],
];

process.stdout.write(
  [
    `${big(rate)} registrations/s at the peak, bcrypt cost ${values.cost}, ${short(activated * 100)} % activated, ` +
      `everything at most ${short(busy * 100)} % busy.`,
    `Unit costs of ${report.startedAt.slice(0, 10)}: ${report.machine.cores} cores, node ${report.machine.node}. ` +
      `Appends are those of the development event store, which takes ${ms(eventStoreMs)} of processor an account.`,
    '',
    '| what | unit | registrations/s of one | the load takes |',
    '|---|---|---|---|',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    '',
    `${big(mean)} registrations/s on average make ${big(accountsPerYear)} accounts a year. With ${copies} copies of everything:`,
    '',
    '| what | unit | a year |',
    '|---|---|---|',
    ...storage.map((row) => `| ${row.join(' | ')} |`),
    '',
  ].join('\n'),
);

function short(value) {
  return Number(value.toPrecision(2)).toString();
}

function ms(value) {
  return `${Number(value.toPrecision(2))} ms`;
}

function big(value) {
  return Math.round(value).toLocaleString('en-US');
}

function rough(value) {
  return value >= 100 ? big(Number(value.toPrecision(2))) : short(value);
}

function count(value, unit, units = `${unit}s`) {
  const whole = Math.max(1, Math.ceil(value));
  return `${whole.toLocaleString('en-US')} ${whole === 1 ? unit : units}`;
}

function size(bytes) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${short(bytes / 1_000 ** power)} ${units[power]}`;
}
