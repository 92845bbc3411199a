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
const liveProjection = figureOf('accounts: live projection, statement by statement');
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

const rows = [
  [
    'hashing',
    `${ms(hashMs)} a hash, ${short(hashesEach)} hashes an account`,
    count(hashCores, 'core'),
  ],
  [
    'api beside hashing',
    `${ms(apiMs)} a call, ${short(1 + activated)} calls an account`,
    count(apiCores, 'core'),
  ],
  ['worker', `${ms(workerMs)} an account: saga, mail, projections`, count(workerCores, 'core')],
  ['PostgreSQL', `${ms(postgresMs)} an account`, count((rate * postgresMs) / 1_000 / busy, 'core')],
  [
    'appends',
    `${short(appendsEach)} appends, ${short(eventsEach)} events an account: ${big(appends)} appends/s, ${big(events)} events/s`,
    `${count(clusters, 'cluster')} at ${big(appendsPerNode)} appends/s each`,
  ],
  [
    'accounts projection as it is',
    `${big(liveProjection)} events/s in one process`,
    count(partitions(liveProjection), 'partition'),
  ],
  [
    'accounts projection in batches',
    `${big(batchProjection)} events/s in one process`,
    count(partitions(batchProjection), 'partition'),
  ],
  [
    'mail calls',
    `${mailMs} ms a call`,
    `${big(rate)} calls/s, ${big(mailsAtATime)} at a time = ${count(mailsAtATime / DEFAULT_MAILS_AT_A_TIME, 'saga partition')} of ${DEFAULT_MAILS_AT_A_TIME}`,
  ],
  ['accounts a year', `${big(mean)} registrations/s on average`, big(accountsPerYear)],
  [
    'log a year',
    `${big(logBytes)} bytes an account, ${copies} copies`,
    size(yearly(logBytes) * copies),
  ],
  [
    'account keys a year',
    `${big(keyBytes)} bytes, ${copies} copies`,
    size(yearly(keyBytes) * copies),
  ],
  [
    'read model a year',
    `${big(accountBytes + mailBytes)} bytes an account, ${copies} copies`,
    size(yearly(accountBytes + mailBytes) * copies),
  ],
];

process.stdout.write(
  [
    `${big(rate)} registrations/s at the peak, bcrypt cost ${values.cost}, ${activated * 100} % activated, ` +
      `everything at most ${busy * 100} % busy.`,
    `Unit costs of ${report.startedAt.slice(0, 10)}: ${report.machine.cores} cores, node ${report.machine.node}. ` +
      `Event store: ${ms(eventStoreMs)} of processor an account in the development event store.`,
    '',
    '| what | unit | takes |',
    '|---|---|---|',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
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

function count(value, unit) {
  const whole = Math.max(1, Math.ceil(value));
  return `${whole.toLocaleString('en-US')} ${unit}${whole === 1 ? '' : 's'}`;
}

function size(bytes) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${short(bytes / 1_000 ** power)} ${units[power]}`;
}
