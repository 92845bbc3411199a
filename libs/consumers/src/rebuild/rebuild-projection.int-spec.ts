import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { accountStreamName } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import {
  accountActivated,
  accountRegistered,
  codeIssued,
  noon,
  registrationLapsed,
} from '@app/accounts/testing/account-examples.js';
import type { EventReader, EventStore, SubscribeToAllOptions } from '@app/event-store';
import { eventually } from '../../../../test/support/eventually.js';
import { freshDatabase } from '../../../../test/support/postgres.js';
import type { FreshDatabase } from '../../../../test/support/postgres.js';
import { accountsProjection } from '@app/views';
import { credentialsOf } from '@app/views/testing/credentials-of.js';
import { readCheckpoint } from '../checkpoints.js';
import type { Database } from '@app/postgres';
import { listFailedEvents, requestRetry, skipFailedEvent } from '../failed-events.js';
import { createPool } from '@app/postgres/postgres.js';
import { ProjectionMonitor } from '../projection-monitor.js';
import type { ProjectedEvent, Projection } from '../projection.js';
import { runProjection } from '../run-projection.js';
import { exampleAccountId } from '@app/views/testing/account-lives.js';
import { InMemoryEventStore } from '@app/event-store/testing/in-memory-event-store.js';
import { plainAccountCodec } from '@app/personal-data/testing/plain-account-codec.js';
import { NothingToRebuild, ProjectionRebuild, RebuildRunning } from './rebuild-projection.js';
import { newestRebuilds } from './rebuild-records.js';
import { keepDefinitions } from './table-definition.js';

