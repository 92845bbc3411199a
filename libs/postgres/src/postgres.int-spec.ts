import { inspect } from 'node:util';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import { eventually } from '../../../test/support/eventually.js';
import { emptyDatabase } from '../../../test/support/postgres.js';
import type { FreshDatabase } from '../../../test/support/postgres.js';
import { DatabaseUnavailable, StatementRefused } from './database.js';
import type { Database, Queryable } from './database.js';
import { createPool } from './postgres.js';
import type { PoolOptions } from './postgres.js';

const PERSONAL = 'ada@example.org';

describe('PostgreSQL adapter', () => {
  let fresh: FreshDatabase;
  const opened: Database[] = [];

  beforeAll(async () => {
    fresh = await emptyDatabase();
    await pool().query({ text: 'create table people (id int primary key, address text)' });
    // Test servers run with synchronous_commit off.
    await pool().query({
      text: `do $$ begin
               execute format('alter database %I set synchronous_commit = on', current_database());
             end $$`,
    });
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((database) => database.close()));
  });
  afterAll(() => fresh.drop());

  function pool(options: Partial<PoolOptions> = {}, url = fresh.url): Database {
    const database = createPool(url, {
      max: 2,
      applicationName: 'spec',
      statementTimeoutMs: 5_000,
      ...options,
    });
    opened.push(database);
    return database;
  }

  it('keeps 64-bit integers exact in both directions', async () => {
    const { rows } = await pool().query<{ big: bigint; small: number; at: Date }>({
      name: 'exact',
      text: 'select $1::bigint as big, 7 as small, $2::timestamptz(3) as at',
      values: [9_007_199_254_740_993n, new Date(1_763_812_800_123)],
    });
    expect(rows).toEqual([
      { big: 9_007_199_254_740_993n, small: 7, at: new Date(1_763_812_800_123) },
    ]);
  });

  it('keeps a connection through minutes without a call, and no longer than they may take', async () => {
    jest.useFakeTimers({
      doNotFake: ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate'],
    });
    try {
      const database = pool({ max: 1 });
      const before = await pidOf(database);
      jest.advanceTimersByTime(9 * 60_000);
      expect(await pidOf(database)).toBe(before);
      jest.advanceTimersByTime(11 * 60_000);
      expect(await pidOf(database)).not.toBe(before);
    } finally {
      jest.useRealTimers();
    }
  });

  describe('transactions', () => {
    const insert = (id: number) => ({ text: 'insert into people values ($1, null)', values: [id] });
    const ids = async (database: Queryable) =>
      (await database.query<{ id: number }>({ text: 'select id from people order by id' })).rows;

    afterEach(async () => {
      await pool().query({ text: 'delete from people' });
    });

    it.each(['immediate', 'deferred'] as const)('commit everything: %s', async (durability) => {
      const database = pool();
      const result = await database.inTransaction(async (transaction) => {
        await transaction.query(insert(1));
        await transaction.query(insert(2));
        expect(await ids(database)).toEqual([]);
        const { rows } = await transaction.query({ text: 'show synchronous_commit' });
        return rows[0];
      }, durability);
      expect(await ids(database)).toEqual([{ id: 1 }, { id: 2 }]);
      expect(result).toEqual({ synchronous_commit: durability === 'deferred' ? 'off' : 'on' });
      const { rows } = await database.query({ text: 'show synchronous_commit' });
      expect(rows).toEqual([{ synchronous_commit: 'on' }]);
    });

    it('commit nothing when the work fails', async () => {
      const database = pool({ max: 1 });
      const failure = new Error('the work failed');
      await expect(
        database.inTransaction(async (transaction) => {
          await transaction.query(insert(1));
          throw failure;
        }),
      ).rejects.toBe(failure);
      expect(await ids(database)).toEqual([]);
    });

    it('do not pass for committed when a failed statement went unnoticed', async () => {
      const database = pool({ max: 1 });
      await expect(
        database.inTransaction(async (transaction) => {
          await transaction.query(insert(1));
          await expect(transaction.query(insert(1))).rejects.toThrow(StatementRefused);
        }),
      ).rejects.toThrow(StatementRefused);
      expect(await ids(database)).toEqual([]);
    });

    it('report a connection that is cut between two statements, and the pool recovers', async () => {
      const database = pool({ max: 1 });
      const other = pool({ max: 1 });
      await expect(
        database.inTransaction(async (transaction) => {
          await transaction.query(insert(1));
          const { rows } = await transaction.query<{ pid: number }>({
            text: 'select pg_backend_pid() as pid',
          });
          await terminate(other, rows[0]?.pid);
          await eventually(() =>
            expect(transaction.query(insert(2))).rejects.toThrow(DatabaseUnavailable),
          );
          await transaction.query(insert(3));
        }),
      ).rejects.toThrow(DatabaseUnavailable);
      expect(await ids(database)).toEqual([]);
    });
  });

  describe('of two that wait for each other', () => {
    const upwards = { text: 'update people set address = null where id = $1' };
    /** Locks 2 and then waits for 1. */
    const downwards = {
      text: `with locked as (select id from people order by id desc for update)
             update people set address = 'done' where id in (select id from locked)`,
    };

    beforeEach(async () => {
      await pool().query({ text: 'insert into people values (1, null), (2, null)' });
    });
    afterEach(async () => {
      await pool().query({ text: 'delete from people' });
    });

    /** @returns how the statements of a database end that meet a transaction in the opposite order */
    async function meet<Result>(statements: (database: Database) => Promise<Result>) {
      const [database, other] = [pool(), pool()];
      let met: Promise<PromiseSettledResult<Result>[]> | undefined;
      await other.inTransaction(async (transaction) => {
        // So that it is not the one that is rolled back.
        await transaction.query({ text: `set local deadlock_timeout = '20s'` });
        await transaction.query({ ...upwards, values: [1] });
        met = Promise.allSettled([statements(database)]);
        await eventually(async () => {
          const { rows } = await other.query({
            text: `select from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'`,
          });
          expect(rows).toHaveLength(1);
        });
        await transaction.query({ ...upwards, values: [2] });
      });
      return (await met)?.[0];
    }

    it('a statement is repeated', async () => {
      expect(await meet((database) => database.query(downwards))).toMatchObject({
        status: 'fulfilled',
        value: { rowCount: 2 },
      });
    });

    it('a transaction is unavailable, and can be repeated', async () => {
      const work = (database: Database) =>
        database.inTransaction((transaction) => transaction.query(downwards));
      expect(await meet(work)).toMatchObject({
        status: 'rejected',
        reason: expect.any(DatabaseUnavailable),
      });
      expect(await work(pool())).toMatchObject({ rowCount: 2 });
    });
  });

  describe('failures', () => {
    it('a refused statement reveals nothing of its values', async () => {
      const database = pool({ max: 1 });
      const insert = {
        name: 'insert-person',
        text: 'insert into people values (1, $1)',
        values: [PERSONAL],
      };
      await database.query(insert);
      for (const statement of [
        insert,
        { text: 'select $1::text::int', values: [PERSONAL] },
        { text: 'select $1::int', values: [PERSONAL] },
      ]) {
        const error: unknown = await database.query(statement).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(StatementRefused);
        expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(PERSONAL);
      }
      await expect(database.query(insert)).rejects.toMatchObject({
        sqlState: '23505',
        constraint: 'people_pkey',
        statement: 'insert-person',
      });
      await database.query({ text: 'delete from people' });
    });

    it('no server listens: unavailable', async () => {
      const database = pool({}, 'postgres://nobody@127.0.0.1:1/none');
      await expect(database.query({ text: 'select 1' })).rejects.toThrow(DatabaseUnavailable);
      await expect(database.checkAvailable()).rejects.toThrow(/ECONNREFUSED/);
      await expect(database.inTransaction(async () => 1)).rejects.toThrow(DatabaseUnavailable);
      await expect(database.openSession('spec')).rejects.toThrow(DatabaseUnavailable);
    });

    it('a statement that takes too long: unavailable', async () => {
      const database = pool({ statementTimeoutMs: 50 });
      await expect(database.query({ text: 'select pg_sleep(20)' })).rejects.toThrow(
        DatabaseUnavailable,
      );
      await database.checkAvailable();
    });

    it('no free connection in time: unavailable', async () => {
      // Long enough for the first connection, which a busy machine makes slowly.
      const database = pool({ max: 1, connectionTimeoutMs: 2_000 });
      await database.inTransaction(async () => {
        await expect(database.query({ text: 'select 1' })).rejects.toThrow(DatabaseUnavailable);
      });
      await database.checkAvailable();
    });

    it('an idle connection that is cut is replaced, and reported', async () => {
      const lost: DatabaseUnavailable[] = [];
      const database = pool({ max: 1, onConnectionLost: (error) => lost.push(error) });
      await terminate(pool({ max: 1 }), await pidOf(database));
      await eventually(() => expect(lost).toEqual([expect.any(DatabaseUnavailable)]));
      await database.checkAvailable();
    });

    it('a name that the server would cut is the fault of the program', async () => {
      const database = pool();
      const text = 'select 1';
      await database.query({ name: 'n'.repeat(63), text });
      await expect(database.query({ name: 'n'.repeat(64), text })).rejects.toThrow(RangeError);
    });

    it('a parameter that is none is the fault of the program', async () => {
      const circular: Record<string, unknown> = {};
      circular['self'] = circular;
      const error: unknown = await pool()
        .query({ text: 'select $1', values: [circular] })
        .catch((reason: unknown) => reason);
      expect(error).not.toBeInstanceOf(DatabaseUnavailable);
      expect(error).toHaveProperty('message', expect.stringContaining('circular'));
    });
  });

  describe('sessions', () => {
    it('receive notifications', async () => {
      const database = pool();
      const session = await database.openSession('spec');
      const heard: string[][] = [];
      session.onNotification((channel, payload) => heard.push([channel, payload]));
      await session.query({ text: 'listen news' });
      await database.query({ text: `select pg_notify('news', 'it rains')` });
      await eventually(() => expect(heard).toEqual([['news', 'it rains']]));
      await session.close();
    });

    it('say once that they were cut, to late listeners too', async () => {
      const session = await pool().openSession('spec');
      const losses: Error[] = [];
      session.onLost((error) => losses.push(error));
      await terminate(pool(), await pidOf(session));
      await eventually(() => expect(losses).toEqual([expect.any(DatabaseUnavailable)]));
      session.onLost((error) => losses.push(error));
      expect(losses).toHaveLength(2);
      expect(losses[0]).toBe(losses[1]);
      await expect(session.query({ text: 'select 1' })).rejects.toBe(losses[0]);
      await session.close();
    });

    it('give up their locks when closed, and report no loss', async () => {
      const database = pool();
      const session = await database.openSession('spec');
      let lost = false;
      session.onLost(() => {
        lost = true;
      });
      await session.query({ text: 'select pg_advisory_lock(1)' });
      const tryLock = { text: 'select pg_try_advisory_lock(1) as free' };
      expect((await database.query(tryLock)).rows).toEqual([{ free: false }]);
      await session.close();
      await session.close();
      await eventually(async () =>
        expect((await database.query(tryLock)).rows).toEqual([{ free: true }]),
      );
      expect(lost).toBe(false);
    });
  });
});

async function pidOf(database: Queryable): Promise<number> {
  const { rows } = await database.query<{ pid: number }>({
    text: 'select pg_backend_pid() as pid',
  });
  return rows[0]?.pid ?? 0;
}

async function terminate(database: Queryable, pid: number | undefined): Promise<void> {
  await database.query({ text: 'select pg_terminate_backend($1)', values: [pid] });
}
