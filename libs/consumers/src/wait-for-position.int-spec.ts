import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.js';
import { openDatabase } from '../../../test/support/open-database.js';
import { READ_MODEL_ADVANCED, moveCheckpoint, saveCheckpoint } from './checkpoints.js';
import type { Database, Statement } from '@app/postgres';
import { createPool } from '@app/postgres/postgres.js';
import { ReadModelBehind, ReadModelProgress } from './wait-for-position.js';
import type { ReadModelProgressOptions } from './wait-for-position.js';

const A_TEST = 10_000;

describe('waiting for a position', () => {
  let database: Database;
  const opened: ReadModelProgress[] = [];

  beforeAll(async () => {
    database = await openDatabase();
  });
  beforeEach(async () => {
    await database.query({ text: 'truncate read_model.checkpoints' });
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((progress) => progress.stop()));
  });
  afterAll(() => database.close());

  function progressOf(
    consumer: string,
    options: Partial<ReadModelProgressOptions> = {},
  ): ReadModelProgress {
    const progress = new ReadModelProgress({ database, consumer, ...options });
    opened.push(progress);
    return progress;
  }

  const sessions = async () =>
    (
      await database.query<{ pid: number }>({
        text: `select pid from pg_stat_activity
               where datname = current_database()
                 and application_name = 'spec progress of accounts'
                 and (query ilike 'listen%' or query ilike 'select position%')`,
      })
    ).rows;
  const listening = () => eventually(async () => expect(await sessions()).toHaveLength(1));

  /** Counts the statements that go through. */
  function counting(inner: Database): Database & { readonly statements: Statement[] } {
    const statements: Statement[] = [];
    return {
      statements,
      query: (statement) => {
        statements.push(statement);
        return inner.query(statement);
      },
      inTransaction: (work, durability) => inner.inTransaction(work, durability),
      openSession: (purpose) => inner.openSession(purpose),
      checkAvailable: () => inner.checkAvailable(),
      close: () => inner.close(),
    };
  }

  it('ends when the position is announced, without polling', async () => {
    const progress = progressOf('accounts', { pollIntervalMs: A_TEST });
    progress.start();
    await listening();
    let ended = false;
    const waiting = progress.waitUntil(20n, A_TEST).then(() => {
      ended = true;
    });
    await moveCheckpoint(database, 'accounts', 'start', 10n);
    await moveCheckpoint(database, 'somebody-else', 'start', 500n);
    await moveCheckpoint(database, 'accounts', 10n, 11n, { isSilent: false });
    await moveCheckpoint(database, 'quiet', 'start', 10n, { isSilent: true });
    await progress.waitUntil(11n, A_TEST);
    expect(ended).toBe(false);
    await moveCheckpoint(database, 'accounts', 11n, 25n);
    await waiting;
  });

  it('takes only places of the log for announcements', async () => {
    const progress = progressOf('accounts', { pollIntervalMs: A_TEST });
    progress.start();
    await listening();
    const announce = (position: bigint) =>
      database.query({
        text: 'select pg_notify($1, $2)',
        values: [READ_MODEL_ADVANCED, `accounts:${position}`],
      });
    await announce(2n ** 64n - 1n);
    await announce(20n);
    await progress.waitUntil(20n, A_TEST);
    await expect(progress.waitUntil(21n, 50)).rejects.toThrow(ReadModelBehind);
  });

  it('is announced only when the transaction commits', async () => {
    const progress = progressOf('accounts', { pollIntervalMs: A_TEST });
    progress.start();
    await listening();
    await database
      .inTransaction(async (transaction) => {
        await moveCheckpoint(transaction, 'accounts', 'start', 10n);
        throw new Error('rolled back');
      })
      .catch((error: unknown) => expect(error).toHaveProperty('message', 'rolled back'));
    await expect(progress.waitUntil(10n, 50)).rejects.toThrow(ReadModelBehind);
  });

  it('does not ask the database when the position is reached already', async () => {
    const counted = counting(database);
    const progress = progressOf('accounts', { database: counted });
    await saveCheckpoint(database, 'accounts', 30n);
    await progress.waitUntil(30n, A_TEST);
    expect(counted.statements).toHaveLength(1);
    await progress.waitUntil(30n, A_TEST);
    await progress.waitUntil(7n, A_TEST);
    expect(counted.statements).toHaveLength(1);
  });

  it('works by polling where announcements do not arrive, and only while a caller waits', async () => {
    const counted = counting(database);
    const progress = progressOf('accounts', { database: counted, pollIntervalMs: 5 });
    const waiting = progress.waitUntil(40n, A_TEST);
    await eventually(() => expect(counted.statements.length).toBeGreaterThanOrEqual(2));
    await saveCheckpoint(database, 'accounts', 41n);
    await waiting;
    const asked = counted.statements.length;
    await progress.waitUntil(41n, A_TEST);
    expect(counted.statements).toHaveLength(asked);
  });

  it('is given up in time, with what had been reached', async () => {
    await saveCheckpoint(database, 'accounts', 50n);
    const progress = progressOf('accounts', { pollIntervalMs: 5 });
    const startedAt = performance.now();
    const error: unknown = await progress.waitUntil(51n, 60).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ReadModelBehind);
    expect(error).toMatchObject({ wanted: 51n, reached: 50n });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(55);
  });

  it('is given up in time when PostgreSQL cannot be reached', async () => {
    const nowhere = createPool('postgres://nobody@127.0.0.1:1/none', {
      max: 1,
      applicationName: 'spec',
      statementTimeoutMs: 1_000,
    });
    const faults: unknown[] = [];
    const progress = progressOf('accounts', {
      database: nowhere,
      onListenFault: (error) => faults.push(error),
    });
    progress.start();
    await expect(progress.waitUntil(1n, 80)).rejects.toMatchObject({
      name: 'ReadModelBehind',
      reached: undefined,
    });
    expect(faults.length).toBeGreaterThan(0);
    await progress.stop();
    await nowhere.close();
  });

  it('listens again after its connection was cut', async () => {
    const faults: unknown[] = [];
    const progress = progressOf('accounts', {
      pollIntervalMs: A_TEST,
      onListenFault: (error) => faults.push(error),
    });
    progress.start();
    await listening();
    const [cut] = await sessions();
    await database.query({ text: 'select pg_terminate_backend($1)', values: [cut?.pid] });
    await eventually(() => expect(faults).toHaveLength(1));
    await eventually(async () => {
      const [next, ...others] = await sessions();
      expect(others).toEqual([]);
      expect(next?.pid).toEqual(expect.any(Number));
      expect(next?.pid).not.toBe(cut?.pid);
    });
    const waiting = progress.waitUntil(60n, A_TEST);
    await moveCheckpoint(database, 'accounts', 'start', 60n);
    await waiting;
  });

  it('does not rely on what it knew when its connection was cut', async () => {
    await saveCheckpoint(database, 'accounts', 65n);
    const faults: unknown[] = [];
    const progress = progressOf('accounts', { onListenFault: (error) => faults.push(error) });
    progress.start();
    await listening();
    await progress.waitUntil(65n, A_TEST);
    // As after a crash of the server that lost the newest transactions.
    await database.query({ text: 'update read_model.checkpoints set position = 64' });
    const [cut] = await sessions();
    await database.query({ text: 'select pg_terminate_backend($1)', values: [cut?.pid] });
    await eventually(() => expect(faults).toHaveLength(1));
    await expect(progress.waitUntil(65n, 100)).rejects.toMatchObject({ reached: 64n });
  });

  it('rejects the callers that wait when the process stops', async () => {
    const progress = progressOf('accounts');
    progress.start();
    const waiting = progress.waitUntil(70n, A_TEST);
    const turnedAway = expect(waiting).rejects.toHaveProperty('name', 'DatabaseUnavailable');
    await progress.stop();
    await turnedAway;
    await expect(progress.waitUntil(70n, A_TEST)).rejects.toHaveProperty(
      'name',
      'DatabaseUnavailable',
    );
    expect(await sessions()).toEqual([]);
  });

  it('serves many at a time', async () => {
    const progress = progressOf('accounts', { pollIntervalMs: A_TEST });
    progress.start();
    await listening();
    const waiting = Array.from({ length: 500 }, (_, n) => progress.waitUntil(BigInt(n), A_TEST));
    await moveCheckpoint(database, 'accounts', 'start', 250n);
    await Promise.all(waiting.slice(0, 251));
    await moveCheckpoint(database, 'accounts', 250n, 499n);
    await Promise.all(waiting);
  });
});
