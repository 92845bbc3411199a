/** How fast rows are built anew, beside what bounds it and beside doing it event by event. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { median } from '../report/report.mjs';
import {
  liveTable,
  readCheckpoint,
  saveCheckpoint,
} from '../../../dist/modules/libs/consumers/src/index.js';
import { nodeFlags } from '../../../dist/modules/apps/local/src/launcher/node-flags.js';
import { BOUND_OF_HEAP } from '../../../dist/modules/apps/local/src/launcher/parts.js';
import { projections } from '../../../dist/modules/libs/views/src/index.js';
import { migrate } from '../../../dist/modules/libs/postgres/src/migrate.js';
import { createPool } from '../../../dist/modules/libs/postgres/src/postgres.js';
import { startDatabase, startEventStore } from '../scale/data-set.mjs';
import { memoryOf } from '../scale/processes.mjs';
import { GeneratedLog } from './generated-log.mjs';

const LEAST_PER_SECOND = 50_000;
const LEAST_OF_READING = 0.85;
const LEAST_OVER_ONE_BY_ONE = 7;
const MOST_MEMORY_MB = 200;
const MOST_EVENT_STORE_MB = 400;
const MOST_EVENTS_GENERATED = 1_000_000;
const PARTITIONS = [1, 2, 4];
const MOST_EVENTS_PARTITIONED = 300_000;
const NAMES = ['accounts', 'activation-mails'];

/**
 * Rebuilds from a log that is generated (the read model's side alone) and from the event store, in turns with
 * reading and throwing away, one awaited statement per event, and COPY of the same rows.
 */
export async function measureRebuilds({ dataSet, report, rounds, quick }) {
  const oneByOne = quick ? 2_000 : 20_000;
  const postgres = await startDatabase(dataSet);
  await migrate(postgres.url);
  const eventStore = await startEventStore(dataSet);
  const copies = mkdtempSync(join(tmpdir(), 'registration-copies-'));
  chmodSync(copies, 0o777);
  const database = createPool(postgres.url, {
    max: 2,
    applicationName: 'bench',
    statementTimeoutMs: 600_000,
  });
  try {
    const end = String(await readCheckpoint(database, 'accounts'));
    const stored = {
      databaseUrl: postgres.url,
      eventStoreUrl: eventStore.endpoints.eventstore,
      secretFiles: dataSet.secretFiles,
      end,
    };
    const generated = await generatedDatabase(database, postgres.url);
    const log = new GeneratedLog(quick ? 100_000 : MOST_EVENTS_GENERATED);
    const found = new Map();
    const note = (name, value) => found.set(name, [...(found.get(name) ?? []), value]);
    const noteRate = (name, { events, ms, memory }) => {
      note(name, (events * 1_000) / ms);
      note(`memory, ${name}`, memory);
    };
    await prepareRebuilds(generated, log);
    for (let round = 0; round < rounds; round++) {
      for (const projection of NAMES) {
        const own = { ...stored, projection };
        const fromNothing = {
          projection,
          databaseUrl: generated.url,
          events: log.events,
          // The first time there is nothing to compare with.
          switchWhenDifferent: round === 0,
        };
        noteRate(
          `${projection}: generated log`,
          await inProcess({ ...fromNothing, work: 'rebuild' }),
        );
        note(
          `${projection}: COPY of the rows`,
          await copyRate(generated.database, projection, copies),
        );
        const read = await inProcess({ ...own, work: 'read' });
        noteRate(`${projection}: read and discard`, read);
        const rebuilt = await inProcess({ ...own, work: 'rebuild' });
        if (rebuilt.state !== 'switched') throw new Error(`${projection}: the rebuilt rows differ`);
        noteRate(`${projection}: rebuild from the event store`, rebuilt);
        note(`${projection}: whole rebuild, with indexes and comparison`, rate(rebuilt, 'totalMs'));
        noteRate(
          `${projection}: one event at a time`,
          await inProcess({ ...own, work: 'one-by-one', limit: oneByOne }),
        );
        note(`events of ${projection}`, rebuilt.events);
      }
      for (const partitions of PARTITIONS) {
        note(
          `accounts: ${partitions} processes`,
          await partitionedRate(stored, {
            partitions,
            limit: Math.ceil(MOST_EVENTS_PARTITIONED / partitions),
          }),
        );
      }
      note(
        'accounts: live projection',
        await partitionedRate(stored, { partitions: 1, asLive: true, limit: oneByOne }),
      );
    }
    const { highest } = memoryOf(eventStore.pid);
    tell(report, found, dataSet, highest);
    await generated.drop();
  } finally {
    rmSync(copies, { recursive: true, force: true });
    await database.close();
    await eventStore.stop();
    await postgres.stop();
  }
}

