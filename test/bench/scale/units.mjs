/** What one of everything costs: the figures that a plan for more than one machine is made of. */
import { randomBytes, randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { BcryptPasswordHasher } from '../../../dist/modules/apps/accounts-api/src/passwords/bcrypt-password-hasher.js';
import { EventStoreDBEventStore } from '../../../dist/modules/libs/event-store/src/eventstoredb-event-store.js';
import { password } from './account-lives.mjs';
import { BCRYPT_COST } from './secrets.mjs';

/** Of production, and what is cheapest in tests. */
const COSTS = [12, 10, BCRYPT_COST];
const HASHES = { 12: 4, 10: 10, 4: 100 };
const APPENDS_AT_A_TIME = 64;
const TABLES = [
  ['read_model.accounts', 'accounts row, indexes included'],
  ['read_model.activation_mails', 'activation mail row, indexes included'],
  ['personal_data.account_keys', 'account key, indexes included'],
];

/** @param product of the largest size */
export async function measureUnits(product, report, { rounds, appends }) {
  await measureHashes(product, report, rounds);
  await measureAppends(product, report, { rounds, appends });
  await measureStorage(product, report);
}

async function measureHashes({ secrets }, report, rounds) {
  for (const cost of COSTS) {
    const hasher = await BcryptPasswordHasher.create({
      cost,
      peppers: secrets.peppers,
      concurrency: 1,
      longestWaitMs: 60_000,
    });
    const found = [];
    for (let round = 0; round < rounds; round++) {
      const before = process.cpuUsage();
      for (let hash = 0; hash < HASHES[cost]; hash++) await hasher.hash(password, 'unit');
      found.push(processorMsSince(before) / HASHES[cost]);
    }
    report.figure({ name: `unit: hash of cost ${cost}, processor`, unit: 'ms', rounds: found });
  }
}

/** As the product appends: one decision of two events, waited for. */
async function measureAppends(product, report, { rounds, appends }) {
  const store = new EventStoreDBEventStore({ url: product.url('eventstore'), timeoutMs: 30_000 });
  const rates = [];
  const client = [];
  const server = [];
  const decision = () => {
    const metadata = {
      schemaVersion: 1,
      $correlationId: randomUUID(),
      $causationId: randomUUID(),
      actor: 'anonymous',
      chain: randomBytes(32).toString('hex'),
    };
    const event = {
      type: 'Measured',
      data: { sealed: randomBytes(240).toString('base64') },
      metadata,
    };
    return [
      { ...event, id: randomUUID() },
      { ...event, id: randomUUID() },
    ];
  };
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    const before = process.cpuUsage();
    const serverBefore = product.processorMs().get('eventstore');
    const startedAt = performance.now();
    let begun = 0;
    await Promise.all(
      Array.from({ length: APPENDS_AT_A_TIME }, async () => {
        while (begun++ < appends)
          await store.append(`measured-${randomUUID()}`, 'no-stream', decision());
      }),
    );
    if (round === 0) continue;
    rates.push((appends * 1_000) / (performance.now() - startedAt));
    client.push(processorMsSince(before) / appends);
    server.push((product.processorMs().get('eventstore') - serverBefore) / appends);
  }
  await store.close();
  report.figure({ name: 'unit: appends of two events, one process', unit: '1/s', rounds: rates });
  report.figure({ name: 'unit: append, processor of the client', unit: 'ms', rounds: client });
  report.figure({ name: 'unit: append, processor of the event store', unit: 'ms', rounds: server });
}

async function measureStorage({ dataSet, database }, report) {
  const { size } = statSync(join(dataSet.folder, 'eventstore', 'events.log'));
  const { rows } = await database.query({
    text: 'select count(*)::float8 as accounts from read_model.accounts',
  });
  const bytes = (name, value) =>
    report.figure({ name: `unit: ${name}`, unit: 'bytes', rounds: [value] });
  bytes('log of one account', size / rows[0].accounts);
  for (const [table, name] of TABLES) {
    const { rows: sizes } = await database.query({
      text: `select pg_total_relation_size($1::regclass)::float8 as bytes,
                    (select count(*) from ${table})::float8 as rows`,
      values: [table],
    });
    bytes(name, sizes[0].bytes / sizes[0].rows);
  }
}

function processorMsSince(before) {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
