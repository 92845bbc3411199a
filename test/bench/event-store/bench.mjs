/**
 * How much of the official client's speed is left with the development event store behind it.
 *
 *   npx nest build local && node test/bench/event-store/bench.mjs [rounds] [appends]
 *
 * A is the development event store with fsync on; B answers without storing. Both run as processes of
 * their own, the load comes from this one; rounds alternate, medians and ratios are printed.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { EventStoreDBClient, jsonEvent, START } from '@eventstore/db-client';

const ROUNDS = Number(process.argv[2] ?? 5);
const APPENDS = Number(process.argv[3] ?? 10_000);
const CONCURRENCY = 64;
const EVENTS = 50_000;
const LATENCY_SAMPLES = 500;
const DATA_LENGTH = 500;
const UNARY = { credentials: { username: 'any', password: 'any' } };

const root = join(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'event-store-bench-'));

const measured = (n) =>
  jsonEvent({ type: 'Measured', data: { n, padding: 'x'.repeat(DATA_LENGTH) } });

async function start(path, environment) {
  const child = fork(path, [], {
    env: { ...process.env, LOG_LEVEL: 'fatal', ...environment },
    execArgv: [],
  });
  const [ready] = await once(child, 'message');
  const client = EventStoreDBClient.connectionString(ready.endpoints.eventstore);
  return { child, client };
}

async function appendsPerSecond(client, options) {
  const run = `bench-${Date.now()}`;
  let next = 0;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      while (next < APPENDS) {
        next += 1;
        await client.appendToStream(`${run}-${next % 1_000}`, measured(next), options);
      }
    }),
  );
  return perSecond(APPENDS, startedAt);
}

async function readsPerSecond(client) {
  let read = 0;
  const startedAt = performance.now();
  for await (const resolved of client.readAll({ fromPosition: START, maxCount: EVENTS }))
    read += resolved.event ? 1 : 0;
  if (read !== EVENTS) throw new Error(`read ${read} events instead of ${EVENTS}`);
  return perSecond(EVENTS, startedAt);
}

async function caughtUpPerSecond(client) {
  const startedAt = performance.now();
  const subscription = client.subscribeToAll({ fromPosition: START });
  let received = 0;
  for await (const resolved of subscription) {
    received += resolved.event ? 1 : 0;
    if (received === EVENTS) break;
  }
  const result = perSecond(EVENTS, startedAt);
  await subscription.unsubscribe();
  return result;
}

/** From the call of append to the event's arrival at a live subscriber, in milliseconds. */
async function appendToSubscriber(client) {
  const stream = `latency-${Date.now()}`;
  const arrivals = new Map();
  const subscription = client.subscribeToStream(stream);
  await new Promise((resolve) =>
    subscription
      .on('caughtUp', resolve)
      .on('data', ({ event }) => arrivals.get(event.data.n)?.(performance.now())),
  );
  const latencies = [];
  for (let n = 0; n < LATENCY_SAMPLES; n += 1) {
    const arrived = new Promise((resolve) => arrivals.set(n, resolve));
    const startedAt = performance.now();
    await client.appendToStream(stream, measured(n), UNARY);
    latencies.push((await arrived) - startedAt);
  }
  await subscription.unsubscribe();
  return latencies.sort((a, b) => a - b);
}

function perSecond(count, startedAt) {
  return count / ((performance.now() - startedAt) / 1_000);
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

const eventStore = await start(join(root, 'dist/apps/local/src/event-store/main.js'), {
  EVENTSTORE_PORT: '0',
  EVENTSTORE_DATA_DIR: folder,
});
const answering = await start(join(import.meta.dirname, 'answering-server.mjs'), {
  EVENTS: String(EVENTS),
  DATA_LENGTH: String(DATA_LENGTH),
});
for (let stored = 0; stored < EVENTS; stored += 500)
  await eventStore.client.appendToStream(
    `seed-${stored}`,
    Array.from({ length: 500 }, (_, n) => measured(n)),
  );

const measures = {
  'appends/s, batch path, 64 at a time': (client) => appendsPerSecond(client, {}),
  'appends/s, unary path, 64 at a time': (client) => appendsPerSecond(client, UNARY),
  'readAll, events/s': readsPerSecond,
  'catch-up, events/s': caughtUpPerSecond,
};
for (const [name, measure] of Object.entries(measures)) {
  const [a, b] = [[], []];
  await measure(eventStore.client);
  await measure(answering.client);
  for (let round = 0; round < ROUNDS; round += 1) {
    a.push(await measure(eventStore.client));
    b.push(await measure(answering.client));
  }
  const [storing, ceiling] = [median(a), median(b)];
  console.log(
    `${name.padEnd(38)} A ${Math.round(storing)}  B ${Math.round(ceiling)}  A/B ${(storing / ceiling).toFixed(2)}`,
  );
}
const latencies = await appendToSubscriber(eventStore.client);
console.log(
  `append to live subscriber, ms          p50 ${latencies[LATENCY_SAMPLES / 2].toFixed(2)}  ` +
    `p99 ${latencies[Math.floor(LATENCY_SAMPLES * 0.99)].toFixed(2)}`,
);

for (const { child, client } of [eventStore, answering]) {
  await client.dispose();
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}
rmSync(folder, { recursive: true });
process.exit(0);
