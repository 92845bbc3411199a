/**
 * A thread that writes accounts of a data set: keys first, then registrations, then what followed. It asks for
 * a chunk of account numbers, reports it as done, and ends when there is none left.
 */
import { randomUUID } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import {
  EventStoreDBClient,
  NO_STREAM,
  WrongExpectedVersionError,
  jsonEvent,
} from '@eventstore/db-client';
import { accountStreamName, addressKeyOf } from '../../../dist/modules/libs/accounts/src/index.js';
import { EventStoreDBEventStore } from '../../../dist/modules/libs/event-store/src/eventstoredb-event-store.js';
import {
  WrongExpectedRevision,
  handleCommand,
} from '../../../dist/modules/libs/event-store/src/index.js';
import {
  AccountEventCodec,
  AccountKeys,
} from '../../../dist/modules/libs/personal-data/src/index.js';
import { createPool } from '../../../dist/modules/libs/postgres/src/postgres.js';
import {
  addressOf,
  fateOf,
  lifeOf,
  longHistoryOf,
  password,
  provesPassword,
} from './account-lives.mjs';
import { hasherOf, readSecrets } from './secrets.mjs';

const { dataSet, databaseUrl, eventStoreUrl, chunkSize, writesLongHistories } = workerData;
const APPENDS_AT_A_TIME = 48;
/** While one waits for the database the other appends. */
const CHUNKS_AT_A_TIME = 2;
const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const LONG_HISTORIES = [20, 500];

const { accountIds, peppers, personalDataKeys } = readSecrets(dataSet.secretFiles);
const hasher = await hasherOf(peppers);
const database = createPool(databaseUrl, {
  max: CHUNKS_AT_A_TIME,
  applicationName: 'scale writer',
  statementTimeoutMs: 600_000,
});
const eventStore = new EventStoreDBEventStore({ url: eventStoreUrl, timeoutMs: 60_000 });
/** Without credentials it takes the batched call, which costs less than half of what the product's appends do. */
const client = EventStoreDBClient.connectionString(eventStoreUrl);

/** Finding and adding a key, which `AccountKeys` does one by one: answered from memory, and gathered for a chunk. */
class GatheredKeys {
  rows = new Map();
  added = [];

  /** Keys of a chunk that was begun before are used again: its events are sealed with them. */
  async load(ids) {
    const { rows } = await database.query({
      text: `select account_id, generation, wrapped_key, key_encryption_key_id
             from personal_data.account_keys
             where account_id = any($1::uuid[]) and destroyed_at is null`,
      values: [ids],
    });
    for (const row of rows) this.rows.set(row.account_id, row);
  }

  async query(statement) {
    const { name, values } = statement;
    if (name === 'find-account-keys') {
      return { rows: values[0].flatMap((id) => this.rows.get(id) ?? []), rowCount: 0 };
    }
    if (name === 'add-account-key') {
      const [account_id, generation, wrapped_key, key_encryption_key_id] = values;
      const row = { account_id, generation, wrapped_key, key_encryption_key_id };
      this.rows.set(account_id, row);
      this.added.push(row);
      return { rows: [], rowCount: 1 };
    }
    return database.query(statement);
  }

  async save() {
    const rows = this.added;
    await database.query({
      name: 'scale-add-keys',
      text: `insert into personal_data.account_keys
               (account_id, generation, wrapped_key, key_encryption_key_id)
             select * from unnest($1::uuid[], $2::int[], $3::bytea[], $4::text[])
             on conflict (account_id, generation) do nothing`,
      values: [
        rows.map((row) => row.account_id),
        rows.map((row) => row.generation),
        rows.map((row) => row.wrapped_key),
        rows.map((row) => row.key_encryption_key_id),
      ],
    });
  }
}

/** Nothing is decided on what the streams hold: the facts are given. */
class EncodingCodec extends AccountEventCodec {
  async decode() {
    return [];
  }
}

/** What this thread has appended is not read again, unless somebody was there before. */
class RememberingStore {
  streams = new Map();
  position = 0n;

  historyOf(streamName) {
    return this.streams.get(streamName) ?? [];
  }

  async *readStream(streamName) {
    yield* this.historyOf(streamName);
  }

