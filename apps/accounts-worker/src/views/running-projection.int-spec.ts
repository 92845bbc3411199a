import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  accountActivated,
  accountRegistered,
  codeIssued,
  noon,
} from '@app/accounts/testing/account-examples.js';
import { KeyRing } from '@app/account-secrets';
import { EventStoreUnavailable } from '@app/event-store';
import type { EventStore, NewEvent } from '@app/event-store';
import { EventStoreDBEventStore } from '@app/event-store/eventstoredb-event-store.js';
import { AccountKeys } from '@app/personal-data';
import { ReadModelProgress } from '@app/consumers';
import { DatabaseUnavailable } from '@app/postgres';
import { projections } from '@app/views';
import { credentialsOf } from '@app/views/testing/credentials-of.js';
import type { Database } from '@app/postgres';
import { createPool } from '@app/postgres/postgres.js';
import { InMemoryEventStore } from '@app/event-store/testing/in-memory-event-store.js';
import { plainAccountCodec } from '@app/personal-data/testing/plain-account-codec.js';
import { createLog } from '@app/process';
import { startDevEventStore } from '../../../../test/support/dev-event-store.js';
import type { DevEventStore } from '../../../../test/support/dev-event-store.js';
import { eventually } from '../../../../test/support/eventually.js';
import { freshDatabase } from '../../../../test/support/postgres.js';
import type { FreshDatabase } from '../../../../test/support/postgres.js';
import { RunningProjection } from './running-projection.js';

interface Worker {
  readonly keepAccounts: RunningProjection;
  /** From now on PostgreSQL is out of reach; sessions that are open stay as they are. */
  isolate(): void;
  /** Ends the isolation. */
  join(): void;
  stop(): Promise<void>;
}

