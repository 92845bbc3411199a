/**
 * A process that does with the event store at EVENTSTORE_URL all that the product does, through the built
 * adapter, closes it when the subscription has ended, and has nothing more to do: node must let it exit.
 *
 * EVENTSTORE_ENDS_BY: `close` ends the subscription by closing, `outage` waits until it is lost.
 */
import { randomUUID } from 'node:crypto';
import { EventStoreDBEventStore } from '../../dist/modules/libs/event-store/src/eventstoredb-event-store.js';

const { EVENTSTORE_URL: url, EVENTSTORE_ENDS_BY: endsBy } = process.env;
const store = new EventStoreDBEventStore({ url, timeoutMs: 5_000 });
const outcomes = { stored: 0 };

function newEvent() {
  const metadata = {
    schemaVersion: 1,
    $correlationId: randomUUID(),
    $causationId: randomUUID(),
    actor: 'worker',
  };
  return { id: randomUUID(), type: 'Used', data: { text: 'x'.repeat(10_000) }, metadata };
}

async function append() {
  const { revision } = await store.append(`used-${randomUUID()}`, 'no-stream', [newEvent()]);
  if (revision === 0n) outcomes.stored++;
}

async function readPart() {
  for await (const { revision } of store.readStream('used-long')) if (revision === 3n) break;
}

async function subscribe(whenCaughtUp) {
  const signal = new globalThis.AbortController().signal;
  const messages = store.subscribeToAll({ after: 'start', streamNamePrefixes: ['used-'], signal });
  for await (const { kind } of messages) if (kind === 'caught-up') whenCaughtUp();
}

await store.append('used-long', 'no-stream', [
  newEvent(),
  newEvent(),
  newEvent(),
  newEvent(),
  newEvent(),
]);
await readPart();
let caughtUp;
const isCaughtUp = new Promise((resolve) => (caughtUp = resolve));
const subscriptions = Promise.allSettled([subscribe(caughtUp), subscribe(() => undefined)]);
await isCaughtUp;
const appends = Promise.allSettled(Array.from({ length: 200 }, append));
process.send({ kind: 'ready', endpoints: {} });
if (endsBy === 'close') {
  await appends;
  await store.close();
}
const ended = [...(await subscriptions), ...(await appends)];
for (const { status, reason } of ended) {
  if (status === 'rejected') outcomes[reason.name] = (outcomes[reason.name] ?? 0) + 1;
}
await store.close();
process.stdout.write(`${JSON.stringify(outcomes)}\n`);
