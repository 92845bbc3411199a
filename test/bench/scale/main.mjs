/**
 * What grows with the number of accounts, and what does not.
 *
 *   node test/bench/scale/main.mjs              1,000 and 100,000 accounts (after npm run build)
 *   node test/bench/scale/main.mjs --large      1,000, 100,000 and 1,000,000; rebuilds over 1,000,000 events
 *   node test/bench/scale/main.mjs --quick      1,000 and 10,000
 *   node test/bench/scale/main.mjs --sizes 1000,50000 --only curve,units
 *   node test/bench/scale/main.mjs --folder DIR keeps the data sets there, and uses those that are there
 *
 * The products of all sizes run side by side and are asked in turns, so that whatever else happens on the
 * machine happens to all of them. Results: scale.json, scale.svg and scale.md in BENCH_RESULTS.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { markdownOf } from '../report/render.mjs';
import { Report, median } from '../report/report.mjs';
import { measureRebuilds } from '../rebuild/measure-rebuilds.mjs';
import { chartsOf } from './charts.mjs';
import { Histories, adminPages, registrations, views } from './curve.mjs';
import { ensureDataSet } from './data-set.mjs';
import { forgetHighestMemory, memoryOf } from './processes.mjs';
import { startProduct } from './product.mjs';
import { measureUnits } from './units.mjs';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    large: { type: 'boolean', default: false },
    sizes: { type: 'string' },
    'rebuild-size': { type: 'string' },
    folder: { type: 'string' },
    only: { type: 'string' },
    rounds: { type: 'string' },
    results: { type: 'string' },
  },
});

/** Four events an account and a little less: 254,000 have a log of 1,000,000. */
const { preset, presetForRebuilds } = values.quick
  ? { preset: '1000,10000', presetForRebuilds: 10_000 }
  : values.large
    ? { preset: '1000,100000,1000000', presetForRebuilds: 254_000 }
    : { preset: '1000,100000', presetForRebuilds: 100_000 };
const sizes = (values.sizes ?? preset).split(',').map(Number);
const rebuildSize = Number(values['rebuild-size'] ?? presetForRebuilds);
const rounds = Number(values.rounds ?? (values.quick ? 3 : 7));
const parts = values.only?.split(',') ?? ['curve', 'units', 'rebuild', 'own-rebuild'];
const counts = values.quick
  ? {
      warmUp: 100,
      registrations: 50,
      views: 50,
      histories: 20,
      longHistories: 5,
      pages: 50,
      appends: 500,
      rounds: 1,
      rebuilds: 1,
    }
  : {
      warmUp: 600,
      registrations: 200,
      views: 300,
      histories: 100,
      longHistories: 10,
      pages: 200,
      appends: 5_000,
      rounds: 5,
      rebuilds: 2,
    };

const MOST_REGISTRATION_RATIO = 1.05;
const MOST_HISTORY_RATIO = 1.1;
const MOST_HISTORY_GROWTH = 1.05;
const MOST_PAGE_MS = 50;
const MOST_REBUILD_MB = 200;

const say = (line) => void process.stderr.write(`${line}\n`);
const report = new Report('scale');
const results = values.results ?? process.env.BENCH_RESULTS;
const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'registration-scale-'));
mkdirSync(folder, { recursive: true });
chmodSync(folder, 0o711);

const work = {
  curve: measureCurve,
  units: () => withLargest((product) => measureUnits(product, report, counts)),
  rebuild: async () => {
    const dataSet = await dataSetOf(rebuildSize);
    await measureRebuilds({ dataSet, report, rounds: counts.rebuilds, quick: values.quick });
  },
  'own-rebuild': () => withLargest(measureOwnRebuild),
};

try {
  report.note(`load of the machine when it began: ${loadavg()[0].toFixed(1)}`);
  for (const [part, measure] of Object.entries(work)) {
    if (!parts.includes(part)) continue;
    await measure();
    save();
  }
} finally {
  if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
}