describe('keeping accounts', () => {
  let fresh: FreshDatabase;
  let observer: Database;
  const workers: Worker[] = [];
  const ring = KeyRing.parse(`k1:${randomBytes(32).toString('base64')}`, 'PERSONAL_DATA_KEYS');
  const log = createLog('spec');
  log.level = 'silent';

  beforeAll(async () => {
    fresh = await freshDatabase();
    observer = pool('observer');
  });
  beforeEach(async () => {
    await observer.query({
      text: 'truncate read_model.accounts, read_model.checkpoints, operations.unreadable_accounts',
    });
  });
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.stop()));
  });
  afterAll(async () => {
    await observer.close();
    await fresh.drop();
  });

  function pool(applicationName: string): Database {
    return createPool(fresh.url, { max: 4, applicationName, statementTimeoutMs: 5_000 });
  }

  async function startWorker(name: string, store: EventStore): Promise<Worker> {
    const database = pool(name);
    let isolated = false;
    const connected = () => {
      if (isolated) throw new DatabaseUnavailable('isolated');
      return database;
    };
    const reachable: Database = {
      query: async (statement) => connected().query(statement),
      inTransaction: async (work, durability) => connected().inTransaction(work, durability),
      openSession: async (purpose) => connected().openSession(purpose),
      checkAvailable: async () => connected().checkAvailable(),
      close: () => database.close(),
    };
    const accounts = projections.find(({ name }) => name === 'accounts');
    if (accounts === undefined) throw new Error('the accounts are no projection');
    const keepAccounts = new RunningProjection({
      projection: accounts,
      store,
      codec: plainAccountCodec,
      database: reachable,
      keys: new AccountKeys(observer, ring),
      clock: Date.now,
      log,
    });
    keepAccounts.start();
    let stopped: Promise<void> | undefined;
    const worker: Worker = {
      keepAccounts,
      isolate: () => {
        isolated = true;
      },
      join: () => {
        isolated = false;
      },
      stop: () => (stopped ??= keepAccounts.stop().then(() => database.close())),
    };
    workers.push(worker);
    return worker;
  }

  const reaches = (worker: Worker, state: string) =>
    eventually(() => expect(worker.keepAccounts.status.state).toBe(state));
  const isKept = (accountId: string, status = 'pending') =>
    eventually(async () =>
      expect(await credentialsOf(observer, accountId)).toMatchObject({ status }),
    );

  describe('with two workers', () => {
    let store: InMemoryEventStore;

    beforeEach(() => {
      store = new InMemoryEventStore();
    });

    async function registered(): Promise<string> {
      const accountId = randomUUID();
      await store.record(`account-${accountId}`, accountRegistered(), codeIssued());
      return accountId;
    }

    it('one works, the other takes over when the first stops', async () => {
      const first = await startWorker('first', store);
      await reaches(first, 'live');
      const second = await startWorker('second', store);
      await reaches(second, 'standby');
      await isKept(await registered());
      expect(store.subscribedAfter).toEqual(['start']);
      await first.stop();
      expect(first.keepAccounts.status.state).toBe('stopped');
      await isKept(await registered());
      await reaches(second, 'live');
      expect(store.subscribedAfter).toHaveLength(2);
    });

    it('one works although a quarantined account is not read in time', async () => {
      const slow = await registered();
      await observer.query({
        text: `insert into operations.unreadable_accounts (account_id, from_revision, error, consumer)
               values ($1, 0, 'AccountKeyMissing: gone', 'accounts')`,
        values: [slow],
      });
      const readStream = store.readStream.bind(store);
      store.readStream = async function* (streamName, options) {
        if (streamName.endsWith(slow)) throw new EventStoreUnavailable('no answer within 5000 ms');
        yield* readStream(streamName, options);
      };
      const worker = await startWorker('first', store);
      await reaches(worker, 'live');
      await isKept(await registered());
    });

    it('the other takes over when the connection of the first is cut', async () => {
      const first = await startWorker('first', store);
      await reaches(first, 'live');
      const second = await startWorker('second', store);
      await reaches(second, 'standby');
      const ids = [await registered(), await registered()];
      first.isolate();
      await observer.query({
        text: `select pg_terminate_backend(pid) from pg_stat_activity
               where datname = current_database() and application_name like 'first%'`,
      });
      ids.push(await registered());
      await reaches(second, 'live');
      ids.push(await registered());
      for (const id of ids) await isKept(id);
      await reaches(first, 'faulted');
      first.join();
      await reaches(first, 'standby');
      expect(first.keepAccounts.status.lastError).toBeDefined();
      const { rows } = await observer.query({
        text: 'select count(*) from read_model.accounts',
      });
      expect(rows).toEqual([{ count: BigInt(ids.length) }]);
    });
  });

  describe('from the development event store', () => {
    let server: DevEventStore;
    let store: EventStoreDBEventStore;

    beforeAll(async () => {
      server = await startDevEventStore();
      store = new EventStoreDBEventStore({ url: server.url, timeoutMs: 2_000 });
    });
    afterAll(async () => {
      await store.close();
      await server.stop();
    });

    const newEvent = ({ type, data }: { type: string; data: unknown }): NewEvent => ({
      id: randomUUID(),
      type,
      data,
      metadata: {
        schemaVersion: 1,
        $correlationId: randomUUID(),
        $causationId: randomUUID(),
        actor: 'anonymous',
      },
    });

    it('shows what was recorded before and after the start, and notifies those that wait', async () => {
      const ids = Array.from({ length: 20 }, () => randomUUID());
      const register = (accountId: string) =>
        store.append(`account-${accountId}`, 'no-stream', [
          newEvent(accountRegistered()),
          newEvent(codeIssued()),
        ]);
      for (const id of ids.slice(0, 10)) await register(id);
      await store.append('unrelated', 'no-stream', [newEvent({ type: 'Noise', data: {} })]);
      const worker = await startWorker('worker', store);
      await reaches(worker, 'live');
      for (const id of ids.slice(0, 10)) await isKept(id);

      const progress = new ReadModelProgress({
        database: observer,
        consumer: 'accounts',
        pollIntervalMs: 60_000,
      });
      progress.start();
      for (const id of ids.slice(10)) {
        const { revision } = await register(id);
        const { position } = await store.append(`account-${id}`, revision, [
          newEvent(accountActivated(1, noon)),
        ]);
        await progress.waitUntil(position, 5_000);
        expect(await credentialsOf(observer, id)).toMatchObject({ status: 'active' });
      }
      await progress.stop();
      expect(worker.keepAccounts.status.lagMs).toBe(0);
    });

    it('goes on after the event store was killed', async () => {
      const before = randomUUID();
      const worker = await startWorker('worker', store);
      await reaches(worker, 'live');
      await store.append(`account-${before}`, 'no-stream', [newEvent(accountRegistered())]);
      await isKept(before);
      await server.kill();
      await reaches(worker, 'faulted');
      await server.restart();
      const after = randomUUID();
      await eventually(
        () => store.append(`account-${after}`, 'no-stream', [newEvent(accountRegistered())]),
        { within: 15_000 },
      );
      await eventually(async () => expect(await credentialsOf(observer, after)).toBeDefined(), {
        within: 15_000,
      });
      await reaches(worker, 'live');
    });
  });
});