function tell(report, found, dataSet, eventStoreMemory) {
  const figures = new Map();
  const show = (name, unit, against) => {
    const rounds = found.get(name);
    const figure = report.figure({
      name,
      unit,
      rounds,
      ...(against && { against: figures.get(against) }),
    });
    figures.set(name, figure);
    return figure;
  };
  const middle = (name) => median(found.get(name));
  const events = middle('events of accounts');
  for (const projection of NAMES) {
    show(`${projection}: COPY of the rows`, 'rows/s');
    const built = show(`${projection}: generated log`, 'events/s');
    show(`${projection}: read and discard`, 'events/s');
    show(`${projection}: one event at a time`, 'events/s');
    const rebuilt = show(
      `${projection}: rebuild from the event store`,
      'events/s',
      `${projection}: read and discard`,
    );
    show(`${projection}: whole rebuild, with indexes and comparison`, 'events/s');
    const overOneByOne = median(
      rebuilt.rounds.map(
        (value, round) => value / found.get(`${projection}: one event at a time`)[round],
      ),
    );
    const memory = show(`memory, ${projection}: rebuild from the event store`, 'MiB');
    report.goal({
      id: 'P6',
      text: `${projection}: rebuild of ${events.toLocaleString('en-US')} events, read model's side`,
      measured: built.median,
      unit: 'events/s',
      atLeast: LEAST_PER_SECOND,
    });
    report.goal({
      id: 'P6',
      text: `${projection}: rebuild from the event store against reading alone`,
      measured: rebuilt.against.ratio,
      unit: 'x',
      atLeast: LEAST_OF_READING,
    });
    report.goal({
      id: 'P6',
      text: `${projection}: rebuild against one event at a time`,
      measured: overOneByOne,
      unit: 'x',
      atLeast: LEAST_OVER_ONE_BY_ONE,
    });
    report.goal({
      id: 'P6',
      text: `${projection}: memory of a process that rebuilds`,
      measured: memory.median,
      unit: 'MiB',
      atMost: MOST_MEMORY_MB,
    });
  }
  for (const partitions of PARTITIONS) {
    show(
      `accounts: ${partitions} processes`,
      'events/s',
      partitions === 1 ? undefined : 'accounts: 1 processes',
    );
  }
  show('accounts: live projection', 'events/s', 'accounts: 1 processes');
  report.goal({
    id: 'P9',
    text: `memory of the development event store over ${events.toLocaleString('en-US')} events`,
    measured: eventStoreMemory,
    unit: 'MiB',
    atMost: MOST_EVENT_STORE_MB,
  });
}

function rate({ events, ...times }, time = 'ms') {
  return (events * 1_000) / times[time];
}

/** Each process follows the streams of its share of the account ids, and writes their rows. */
async function partitionedRate(stored, { partitions, ...options }) {
  const digits = [...'0123456789abcdef'];
  const share = digits.length / partitions;
  const startedAt = performance.now();
  const outcomes = await Promise.all(
    Array.from({ length: partitions }, (_, partition) =>
      inProcess({
        ...stored,
        ...options,
        projection: 'accounts',
        work: 'fill',
        partition,
        prefixes: digits
          .slice(partition * share, (partition + 1) * share)
          .map((digit) => `account-${digit}`),
      }),
    ),
  );
  const ms = Math.max(...outcomes.map((outcome) => outcome.ms), 0);
  const events = outcomes.reduce((sum, outcome) => sum + outcome.events, 0);
  if (ms > performance.now() - startedAt) throw new Error('a process took longer than all of them');
  return (events * 1_000) / ms;
}

/** In a process with the flags that the operators' process has. */
async function inProcess(order) {
  const execArgv = [...nodeFlags(), ...BOUND_OF_HEAP.split(' ')];
  const child = fork(join(import.meta.dirname, 'rebuild-run.mjs'), [], { execArgv });
  const answered = once(child, 'message');
  const ended = once(child, 'exit');
  child.send(order);
  const [{ outcome }] = await Promise.race([
    answered,
    ended.then(([code]) => {
      throw new Error(`"${order.work}" of ${order.projection} ended with ${code}`);
    }),
  ]);
  await ended;
  return outcome;
}

/** A database beside the data set's own, for rows of accounts that no event store knows. */
async function generatedDatabase(database, url) {
  const name = 'generated';
  await database.query({ text: `drop database if exists ${name} with (force)` });
  await database.query({ text: `create database ${name}` });
  const own = new URL(url);
  own.pathname = `/${name}`;
  await migrate(own.href);
  const pool = createPool(own.href, {
    max: 2,
    applicationName: 'bench',
    statementTimeoutMs: 600_000,
  });
  return {
    url: own.href,
    database: pool,
    drop: async () => {
      await pool.close();
      await database.query({ text: `drop database ${name} with (force)` });
    },
  };
}

async function prepareRebuilds({ database }, log) {
  for (const projection of NAMES) await saveCheckpoint(database, projection, log.end);
}

async function copyRate(database, projection, folder) {
  const table = liveTable(projections.find(({ name }) => name === projection));
  const file = join(folder, projection);
  await database.query({ text: `copy ${table} to '${file}'` });
  await database.query({ text: `create table public.copied (like ${table} including indexes)` });
  const startedAt = performance.now();
  const { rowCount } = await database.query({ text: `copy public.copied from '${file}'` });
  const ms = performance.now() - startedAt;
  await database.query({ text: 'drop table public.copied' });
  return (rowCount * 1_000) / ms;
}