async function withLargest(measure) {
  const product = await startProduct(await dataSetOf(Math.max(...sizes)));
  try {
    await product.settled();
    await measure(product);
  } finally {
    await product.stop();
  }
}

function dataSetOf(accounts) {
  return ensureDataSet(join(folder, String(accounts)), accounts, (line) =>
    say(`data set of ${accounts}: ${line}`),
  );
}

async function measureCurve() {
  const products = new Map();
  const dataSets = [];
  for (const accounts of sizes) dataSets.push(await dataSetOf(accounts));
  for (const { accounts, madeInSeconds } of dataSets) {
    figure('data set made', accounts, 's', [madeInSeconds]);
  }
  try {
    for (const dataSet of dataSets) {
      const product = await startProduct(dataSet);
      products.set(dataSet.accounts, product);
      noteStart(dataSet.accounts, product);
      figure('at rest after the last start', dataSet.accounts, 'ms', [await product.settled()]);
    }
    await measureCalls(products);
    await measurePages(products);
    noteMemory(products);
  } finally {
    for (const product of products.values()) await product.stop();
  }
}

/** A figure of one size, beside the same of the smallest. */
function figure(name, accounts, unit, values, against) {
  return report.figure({
    name: `${name}, ${accounts.toLocaleString('en-US')} accounts`,
    unit,
    rounds: values,
    ...(against && { against }),
  });
}

function noteStart(accounts, product) {
  for (const [name, { startMs }] of product.processes) {
    figure(`start of ${name}`, accounts, 'ms', [startMs]);
  }
  for (const [name, { now }] of product.memory()) {
    figure(`memory of ${name} after its start`, accounts, 'MiB', [now]);
  }
}

async function measureCalls(products) {
  const measured = new Map();
  const histories = new Map();
  const note = (accounts, name, value) => {
    const key = `${name}|${accounts}`;
    measured.set(key, [...(measured.get(key) ?? []), value]);
  };
  for (const [accounts, product] of products) {
    histories.set(accounts, new Histories(product));
    await registrations(product, counts.warmUp);
    await views(product, counts.warmUp);
    await compareHistories(histories.get(accounts), () => undefined);
  }
  for (let round = 0; round < rounds; round++) {
    say(`round ${round + 1} of ${rounds}`);
    for (const [accounts, product] of products) {
      const { ms, processorMs } = await registrations(product, counts.registrations);
      note(accounts, 'registration', ms);
      note(
        accounts,
        'registration, processor',
        [...processorMs.values()].reduce((sum, value) => sum + value, 0),
      );
      for (const [name, value] of processorMs) note(accounts, `registration, ${name}`, value);
    }
    for (const [accounts, product] of products) {
      const { first, again } = await views(product, counts.views);
      note(accounts, 'Basic + view, password checked', first);
      note(accounts, 'Basic + view, password remembered', again);
    }
    for (const accounts of products.keys()) {
      await compareHistories(histories.get(accounts), (kind, { bare, replayed }) => {
        note(accounts, `bare read, ${kind}`, bare);
        note(accounts, `history, ${kind}`, replayed);
        note(accounts, `history / bare read, ${kind}`, replayed / bare);
      });
    }
  }
  for (const own of histories.values()) await own.close();

  const names = [...new Set([...measured.keys()].map((key) => key.split('|')[0]))];
  for (const name of names) {
    let smallest;
    for (const accounts of products.keys()) {
      const unit = name.includes('/') ? 'x' : 'ms';
      const own = figure(name, accounts, unit, measured.get(`${name}|${accounts}`), smallest);
      smallest ??= own;
    }
  }
  goalsOfCalls(names, measured, [...products.keys()]);
}

async function compareHistories(histories, note) {
  const times = (count, pick) => Array.from({ length: count }, pick);
  const { histories: few, longHistories } = counts;
  note('4 events', await histories.compared(times(few, () => histories.someAccount())));
  note('24 events', await histories.compared(times(few, () => histories.longAccount(20))));
  note(
    '504 events',
    await histories.compared(times(longHistories, () => histories.longAccount(500))),
  );
}