  async append(streamName, expectedRevision, events) {
    const before = this.historyOf(streamName);
    try {
      const result = await client.appendToStream(streamName, events.map(jsonEvent), {
        expectedRevision: expectedRevision === 'no-stream' ? NO_STREAM : expectedRevision,
      });
      const position = result.position.commit;
      if (position > this.position) this.position = position;
      const recorded = events.map((event, index) => ({
        ...event,
        streamName,
        revision: BigInt(before.length + index),
      }));
      this.streams.set(streamName, [...before, ...recorded]);
      return { position, revision: result.nextExpectedRevision };
    } catch (error) {
      if (!(error instanceof WrongExpectedVersionError)) throw error;
      const recorded = [];
      for await (const event of eventStore.readStream(streamName)) recorded.push(event);
      this.streams.set(streamName, recorded);
      const last = recorded.at(-1)?.position ?? 0n;
      if (last > this.position) this.position = last;
      throw new WrongExpectedRevision(streamName, expectedRevision);
    }
  }
}

function append({ store, codec }, streamName, from, facts, context) {
  return handleCommand(
    {
      store,
      codec,
      decider: {
        initialState: undefined,
        decide: () => (store.historyOf(streamName).length > from ? [] : facts),
        evolve: (state) => state,
      },
    },
    streamName,
    () => undefined,
    context,
  );
}

/** As the product has them: half of all events were caused by a request from outside. */
function contextOf(actor) {
  const id = randomUUID();
  const client = { address: `192.0.2.${id.charCodeAt(0)}`, userAgent: USER_AGENT };
  return { $correlationId: id, $causationId: id, actor, ...(actor !== 'worker' && { client }) };
}

async function writeChunk(chunk) {
  const first = chunk * chunkSize;
  const last = Math.min(first + chunkSize, dataSet.accounts);
  const accounts = Array.from({ length: last - first }, (_, index) => {
    const number = first + index;
    const accountId = accountIds.accountIdOf(addressKeyOf(addressOf(number, dataSet)));
    return { number, accountId, ...lifeOf(number, dataSet) };
  });
  await inParallel(
    accounts.filter(({ number }) => provesPassword(number)),
    async ({ accountId, registration: [{ data }] }) => {
      data.passwordHash = await hasher.hash(password, accountId);
    },
  );
  const store = await writeAccounts(accounts);
  return { done: chunk, position: store.position };
}

async function writeAccounts(accounts) {
  const gathered = new GatheredKeys();
  const keys = new AccountKeys(gathered, personalDataKeys);
  await gathered.load(accounts.map(({ accountId }) => accountId));
  for (const { accountId } of accounts) await keys.obtain(accountId);
  await gathered.save();

  const store = new RememberingStore();
  const behaviour = { store, codec: new EncodingCodec(keys) };
  await inParallel(accounts, ({ accountId, registration }) =>
    append(behaviour, accountStreamName(accountId), 0, registration, contextOf('anonymous')),
  );
  await inParallel(accounts, ({ accountId, registration, outcome }) =>
    append(
      behaviour,
      accountStreamName(accountId),
      registration.length,
      outcome,
      contextOf('worker'),
    ),
  );
  const erased = accounts.filter(
    ({ number }) => number !== undefined && fateOf(number) === 'erased',
  );
  const realKeys = new AccountKeys(database, personalDataKeys);
  for (const { accountId } of erased) await realKeys.destroy(accountId, 1);
  return store;
}

async function inParallel(accounts, work) {
  let next = 0;
  await Promise.all(
    Array.from({ length: APPENDS_AT_A_TIME }, async () => {
      while (next < accounts.length) await work(accounts[next++]);
    }),
  );
}

if (writesLongHistories) {
  const histories = LONG_HISTORIES.map((refusals) => {
    const { address, facts } = longHistoryOf(refusals, dataSet);
    const accountId = accountIds.accountIdOf(addressKeyOf(address));
    return { accountId, registration: facts.slice(0, 2), outcome: facts.slice(2) };
  });
  const { position } = await writeAccounts(histories);
  parentPort.postMessage({ position });
} else {
  parentPort.postMessage({ position: 0n });
}
for (let more = 1; more < CHUNKS_AT_A_TIME; more++) parentPort.postMessage({ position: 0n });

let underWay = 0;
let ending = false;
parentPort.on('message', async (chunk) => {
  if (chunk === undefined) {
    ending = true;
  } else {
    underWay += 1;
    const outcome = await writeChunk(chunk);
    underWay -= 1;
    parentPort.postMessage(outcome);
  }
  if (ending && underWay === 0) await end();
});

let ended = false;
async function end() {
  if (ended) return;
  ended = true;
  await eventStore.close();
  await client.dispose();
  await database.close();
  parentPort.close();
}
