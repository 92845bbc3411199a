import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { AccountEvent } from '@app/accounts';
import {
  accountActivated,
  accountFreed,
  accountRegistered,
  codeIssued,
  noon,
  registrationRenewed,
} from '@app/accounts/testing/account-examples.js';
import { EventStoreUnavailable } from '@app/event-store';
import type { LogPosition, RecordedEvent, SubscribeToAllOptions } from '@app/event-store';
import { eventually } from '../../../test/support/eventually.js';
import { freshDatabase } from '../../../test/support/postgres.js';
import type { FreshDatabase } from '../../../test/support/postgres.js';
import { accountsProjection, statisticsProjection } from '@app/views';
import { credentialsOf } from '@app/views/testing/credentials-of.js';
import { CheckpointMoved, lockCheckpoint, readCheckpoint } from './checkpoints.js';
import { DatabaseUnavailable } from '@app/postgres';
import type { EventFailure } from './failed-events.js';
import { LogDoesNotMatch } from './log-match.js';
import type { Database } from '@app/postgres';
import { createPool } from '@app/postgres/postgres.js';
import { ProjectionMonitor } from './projection-monitor.js';
import type { Projection } from './projection.js';
import { runProjection } from './run-projection.js';
import type { ProjectionAdvance, ProjectionOptions } from './run-projection.js';
import { InMemoryEventStore } from '@app/event-store/testing/in-memory-event-store.js';
import { newEvent } from '@app/event-store/testing/new-events.js';
import { recordSpans } from '@app/tracing/testing/recorded-spans.js';
import { plainAccountCodec } from '@app/personal-data/testing/plain-account-codec.js';