function goalsOfCalls(names, measured, all) {
  const [fewest, most] = [all[0], all.at(-1)];
  const growth = (name) => {
    const few = measured.get(`${name}|${fewest}`);
    return median(measured.get(`${name}|${most}`).map((value, round) => value / few[round]));
  };
  const span = `${fewest.toLocaleString('en-US')} to ${most.toLocaleString('en-US')} accounts`;
  report.goal({
    id: 'P7',
    text: `registration, growth from ${span}`,
    measured: growth('registration'),
    unit: 'x',
    atMost: MOST_REGISTRATION_RATIO,
  });
  for (const kind of ['4 events', '24 events', '504 events']) {
    report.goal({
      id: 'P7',
      text: `history of ${kind} against a bare read, ${most.toLocaleString('en-US')} accounts`,
      measured: median(measured.get(`history / bare read, ${kind}|${most}`)),
      unit: 'x',
      atMost: MOST_HISTORY_RATIO,
    });
    report.goal({
      id: 'P7',
      text: `history of ${kind}, growth from ${span}`,
      measured: growth(`history, ${kind}`),
      unit: 'x',
      atMost: MOST_HISTORY_GROWTH,
    });
  }
}

async function measurePages(products) {
  const smallest = new Map();
  for (const [accounts, product] of products) {
    say(`admin pages over ${accounts} accounts`);
    let worst = { name: '', p99: 0 };
    for (const [name, { p50, p99 }] of await adminPages(product, counts.pages)) {
      const first = smallest.get(name);
      const own = figure(`admin, ${name}, p50`, accounts, 'ms', [p50], first);
      if (!first) smallest.set(name, own);
      figure(`admin, ${name}, p99`, accounts, 'ms', [p99]);
      if (p99 > worst.p99) worst = { name, p99 };
    }
    report.goal({
      id: 'P7',
      text: `slowest admin page (${worst.name}), p99, ${accounts.toLocaleString('en-US')} accounts`,
      measured: worst.p99,
      unit: 'ms',
      atMost: MOST_PAGE_MS,
    });
  }
}

function noteMemory(products) {
  for (const [accounts, product] of products) {
    for (const [name, { highest }] of product.memory()) {
      figure(`memory of ${name}, highest`, accounts, 'MiB', [highest]);
    }
  }
}

/** As an operator has it done: by the admin process, while the worker goes on. */
async function measureOwnRebuild(product) {
  const { accounts } = product.dataSet;
  const admin = product.processes.get('admin').pid;
  const worker = product.processes.get('worker').pid;
  for (const pid of [admin, worker]) forgetHighestMemory(pid);
  const { events, seconds, state } = await product.rebuilt('accounts');
  figure('rebuild of accounts by the admin process', accounts, 'events/s', [events / seconds]);
  figure('memory of admin during a rebuild, highest', accounts, 'MiB', [memoryOf(admin).highest]);
  figure('memory of worker during a rebuild, highest', accounts, 'MiB', [memoryOf(worker).highest]);
  figure('memory of eventstore after a rebuild, highest', accounts, 'MiB', [
    memoryOf(product.processes.get('eventstore').pid).highest,
  ]);
  report.note(`the rebuild over ${events} events ended as "${state}"`);
  for (const [name, pid] of Object.entries({ admin, worker })) {
    report.goal({
      id: 'P6',
      text: `memory of the ${name} process during a rebuild of ${accounts.toLocaleString('en-US')} accounts`,
      measured: memoryOf(pid).highest,
      unit: 'MiB',
      atMost: MOST_REBUILD_MB,
    });
  }
}

function save() {
  if (results === undefined) return;
  report.save(results);
  const saved = report.toJSON();
  const at = saved.startedAt.slice(0, 16).replace('T', ' ');
  writeFileSync(join(results, 'scale.svg'), chartsOf(saved));
  writeFileSync(
    join(results, 'scale.md'),
    markdownOf({
      at,
      machine: saved.machine,
      reports: [saved],
      logs: [],
      arguments: process.argv.slice(2).join(' '),
    }),
  );
}