describe('rebuilding a projection', () => {
  let fresh: FreshDatabase;
  let database: Database;
  let store: InMemoryEventStore;
  const running: { stop(): Promise<void> }[] = [];

  beforeAll(async () => {
    fresh = await freshDatabase();
    database = createPool(fresh.url, {
      max: 8,
      applicationName: 'spec',
      statementTimeoutMs: 10_000,
      connectionTimeoutMs: 10_000,
    });
  });
  beforeEach(async () => {
    store = new InMemoryEventStore();
    await database.query({
      text: `truncate read_model.accounts, read_model.checkpoints, operations.rebuilds,
               operations.failed_events`,
    });
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((run) => run.stop()));
  });
  afterAll(async () => {
    await database.close();
    await fresh.drop();
  });

  function project(projection: Projection<AccountEvent> = accountsProjection): {
    readonly monitor: ProjectionMonitor;
    readonly stop: () => Promise<void>;
  } {
    const stopping = new AbortController();
    const monitor = new ProjectionMonitor(Date.now);
    const ended = runProjection({
      projection,
      store,
      codec: plainAccountCodec,
      database,
      signal: stopping.signal,
      observer: {
        onSubscribed: (position) => monitor.onSubscribed(position),
        onCaughtUp: () => monitor.onCaughtUp(),
        onAdvanced: (advance) => monitor.onAdvanced(advance),
        onFault: (error) => monitor.onFault(error),
        onSetAside: () => undefined,
        onRetryFault: (error) => monitor.onFault(error),
        onFailing: (failing) => monitor.onFailing(failing),
      },
    });
    const stop = async () => {
      stopping.abort();
      await ended;
    };
    running.push({ stop });
    return { monitor, stop };
  }

  function begin(
    options: {
      readonly switchWhenDifferent?: boolean;
      readonly store?: EventStore;
      readonly signal?: AbortSignal;
      readonly projection?: Projection<AccountEvent>;
      readonly codec?: EventReader<AccountEvent>;
    } = {},
  ): Promise<ProjectionRebuild<AccountEvent>> {
    return ProjectionRebuild.begin({
      projection: options.projection ?? accountsProjection,
      store: options.store ?? store,
      codec: options.codec ?? plainAccountCodec,
      database,
      startedBy: 'admin:spec',
      switchWhenDifferent: options.switchWhenDifferent ?? false,
      signal: options.signal ?? new AbortController().signal,
      batchSize: 7,
    });
  }

  async function register(from: number, to: number): Promise<void> {
    for (let number = from; number < to; number++) {
      const stream = accountStreamName(exampleAccountId(number));
      await store.record(stream, accountRegistered(noon + number), codeIssued(1, noon + number));
      if (number % 3 === 0) await store.record(stream, accountActivated(1, noon + number));
    }
  }

  async function rows(): Promise<readonly unknown[]> {
    const result = await database.query({
      text: 'select * from read_model.accounts order by account_id',
    });
    return result.rows;
  }

  async function countOf(): Promise<number> {
    const { rows: counted } = await database.query<{ count: bigint }>({
      text: 'select count(*) from read_model.accounts',
    });
    return Number(counted[0]?.count);
  }

  it('puts equal rows in the place of the old ones, indexes and constraints included', async () => {
    await register(0, 40);
    project();
    await eventually(async () => expect(await countOf()).toBe(40));
    await eventually(async () => expect(await activeCount()).toBe(14));
    const definitions = await indexesAndConstraints();
    const before = await rows();
    const outcome = await (await begin()).run();
    expect(outcome).toMatchObject({
      state: 'switched',
      before: { rows: 40n },
      after: { rows: 40n },
    });
    expect(outcome.before).toEqual(outcome.after);
    expect(await rows()).toEqual(before);
    expect(await indexesAndConstraints()).toEqual(definitions);
    expect((await newestRebuilds(database)).get('accounts')).toMatchObject({
      state: 'switched',
      fraction: 1,
      startedBy: 'admin:spec',
    });
  });

  it('lets every reader find every account, and the projection get on, while it runs', async () => {
    await register(0, 60);
    project();
    await eventually(async () => expect(await countOf()).toBe(60));
    let misses = 0;
    let reads = 0;
    let reading = true;
    const readers = Array.from({ length: 4 }, async (_, reader) => {
      for (let number = reader; reading; number = (number + 1) % 60) {
        reads += 1;
        if (!(await credentialsOf(database, exampleAccountId(number)))) misses += 1;
      }
    });
    let registering = true;
    const writer = (async () => {
      for (let number = 60; registering; number++) {
        await register(number, number + 1);
        await delay(5);
      }
    })();
    try {
      for (let rebuilds = 0; rebuilds < 3; rebuilds++) {
        expect(await (await begin()).run()).toMatchObject({ state: 'switched' });
      }
    } finally {
      registering = false;
      reading = false;
      await Promise.all([...readers, writer]);
    }
    expect(misses).toBe(0);
    expect(reads).toBeGreaterThan(100);
  });

  it('keeps the old rows when the new ones differ, unless the caller says otherwise', async () => {
    await register(0, 10);
    project();
    await eventually(async () => expect(await countOf()).toBe(10));
    await database.query({
      text: 'delete from read_model.accounts where account_id = $1',
      values: [exampleAccountId(4)],
    });
    expect(await (await begin()).run()).toMatchObject({
      state: 'different',
      before: { rows: 9n },
      after: { rows: 10n },
    });
    expect(await countOf()).toBe(9);
    expect(await (await begin({ switchWhenDifferent: true })).run()).toMatchObject({
      state: 'switched',
    });
    expect(await countOf()).toBe(10);
  });

  it('makes a table anew that is lost, with all that belongs to it', async () => {
    await keepDefinitions(database, [accountsProjection]);
    await register(0, 10);
    project();
    await eventually(async () => expect(await countOf()).toBe(10));
    const definitions = await indexesAndConstraints();
    await database.query({ text: 'drop table read_model.accounts' });
    await keepDefinitions(database, [accountsProjection]);
    expect(await (await begin()).run()).toMatchObject({
      state: 'switched',
      before: { rows: 0n },
      after: { rows: 10n },
    });
    expect(await countOf()).toBe(10);
    expect(await indexesAndConstraints()).toEqual(definitions);
    await register(10, 12);
    await eventually(async () => expect(await countOf()).toBe(12));
  });

  it('cannot make a table anew of which no definition is kept, and says so', async () => {
    await register(0, 1);
    const { stop } = project();
    await eventually(async () => expect(await countOf()).toBe(1));
    await stop();
    const unknown = { ...accountsProjection, table: 'never_made' };
    const rebuild = await begin({ projection: unknown });
    await expect(rebuild.run()).rejects.toThrow(
      'read_model.never_made is lost, and so is the definition that migrate keeps of it',
    );
  });

  it('happens once at a time', async () => {
    await register(0, 3);
    project();
    await eventually(async () => expect(await countOf()).toBe(3));
    const first = await begin();
    await expect(begin()).rejects.toThrow(RebuildRunning);
    await first.run();
    await (await begin()).run();
  });

  it('needs something to take the place of', async () => {
    await expect(begin()).rejects.toThrow(NothingToRebuild);
  });

  it('leaves the old rows alone when it fails, and says why', async () => {
    await register(0, 3);
    project();
    await eventually(async () => expect(await countOf()).toBe(3));
    const broken: EventStore = Object.assign(Object.create(store) as EventStore, {
      subscribeToAll: () => {
        throw new Error('the log cannot be read');
      },
    });
    await expect((await begin({ store: broken })).run()).rejects.toThrow('the log cannot be read');
    expect(await countOf()).toBe(3);
    expect((await newestRebuilds(database)).get('accounts')).toMatchObject({
      state: 'failed',
      error: 'Error: the log cannot be read',
    });
    await (await begin()).run();
  });

  it('fails with the batch that could not be written, though the next was gathered already', async () => {
    await register(0, 40);
    project();
    await eventually(async () => expect(await countOf()).toBe(40));
    let writes = 0;
    const failing = await begin({
      projection: {
        ...accountsProjection,
        write: async (...written) => {
          writes += 1;
          await delay(5);
          if (writes === 3) throw new Error('the disk is full');
          await accountsProjection.write(...written);
        },
      },
    });
    await expect(failing.run()).rejects.toThrow('the disk is full');
    expect(writes).toBe(3);
    expect(await countOf()).toBe(40);
    expect(await (await begin()).run()).toMatchObject({ state: 'switched', after: { rows: 40n } });
  });

  it('counts all events, and decodes those that change rows', async () => {
    await register(0, 9);
    project();
    await eventually(async () => expect(await countOf()).toBe(9));
    await eventually(async () => expect(await activeCount()).toBe(3));
    const decoded: string[] = [];
    const outcome = await (
      await begin({
        codec: {
          assertKnown: plainAccountCodec.assertKnown,
          decode: (events) => {
            decoded.push(...events.map(({ type }) => type));
            return plainAccountCodec.decode(events);
          },
        },
      })
    ).run();
    expect(outcome).toMatchObject({ state: 'switched', events: 21 });
    expect(decoded).toHaveLength(12);
    expect(decoded).not.toContain('ActivationCodeIssued');
  });

  it('is abandoned when its process is gone, and can be begun anew', async () => {
    await register(0, 3);
    project();
    await eventually(async () => expect(await countOf()).toBe(3));
    await begin();
    await database.query({
      text: `select pg_terminate_backend(pid) from pg_stat_activity
             where application_name like '%rebuild of accounts'`,
    });
    await eventually(async () =>
      expect((await newestRebuilds(database)).get('accounts')?.state).toBe('abandoned'),
    );
    expect(await (await begin()).run()).toMatchObject({ state: 'switched' });
  });

  describe('with an event that cannot be handled', () => {
    const refused = exampleAccountId(1);
    const refusing = (refuses: (fact: ProjectedEvent<AccountEvent>) => boolean) => ({
      ...accountsProjection,
      write: async (...written: Parameters<Projection<AccountEvent>['write']>) => {
        if (written[2].some(refuses)) throw new Error('not this one');
        await accountsProjection.write(...written);
      },
    });
    const picky = refusing(({ streamName }) => streamName === accountStreamName(refused));
    const failedOnes = () => listFailedEvents(database, 'accounts');
    const settled = (monitor: ProjectionMonitor) =>
      eventually(() =>
        expect(monitor.status()).toMatchObject({ state: 'live', failing: undefined }),
      );

    it('sets its account aside, and goes on without the event once an operator decided so', async () => {
      await register(0, 5);
      const { monitor } = project(
        refusing(
          ({ streamName, event }) =>
            streamName === accountStreamName(refused) && event.type === 'AccountActivated',
        ),
      );
      await store.record(accountStreamName(refused), accountActivated(1, noon));
      await store.record(accountStreamName(refused), registrationLapsed(noon));
      await eventually(async () => expect(await failedOnes()).toHaveLength(1));
      const [failed] = await failedOnes();
      expect(failed).toMatchObject({
        type: 'AccountActivated',
        streamName: accountStreamName(refused),
        revision: 2n,
        error: 'Error: not this one',
        status: 'failing',
      });
      await eventually(() =>
        expect(monitor.status()).toMatchObject({
          state: 'live',
          failing: { events: 1, type: 'AccountActivated', error: 'Error: not this one' },
        }),
      );
      expect(await countOf()).toBe(5);
      expect(await statusOf(refused)).toBe('pending');
      // A rebuild leaves out what is set aside.
      const before = await (await begin()).run();
      expect(before).toMatchObject({ state: 'switched', after: { rows: 5n } });

      const decision = { by: 'admin:spec', reason: 'a test account' };
      expect(await skipFailedEvent(database, failed?.position ?? 0n, decision)).toEqual([
        'accounts',
      ]);
      await settled(monitor);
      expect(await statusOf(refused)).toBe('lapsed');
      expect(await failedOnes()).toMatchObject([{ status: 'skipped', decidedBy: 'admin:spec' }]);
      // And what was skipped.
      const after = await (await begin()).run();
      expect(after).toMatchObject({ state: 'switched', after: { rows: 5n } });
      expect(await statusOf(refused)).toBe('lapsed');
    });

    it('takes the account up again after the fix, and says so', async () => {
      await register(0, 3);
      const before = project(picky);
      await eventually(async () => expect(await failedOnes()).toHaveLength(1));
      const [failed] = await failedOnes();
      const position = failed?.position ?? 0n;
      await eventually(async () => expect(await countOf()).toBe(2));
      expect(await requestRetry(database, position)).toEqual(['accounts']);
      await eventually(async () => expect((await failedOnes())[0]?.attempts).toBeGreaterThan(1));
      await before.stop();
      const { monitor } = project();
      await eventually(async () => expect(await countOf()).toBe(3));
      await settled(monitor);
      expect(await failedOnes()).toMatchObject([{ status: 'resolved' }]);
      expect(await requestRetry(database, position)).toEqual([]);
      const decision = { by: 'admin:spec', reason: 'late' };
      expect(await skipFailedEvent(database, position, decision)).toEqual([]);
      expect(await readCheckpoint(database, 'accounts')).toBeGreaterThan(position);
    });

    it('adds to a rebuild what the projection takes up again meanwhile', async () => {
      await register(0, 4);
      const { stop } = project(picky);
      await eventually(async () => expect(await countOf()).toBe(3));
      await stop();
      let isMended = false;
      const rebuild = await begin({
        switchWhenDifferent: true,
        store: Object.create(store, {
          subscribeToAll: {
            value: async function* (options: SubscribeToAllOptions) {
              if (!isMended) {
                isMended = true;
                await settled(project().monitor);
              }
              yield* store.subscribeToAll(options);
            },
          },
        }) as EventStore,
      });
      expect(await rebuild.run()).toMatchObject({ state: 'switched', after: { rows: 4n } });
      expect(isMended).toBe(true);
      expect(await countOf()).toBe(4);
    });

    async function statusOf(accountId: string): Promise<unknown> {
      const { rows } = await database.query<{ status: string }>({
        text: 'select status from read_model.accounts where account_id = $1',
        values: [accountId],
      });
      return rows[0]?.status;
    }
  });

  async function activeCount(): Promise<number> {
    const { rows: counted } = await database.query<{ count: bigint }>({
      text: `select count(*) from read_model.accounts where status = 'active'`,
    });
    return Number(counted[0]?.count);
  }

  async function indexesAndConstraints(): Promise<readonly unknown[]> {
    const result = await database.query({
      text: `select indexdef as definition from pg_indexes
             where schemaname = 'read_model' and tablename = 'accounts'
             union all
             select conname || ' ' || pg_get_constraintdef(oid)
             from pg_constraint where conrelid = 'read_model.accounts'::regclass
             union all
             select column_name || ' ' || data_type || ' ' || is_nullable
             from information_schema.columns
             where table_schema = 'read_model' and table_name = 'accounts'
             order by 1`,
    });
    return result.rows;
  }
});