describe('running a projection', () => {
  let fresh: FreshDatabase;
  let database: Database;
  let store: InMemoryEventStore;
  const runs: Run[] = [];

  beforeAll(async () => {
    fresh = await freshDatabase();
    database = createPool(fresh.url, {
      max: 8,
      applicationName: 'spec',
      statementTimeoutMs: 5_000,
    });
  });
  beforeEach(async () => {
    store = new InMemoryEventStore();
    await database.query({
      text: 'truncate read_model.accounts, read_model.statistics, read_model.checkpoints, operations.failed_events',
    });
  });
  afterEach(async () => {
    await Promise.all(runs.splice(0).map((run) => run.stop()));
  });
  afterAll(async () => {
    await database.close();
    await fresh.drop();
  });

  interface Run {
    readonly monitor: ProjectionMonitor;
    readonly advances: ProjectionAdvance[];
    readonly faults: unknown[];
    readonly setAside: EventFailure[];
    stop(): Promise<void>;
  }

  function start(
    projection: Projection<AccountEvent> = accountsProjection,
    options: Partial<ProjectionOptions<AccountEvent>> = {},
  ): Run {
    const stopping = new AbortController();
    const monitor = new ProjectionMonitor(Date.now);
    const advances: ProjectionAdvance[] = [];
    const faults: unknown[] = [];
    const setAside: EventFailure[] = [];
    const ended = runProjection({
      projection,
      store,
      codec: plainAccountCodec,
      database,
      ...options,
      signal: stopping.signal,
      observer: {
        onSubscribed: (position) => monitor.onSubscribed(position),
        onCaughtUp: () => monitor.onCaughtUp(),
        onAdvanced: (advance) => {
          advances.push(advance);
          monitor.onAdvanced(advance);
        },
        onFault: (error) => {
          faults.push(error);
          monitor.onFault(error);
        },
        onSetAside: (failure) => setAside.push(failure),
        onRetryFault: (error) => faults.push(error),
        onFailing: (failing) => monitor.onFailing(failing),
      },
    });
    const run: Run = {
      monitor,
      advances,
      faults,
      setAside,
      stop: async () => {
        stopping.abort();
        await ended;
      },
    };
    runs.push(run);
    return run;
  }

  async function registered(accountId: string = randomUUID()): Promise<string> {
    await store.record(`account-${accountId}`, accountRegistered(), codeIssued());
    return accountId;
  }

  async function registeredMany(count: number): Promise<string[]> {
    const ids: string[] = [];
    for (let n = 0; n < count; n += 1) ids.push(await registered());
    return ids;
  }

  async function rowCount(): Promise<bigint> {
    const { rows } = await database.query<{ count: bigint }>({
      text: 'select count(*) from read_model.accounts',
    });
    return rows[0]?.count ?? -1n;
  }

  const checkpoint = () => readCheckpoint(database, 'accounts');
  const live = (run: Run) =>
    eventually(() => expect(run.monitor.status()).toMatchObject({ state: 'live', lagMs: 0 }));

  it('continues the traces of news, and of nothing that it catches up with', async () => {
    const recording = recordSpans();
    const traced = async (digit: string) => {
      const { type, data } = accountRegistered();
      const { metadata, ...event } = newEvent(data, type);
      const traceparent = `00-${digit.repeat(32)}-00f067aa0ba902b7-01`;
      await store.append(`account-${randomUUID()}`, 'no-stream', [
        { ...event, metadata: { ...metadata, traceparent } },
      ]);
    };
    await traced('1');
    await live(start());
    await traced('2');
    await eventually(async () => expect(await rowCount()).toBe(2n));
    await eventually(() => expect(recording.spans()).toHaveLength(1));
    await recording.stop();
    expect(recording.spans()).toMatchObject([
      { name: 'projection accounts', traceId: '2'.repeat(32), isFailed: false },
    ]);
  });

  it('is live at once when there is nothing to catch up with', async () => {
    await live(start());
    expect(await checkpoint()).toBe('start');
  });

  it('catches up in batches, then follows', async () => {
    const ids = await registeredMany(25);
    const run = start(undefined, { maxBatchSize: 8 });
    await live(run);
    expect(await rowCount()).toBe(25n);
    expect(run.advances.every(({ events }) => events <= 8)).toBe(true);
    expect(run.advances.length).toBeLessThan(50);
    const position = await store.record(`account-${ids[0]}`, accountActivated(1, noon));
    await eventually(async () =>
      expect(await credentialsOf(database, ids[0] ?? '')).toMatchObject({ status: 'active' }),
    );
    expect(await checkpoint()).toBe(position);
    expect(run.monitor.status()).toMatchObject({ state: 'live', position });
    expect(run.faults).toEqual([]);
  });

  it('resumes after the last batch when started again', async () => {
    await registeredMany(3);
    const first = start();
    await live(first);
    await first.stop();
    const stoppedAt = await checkpoint();
    await registeredMany(2);
    await live(start());
    expect(store.subscribedAfter).toEqual(['start', stoppedAt]);
    expect(await rowCount()).toBe(5n);
  });

  it('moves its checkpoint past streams that are not its own', async () => {
    const position = await store.record('somebody-else', { type: 'SomethingHappened', data: {} });
    await live(start());
    expect(await checkpoint()).toBe(position);
    expect(await rowCount()).toBe(0n);
  });

  function countingTransactions() {
    const counted = { transactions: 0 };
    const counting: Database = Object.create(database, {
      inTransaction: {
        value: (...work: Parameters<Database['inTransaction']>) => {
          counted.transactions += 1;
          return database.inTransaction(...work);
        },
      },
    });
    return { counted, counting };
  }

  it('writes rows that need no look before in the statement that moves the checkpoint', async () => {
    const { counted, counting } = countingTransactions();
    await registered();
    const run = start(undefined, { database: counting });
    await live(run);
    const before = counted.transactions;
    await registeredMany(3);
    const last = await store.record(`account-${randomUUID()}`, accountRegistered());
    await eventually(async () => expect(await checkpoint()).toBe(last));
    expect(await rowCount()).toBe(5n);
    expect(counted.transactions).toBe(before);
    const { rows } = await database.query<{ distinct: bigint }>({
      text: `select count(distinct position) as distinct from read_model.accounts where status = 'pending'`,
    });
    expect(rows).toEqual([{ distinct: 5n }]);
  });

  it.each([true, false])('does so for counts, too (silently: %s)', async (isSilent) => {
    await registered();
    // Its only connection knows statements by their names.
    const connection = createPool(fresh.url, {
      max: 1,
      applicationName: 'spec',
      statementTimeoutMs: 5_000,
    });
    const run = start(statisticsProjection, { isSilent, database: connection });
    await live(run);
    for (let number = 0; number < 3; number++) {
      const stream = `account-${await registered()}`;
      const last = await store.record(stream, registrationRenewed(noon));
      await eventually(async () => expect(await readCheckpoint(database, 'statistics')).toBe(last));
      // A move alone, of the same checkpoint.
      const other = await store.record(stream, accountFreed(noon, 1));
      await eventually(async () =>
        expect(await readCheckpoint(database, 'statistics')).toBe(other),
      );
    }
    const { rows } = await database.query({
      text: `select sum(registrations)::int as registrations, sum(renewals)::int as renewals,
                    sum(codes_issued)::int as codes
             from read_model.statistics`,
    });
    expect(rows).toEqual([{ registrations: 4, renewals: 3, codes: 4 }]);
    expect(run.faults).toEqual([]);
    await run.stop();
    await connection.close();
  });

  it('keeps the table free for a rebuild that holds the checkpoint', async () => {
    await registered();
    const run = start();
    await live(run);
    await database.inTransaction(async (switching) => {
      const before = await lockCheckpoint(switching, 'accounts');
      await registered();
      await eventually(async () => {
        const { rowCount: waiting } = await database.query({
          text: `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        });
        expect(waiting).toBe(1);
      });
      // Shorter than the server takes to notice that two wait for each other.
      await switching.query({ text: `set local lock_timeout = '900ms'` });
      await switching.query({ text: 'lock table read_model.accounts in access exclusive mode' });
      expect(await lockCheckpoint(switching, 'accounts')).toBe(before);
    });
    await eventually(async () => expect(await rowCount()).toBe(2n));
    expect(run.faults).toEqual([]);
  });

  it('moves its checkpoint by itself past events that change no row', async () => {
    const { counted, counting } = countingTransactions();
    const run = start(undefined, { database: counting });
    await live(run);
    const accountId = await registered();
    await eventually(async () => expect(await rowCount()).toBe(1n));
    const before = counted.transactions;
    for (let number = 2; number < 5; number++) {
      const position = await store.record(`account-${accountId}`, codeIssued());
      await eventually(async () => expect(await checkpoint()).toBe(position));
    }
    expect([before, counted.transactions]).toEqual([1, 1]);
    expect(run.faults).toEqual([]);
    await store.record(`account-${accountId}`, accountActivated(4, noon));
    await eventually(async () =>
      expect(await credentialsOf(database, accountId)).toMatchObject({ status: 'active' }),
    );
  });

  it('does not linger while it catches up', async () => {
    await registeredMany(40);
    const run = start(undefined, { maxBatchSize: 30, lingerMs: 60_000 });
    await live(run);
    expect(await rowCount()).toBe(40n);
  });

  it('changes nothing when the whole log comes again', async () => {
    const accountId = await registered();
    await store.record(`account-${accountId}`, registrationRenewed(noon));
    const first = start();
    await live(first);
    await first.stop();
    const before = await credentialsOf(database, accountId);
    await database.query({ text: 'delete from read_model.checkpoints' });
    await live(start());
    expect(await credentialsOf(database, accountId)).toEqual(before);
  });

  it('ignores what a store delivers a second time', async () => {
    store = new (class extends InMemoryEventStore {
      override subscribeToAll(options: SubscribeToAllOptions) {
        return super.subscribeToAll({ ...options, after: 'start' });
      }
    })();
    const accountId = await registered();
    const first = start();
    await live(first);
    await first.stop();
    const stoppedAt = await checkpoint();
    const second = start();
    await live(second);
    expect(second.advances).toEqual([]);
    expect(await checkpoint()).toBe(stoppedAt);
    const position = await store.record(`account-${accountId}`, accountActivated(1, noon));
    await eventually(async () => expect(await checkpoint()).toBe(position));
    expect(second.advances).toMatchObject([{ events: 1, position }]);
  });

  it('does not go on in a log that is not the one it has read', async () => {
    const accountId = await registered();
    const first = start();
    await live(first);
    await first.stop();
    const stoppedAt = await checkpoint();
    store = new InMemoryEventStore();
    // The same stream at the same position, and yet another event.
    await registered(accountId);
    await registered();
    const second = start();
    await eventually(() => expect(second.faults[0]).toBeInstanceOf(LogDoesNotMatch));
    expect(second.monitor.status()).toMatchObject({
      state: 'faulted',
      lastError: { message: expect.stringContaining(`account-${accountId} at position`) },
    });
    expect(await checkpoint()).toBe(stoppedAt);
    expect(await rowCount()).toBe(1n);
  });

  it('hands on what is recorded where a log that lost its end had ended before', async () => {
    await registered();
    // Audit records, which are no concern of the projection, were lost with the end of the log.
    const first = start();
    await live(first);
    await first.stop();
    await database.query({
      text: 'update read_model.checkpoints set position = position + 1000000',
    });
    await registered();
    await live(start());
    expect(await rowCount()).toBe(2n);
  });

  it('stores rows and checkpoint together or not at all', async () => {
    const positions: LogPosition[] = [];
    for (let n = 0; n < 5; n += 1) {
      positions.push(await store.record(`account-${randomUUID()}`, accountRegistered()));
    }
    // As in a crash half-way: the connection is cut while the third row is being written.
    await database.query({
      text: `create function cut_connection() returns trigger language plpgsql as $$
             begin
               if (select count(*) from read_model.accounts) = 2 then
                 perform pg_terminate_backend(pg_backend_pid());
               end if;
               return new;
             end $$`,
    });
    await database.query({
      text: `create trigger cut_connection before insert on read_model.accounts
             for each row execute function cut_connection()`,
    });
    const run = start();
    await eventually(() => expect(run.faults.length).toBeGreaterThanOrEqual(2));
    const rowsShown = await rowCount();
    const shownUntil = await checkpoint();
    expect(rowsShown).toBeLessThanOrEqual(2n);
    expect(shownUntil).toBe(rowsShown === 0n ? 'start' : positions[Number(rowsShown) - 1]);
    expect(run.faults[0]).toBeInstanceOf(DatabaseUnavailable);

    await database.query({ text: 'drop trigger cut_connection on read_model.accounts' });
    await live(run);
    expect(await rowCount()).toBe(5n);
    expect(await checkpoint()).toBe(positions.at(-1));
  });

  describe('that meets an event that it cannot handle', () => {
    const strange = { type: 'AccountFrozen', data: {} };
    const register = accountRegistered();

    it.each([
      ['of an unknown type', { ...strange, schemaVersion: 1 }],
      ['of an unknown version', { ...accountActivated(1, noon), schemaVersion: 2 }],
      ['with empty metadata', { ...accountActivated(1, noon), schemaVersion: undefined }],
      ['whose data is no object', { type: 'AccountActivated', data: null, schemaVersion: 1 }],
    ])(
      'sets one account aside for one %s, and serves all others',
      async (_, { schemaVersion, ...fact }) => {
        const [before] = await registeredMany(1);
        const hit = await registered();
        const position = await store.record(`account-${hit}`, fact);
        await store.record(`account-${hit}`, registrationRenewed(noon));
        const after = await registered();
        const run = start(undefined, { codec: versioned(position, schemaVersion) });
        await live(run);
        expect(await credentialsOf(database, before ?? '')).toBeDefined();
        expect(await credentialsOf(database, after)).toBeDefined();
        expect(run.setAside).toMatchObject([{ event: { type: fact.type, position } }]);
        expect(run.faults).toEqual([]);
        await eventually(() =>
          expect(run.monitor.status()).toMatchObject({
            state: 'live',
            failing: { events: 1, type: fact.type },
          }),
        );
        expect(await revisionOf(hit)).toBe(0n);
        // More of it does not come through either.
        await store.record(`account-${hit}`, accountActivated(1, noon));
        const last = await store.record(`account-${await registered()}`, accountActivated(1, noon));
        await eventually(async () => expect(await checkpoint()).toBe(last));
        expect(await revisionOf(hit)).toBe(0n);
        await run.stop();

        // A version that can read it takes the account up again.
        const mended = start(undefined, {
          codec: {
            assertKnown: () => undefined,
            decode: async (events) =>
              events.map(
                ({ type, data }) => ({ type, data: data ?? { activatedAt: noon } }) as AccountEvent,
              ),
          },
        });
        await live(mended);
        await eventually(async () => expect(await revisionOf(hit)).toBeGreaterThanOrEqual(2n));
        await eventually(() => expect(mended.monitor.status().failing).toBeUndefined());
      },
    );

    /** In memory every event has version 1. */
    function versioned(position: LogPosition, schemaVersion: number | undefined) {
      const stored = (event: RecordedEvent) =>
        event.position === position
          ? { ...event, metadata: { ...event.metadata, schemaVersion: schemaVersion as number } }
          : event;
      return {
        assertKnown: (event: RecordedEvent) => plainAccountCodec.assertKnown(stored(event)),
        decode: (events: readonly RecordedEvent[]) => {
          for (const { data } of events) if (data === null) throw new Error('no object');
          return plainAccountCodec.decode(events.map(stored));
        },
      };
    }

    async function revisionOf(accountId: string): Promise<bigint | undefined> {
      const { rows } = await database.query<{ revision: bigint }>({
        text: 'select revision from read_model.accounts where account_id = $1',
        values: [accountId],
      });
      return rows[0]?.revision;
    }

    it('does not read events of known types that change no row', async () => {
      const accountId = await registered();
      const last = await store.record(`account-${accountId}`, {
        type: 'ActivationCodeSent',
        data: null,
      });
      const run = start(undefined, {
        codec: {
          assertKnown: plainAccountCodec.assertKnown,
          decode: async (events) => {
            if (events.some(({ data }) => data === null)) throw new Error('it was read');
            return plainAccountCodec.decode(events);
          },
        },
      });
      await live(run);
      expect(await checkpoint()).toBe(last);
      expect(run.setAside).toEqual([]);
    });

    it('counts late events of statistics once, also where later ones were counted', async () => {
      const hit = randomUUID();
      await store.record(`account-${hit}`, strange);
      await store.record(`account-${hit}`, register, codeIssued());
      await registered();
      const first = start(statisticsProjection);
      await live(first);
      await first.stop();
      expect(await registrations()).toBe(1n);
      const second = start(statisticsProjection, {
        codec: {
          assertKnown: () => undefined,
          decode: plainAccountCodec.decode,
        },
      });
      await live(second);
      await eventually(async () => expect(await registrations()).toBe(2n));
    });

    async function registrations(): Promise<bigint | undefined> {
      const { rows } = await database.query<{ count: bigint }>({
        text: 'select sum(registrations)::bigint as count from read_model.statistics',
      });
      return rows[0]?.count;
    }

    it('writes in portions what waited behind it', async () => {
      const hit = await registered();
      await store.record(`account-${hit}`, strange);
      for (let number = 0; number < 1_100; number++) {
        await store.record(`account-${hit}`, registrationRenewed(noon));
      }
      const first = start();
      await live(first);
      await first.stop();
      const second = start(undefined, {
        codec: {
          assertKnown: () => undefined,
          decode: async (events) =>
            events.map(({ type, data }) => ({ type, data }) as AccountEvent),
        },
      });
      await eventually(async () => expect(await revisionOf(hit)).toBe(1_102n));
      await eventually(() => expect(second.monitor.status().failing).toBeUndefined());
      const { rows } = await database.query({
        text: 'select registration_number from read_model.accounts where account_id = $1',
        values: [hit],
      });
      expect(rows).toEqual([{ registration_number: 1_101 }]);
    });

    it('sets nothing aside for a fault of the database, or of all accounts', async () => {
      const accountId = await registered();
      await database.query({ text: 'alter table read_model.accounts rename to accounts_gone' });
      const run = start();
      await eventually(() => expect(run.faults.length).toBeGreaterThan(1));
      expect(run.monitor.status().state).toBe('faulted');
      await database.query({ text: 'alter table read_model.accounts_gone rename to accounts' });
      await live(run);
      expect(run.setAside).toEqual([]);
      expect(await credentialsOf(database, accountId)).toBeDefined();
      await run.stop();

      const wrong = start(undefined, {
        codec: {
          assertKnown: () => {
            throw new Error('wrong key');
          },
          decode: plainAccountCodec.decode,
        },
        concernsAll: async () => true,
      });
      await registered();
      await eventually(() => expect(wrong.faults.length).toBeGreaterThan(1));
      expect(wrong.setAside).toEqual([]);
    });
  });

  it('survives the loss of the event store', async () => {
    await registeredMany(2);
    const run = start();
    await live(run);
    store.goAway();
    await eventually(() => expect(run.monitor.status().state).toBe('faulted'));
    await registeredMany(2);
    store.comeBack();
    await live(run);
    expect(await rowCount()).toBe(4n);
    expect(run.faults[0]).toBeInstanceOf(EventStoreUnavailable);
  });

  it('survives the loss of every connection to PostgreSQL', async () => {
    await registeredMany(2);
    const run = start();
    await live(run);
    await database.query({
      text: `select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid()`,
    });
    await registeredMany(2);
    await eventually(async () => expect(await rowCount()).toBe(4n));
    await live(run);
  });

  it('writes nothing when another process has moved the checkpoint', async () => {
    await registered();
    const run = start();
    await live(run);
    // A rival that is further ahead, as after a change of leaders that this one has not noticed.
    await database.query({
      text: 'update read_model.checkpoints set position = position + 1000000',
    });
    const ahead = await checkpoint();
    await registered();
    await eventually(() => expect(run.faults).toEqual([expect.any(CheckpointMoved)]));
    await live(run);
    expect(await rowCount()).toBe(1n);
    expect(await checkpoint()).toBe(ahead);
  });

  it('does no harm when two run at the same time', async () => {
    const ids = await registeredMany(40);
    for (const id of ids) await store.record(`account-${id}`, registrationRenewed(noon));
    const rivals = [start(undefined, { maxBatchSize: 3 }), start(undefined, { maxBatchSize: 4 })];
    await eventually(() =>
      expect(rivals.map((run) => run.monitor.status().state)).toEqual(['live', 'live']),
    );
    const { rows } = await database.query({
      text: 'select distinct registration_number, revision from read_model.accounts',
    });
    expect(rows).toEqual([{ registration_number: 2, revision: 2n }]);
    expect(await rowCount()).toBe(40n);
  });

  it('rolls back what is under way when it is stopped', async () => {
    await registered();
    const run = start({
      ...accountsProjection,
      write: async (transaction) => {
        await transaction.query({ text: 'select pg_sleep(0.2)' });
      },
    });
    await eventually(async () => {
      const { rowCount: sleeping } = await database.query({
        text: `select from pg_stat_activity
               where datname = current_database() and query = 'select pg_sleep(0.2)'
                 and state = 'active'`,
      });
      expect(sleeping).toBe(1);
    });
    await run.stop();
    expect(await checkpoint()).toBe('start');
    expect(run.faults).toEqual([]);
  });

  it('leaves no half-done batch when it is stopped', async () => {
    await registeredMany(50);
    const run = start(undefined, { maxBatchSize: 5 });
    await eventually(() => expect(run.advances.length).toBeGreaterThan(0));
    await run.stop();
    const rows = await rowCount();
    const stoppedAt = await checkpoint();
    const { rows: newest } = await database.query<{ position: bigint }>({
      text: 'select max(position) as position from read_model.accounts',
    });
    expect(newest[0]?.position).toBeLessThanOrEqual(stoppedAt as bigint);
    expect(rows).toBe(
      (
        await database.query<{ count: bigint }>({
          text: 'select count(*) from read_model.accounts where position <= $1',
          values: [stoppedAt],
        })
      ).rows[0]?.count,
    );
  });
});
