import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { accountRegistered, codeIssued } from '@app/accounts/testing/account-examples.js';
import { InMemoryEventStore } from '@app/event-store/testing/in-memory-event-store.js';
import { eventually } from '../../../test/support/eventually.js';
import { freshDatabase } from '../../../test/support/postgres.js';
import type { FreshDatabase } from '../../../test/support/postgres.js';
import { readCheckpoint, saveCheckpoint, takeBackToLastEvent } from './checkpoints.js';
import { projections } from '@app/views';
import { DatabaseUnavailable } from '@app/postgres';
import type { Database } from '@app/postgres';
import {
  LogDoesNotMatch,
  checkLog,
  confirmDatabase,
  followLog,
  isConfirmed,
  markRestored,
  refuseDatabase,
} from './log-match.js';
import { createPool } from '@app/postgres/postgres.js';
import { liveTable } from './projection.js';

describe('A database and the event log', () => {
  let fresh: FreshDatabase;
  /** As the worker's, which finds out. */
  let worker: Database;
  const pools: Database[] = [];
  const stream = 'account-6f9619ff-8b86-8d01-b42d-00cf4fc964ff';

  function pool(applicationName: string, allowUnconfirmed: boolean): Database {
    const made = createPool(fresh.url, {
      max: 2,
      applicationName,
      statementTimeoutMs: 5_000,
      allowUnconfirmed,
    });
    pools.push(made);
    return made;
  }

  beforeEach(async () => {
    fresh = await freshDatabase();
    worker = pool('accounts-worker', true);
  });
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((made) => made.close()));
    await fresh.drop();
  });

  async function handled(store: InMemoryEventStore): Promise<void> {
    for await (const event of store.readStream(stream)) {
      await saveCheckpoint(worker, 'accounts', event.position, event);
    }
  }

  it('belong together when nothing was handled, or the last event is there', async () => {
    const store = new InMemoryEventStore();
    await checkLog(store, worker);
    await store.record(stream, accountRegistered(), codeIssued());
    await handled(store);
    await checkLog(store, worker);
    await checkLog(store, worker, 'accounts');
  });

  it('do not when the event is missing, another one, or elsewhere', async () => {
    const store = new InMemoryEventStore();
    await store.record(stream, accountRegistered(), codeIssued());
    await handled(store);
    const shorter = new InMemoryEventStore();
    await shorter.record(stream, accountRegistered());
    const another = new InMemoryEventStore();
    await another.record(stream, accountRegistered(), codeIssued());
    await expect(checkLog(shorter, worker)).rejects.toThrow(/the log has nothing there/);
    await expect(checkLog(another, worker)).rejects.toThrow(/the log has another event there/);
    await expect(checkLog(new InMemoryEventStore(), worker)).rejects.toThrow(LogDoesNotMatch);
    await checkLog(shorter, worker, 'somebody-else');
    await worker.query({
      text: 'update read_model.checkpoints set event_position = event_position - 1',
    });
    await expect(checkLog(store, worker)).rejects.toThrow(/another event/);
  });

  it('a checkpoint is taken back to the last event, and no further', async () => {
    const store = new InMemoryEventStore();
    const last = await store.record(stream, accountRegistered());
    await handled(store);
    await saveCheckpoint(worker, 'accounts', last + 1_000n);
    await takeBackToLastEvent(worker, 'accounts');
    expect(await readCheckpoint(worker, 'accounts')).toBe(last);
    await saveCheckpoint(worker, 'from-before-the-migration', 70n);
    await takeBackToLastEvent(worker, 'from-before-the-migration');
    expect(await readCheckpoint(worker, 'from-before-the-migration')).toBe(70n);
  });

  it('a database that was never compared may be used', async () => {
    expect(await isConfirmed(worker)).toBe(false);
    await pool('accounts-api', false).checkAvailable();
    await confirmDatabase(worker);
    expect(await isConfirmed(worker)).toBe(true);
    await pool('accounts-api', false).checkAvailable();
  });

  it('a refused database is closed to everybody, those that are connected included', async () => {
    await confirmDatabase(worker);
    const api = pool('accounts-api', false);
    await api.checkAvailable();
    const session = await api.openSession('spec');
    const lost = new Promise((resolve) => session.onLost(resolve));
    await refuseDatabase(worker, 'it is not the right one');
    await lost;
    const refused = new DatabaseUnavailable('it is not the right one');
    await eventually(() => expect(api.checkAvailable()).rejects.toThrow(refused));
    await expect(api.openSession('spec')).rejects.toThrow(refused);
    await expect(api.inTransaction(async () => undefined)).rejects.toThrow(refused);
    await worker.checkAvailable();
    await confirmDatabase(worker);
    await api.checkAvailable();
  });

  it('a restored database waits for the worker, and so does a process that has just started', async () => {
    await confirmDatabase(worker);
    const api = pool('accounts-api', false);
    await markRestored(worker);
    expect(await isConfirmed(worker)).toBe(false);
    const waiting = api.checkAvailable();
    await confirmDatabase(worker);
    await waiting;
  });

  it('a copy of a confirmed database says by itself that it has not been compared', async () => {
    await confirmDatabase(worker);
    await worker.query({ text: `update operations.pairing set database = '1/1'` });
    expect(await isConfirmed(worker)).toBe(false);
    await expect(pool('accounts-api', false).checkAvailable()).rejects.toThrow(
      'it was restored from a copy, which the worker has not checked yet',
    );
  }, 15_000);

  it('following the log gives up what was built from it, and keeps the keys', async () => {
    const store = new InMemoryEventStore();
    await store.record(stream, accountRegistered());
    await handled(store);
    const [gone, erased, alive] = [randomUUID(), randomUUID(), randomUUID()];
    await worker.query({
      text: `insert into personal_data.account_keys
               (account_id, generation, wrapped_key, key_encryption_key_id, destroyed_at)
             values ($1, 1, null, null, now()), ($2, 3, null, null, now()), ($3, 1, '\\x00', 'k1', null)`,
      values: [gone, erased, alive],
    });
    const facts = [accountRegistered(), codeIssued()].map((event, index) => ({
      streamName: stream,
      revision: BigInt(index),
      position: BigInt(index),
      event,
    }));
    for (const projection of projections) {
      await projection.write(worker, liveTable(projection), facts);
    }
    await worker.query({
      text: `insert into read_model.audit (position, at, key_id, operation, outcome, account_ids, filters, request_id)
             values (7, now(), 'k1', 'list-accounts', 'answered', '{}', '{}', 'r')`,
    });
    const before = await rowsOfReadModel();
    expect(before.filter(([, rows]) => rows === 0)).toEqual([]);
    await followLog(worker, projections);
    expect(await rowsOfReadModel()).toEqual(before.map(([table]) => [table, 0]));
    expect(await readCheckpoint(worker, 'accounts')).toBe('start');
    await checkLog(new InMemoryEventStore(), worker);
    // What the worker has built from the log since: of the three, one was registered twice.
    await worker.query({
      text: `insert into read_model.accounts
               (account_id, registration_number, status, registered_at, revision, position)
             values ($1, 2, 'pending', now(), 0, 0)`,
      values: [erased],
    });
    await confirmDatabase(worker);
    const { rows } = await worker.query<object>({
      text: `select account_id, generation, destroyed_at is not null as destroyed
             from personal_data.account_keys order by generation desc`,
    });
    // The mark of a person whom the log does not know would keep the address from being registered.
    expect(rows).toEqual([
      { account_id: erased, generation: 2, destroyed: true },
      { account_id: alive, generation: 1, destroyed: false },
    ]);
  });

  /** How many there are in each table. */
  async function rowsOfReadModel(): Promise<readonly (readonly [string, number])[]> {
    const { rows: tables } = await worker.query<{ name: string }>({
      text: `select tablename as name from pg_tables where schemaname = 'read_model' order by name`,
    });
    const counted: [string, number][] = [];
    for (const { name } of tables) {
      const { rowCount } = await worker.query({ text: `select from read_model.${name}` });
      counted.push([name, rowCount]);
    }
    return counted;
  }
});
