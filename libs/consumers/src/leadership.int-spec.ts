import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.js';
import { freshDatabase } from '../../../test/support/postgres.js';
import type { FreshDatabase } from '../../../test/support/postgres.js';
import type { Database } from '@app/postgres';
import { CheckpointMoved, moveCheckpoint, readCheckpoint, saveCheckpoint } from './checkpoints.js';
import { isLed, whileLeader } from './leadership.js';
import { createPool } from '@app/postgres/postgres.js';
import { relayTo } from '@app/postgres/testing/tcp-relay.js';

describe('leadership', () => {
  let fresh: FreshDatabase;
  let database: Database;
  const candidates: Candidate[] = [];
  const cleanUps: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    fresh = await freshDatabase();
    database = createPool(fresh.url, {
      max: 2,
      applicationName: 'spec',
      statementTimeoutMs: 5_000,
    });
  });
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0)) await cleanUp();
    await Promise.all(candidates.splice(0).map((candidate) => candidate.stop()));
  });
  afterAll(async () => {
    await database.close();
    await fresh.drop();
  });

  interface Candidate {
    readonly leading: boolean;
    readonly standingBy: boolean;
    readonly faults: readonly unknown[];
    readonly epochs: readonly bigint[];
    stop(): Promise<void>;
  }

  function start(
    name: string,
    work: (signal: AbortSignal, isLeading: () => boolean) => Promise<void> = untilAborted,
    through: Database = database,
    leaseMs = 5_000,
  ): Candidate {
    const stopping = new AbortController();
    const faults: unknown[] = [];
    const epochs: bigint[] = [];
    let leading = false;
    let standingBy = false;
    const ended = whileLeader({
      database: through,
      name,
      signal: stopping.signal,
      intervalMs: 20,
      leaseMs,
      lead: async (signal, epoch, isLeading) => {
        epochs.push(epoch);
        leading = true;
        standingBy = false;
        try {
          await work(signal, isLeading);
        } finally {
          leading = false;
        }
      },
      observer: {
        onStandby: () => {
          standingBy = true;
        },
        onElected: () => undefined,
        onLeadershipFault: (error) => faults.push(error),
      },
    });
    const candidate = {
      get leading() {
        return leading;
      },
      get standingBy() {
        return standingBy;
      },
      faults,
      epochs,
      stop: async () => {
        stopping.abort();
        await ended;
      },
    };
    candidates.push(candidate);
    return candidate;
  }

  const becomesLeader = (candidate: Candidate) =>
    eventually(() => expect(candidate.leading).toBe(true));

  async function cutLeader(name: string): Promise<void> {
    const { rowCount } = await database.query({
      text: `select pg_terminate_backend(locks.pid)
             from pg_locks locks
             join pg_stat_activity activity on activity.pid = locks.pid
             where locks.locktype = 'advisory' and locks.granted
               and activity.application_name = $1 and activity.datname = current_database()`,
      values: [`spec leadership of ${name}`],
    });
    expect(rowCount).toBe(1);
  }

  it('belongs to one at a time, and passes on when that one stops', async () => {
    const first = start('work');
    await becomesLeader(first);
    const second = start('work');
    await eventually(() => expect(second.standingBy).toBe(true));
    expect(second.leading).toBe(false);
    await first.stop();
    await becomesLeader(second);
    expect(first.leading).toBe(false);
    expect(second.faults).toEqual([]);
  });

  it('is apart for each name', async () => {
    await Promise.all([becomesLeader(start('one')), becomesLeader(start('other'))]);
  });

  it('passes on when the connection of the leader is cut, whose work is aborted', async () => {
    let reason: unknown;
    const first = start('work', async (signal) => {
      await untilAborted(signal);
      reason ??= signal.reason;
    });
    await becomesLeader(first);
    const second = start('work');
    await eventually(() => expect(second.standingBy).toBe(true));
    await cutLeader('work');
    await becomesLeader(second);
    await eventually(() => expect(first.standingBy).toBe(true));
    expect(first.leading).toBe(false);
    expect(reason).toHaveProperty('name', 'DatabaseUnavailable');
    expect(first.faults).toEqual([reason]);
    await second.stop();
    await becomesLeader(first);
  });

  it('ends for a leader whose connection is dead without notice to either side', async () => {
    const relay = await relayTo(fresh.url);
    cleanUps.push(() => relay.close());
    const behindRelay = createPool(relay.url, {
      max: 1,
      applicationName: 'spec',
      statementTimeoutMs: 1_000,
    });
    cleanUps.push(() => behindRelay.close());
    const leader = start('work', untilAborted, behindRelay);
    await becomesLeader(leader);
    relay.freeze();
    await eventually(() => expect(leader.leading).toBe(false), { within: 8_000 });
    // Reported once the dead session is given up, which takes its own time.
    await eventually(() => expect(leader.faults[0]).toHaveProperty('name', 'DatabaseUnavailable'));
  });

  it('passes on while the connection of the leader stands, when its lease is not renewed', async () => {
    const relay = await relayTo(fresh.url);
    cleanUps.push(() => relay.close());
    const behindRelay = createPool(relay.url, {
      max: 1,
      applicationName: 'spec',
      statementTimeoutMs: 1_000,
    });
    cleanUps.push(() => behindRelay.close());
    const frozen = start('work', untilAborted, behindRelay, 400);
    await becomesLeader(frozen);
    const second = start('work');
    await eventually(() => expect(second.standingBy).toBe(true));
    relay.freeze();
    await becomesLeader(second);
    expect(frozen.leading).toBe(false);
    expect(frozen.epochs).toHaveLength(1);
    expect(second.epochs).toEqual([(frozen.epochs[0] ?? 0n) + 1n]);
    expect(await isLed(database, 'work')).toBe(true);
  });

  it('is kept by a leader that renews its lease, however long the work takes', async () => {
    const leader = start('work', untilAborted, database, 150);
    await becomesLeader(leader);
    const second = start('work');
    await pause(600);
    expect([leader.epochs.length, second.epochs.length]).toEqual([1, 0]);
    expect([...leader.faults, ...second.faults]).toEqual([]);
  });

  it('ends for a leader that stood still for longer than its lease, before it hears of anything else', async () => {
    let sawIn: unknown;
    const led: boolean[] = [];
    start(
      'work',
      async (signal, isLeading) => {
        await pause(50);
        led.push(isLeading());
        // The event loop stands still, as that of a process does that is stopped.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
        led.push(isLeading());
        await database.query({ text: 'select 1' });
        sawIn ??= signal.reason;
        await untilAborted(signal);
      },
      database,
      200,
    );
    // A busy machine may have been faulted before the work began.
    await eventually(() => expect(sawIn).toHaveProperty('name', 'LeaseLost'));
    expect(led.slice(0, 2)).toEqual([true, false]);
  });

  it('lets a leader of an older epoch move no checkpoint', async () => {
    const first = start('work');
    await becomesLeader(first);
    await first.stop();
    const second = start('work');
    await becomesLeader(second);
    const [older = 0n, newer = 0n] = [...first.epochs, ...second.epochs];
    await saveCheckpoint(database, 'work', 10n, undefined, older);
    await expect(moveCheckpoint(database, 'work', 'start', 10n, { epoch: older })).rejects.toThrow(
      CheckpointMoved,
    );
    expect(await readCheckpoint(database, 'work')).toBe('start');
    await moveCheckpoint(database, 'work', 'start', 10n, { epoch: newer });
    await expect(moveCheckpoint(database, 'work', 10n, 11n, { epoch: older })).rejects.toThrow(
      CheckpointMoved,
    );
    await saveCheckpoint(database, 'work', 12n, undefined, older);
    expect(await readCheckpoint(database, 'work')).toBe(10n);
    await saveCheckpoint(database, 'work', 12n, undefined, newer);
    expect(await readCheckpoint(database, 'work')).toBe(12n);
  });

  it('does not pass on within a transaction that moves the checkpoint', async () => {
    const first = start('held');
    await becomesLeader(first);
    const second = start('held');
    const epoch = first.epochs[0];
    await database.inTransaction(async (transaction) => {
      await moveCheckpoint(transaction, 'held', 'start', 10n, { epoch });
      await cutLeader('held');
      await pause(300);
      expect(second.leading).toBe(false);
    });
    await eventually(() => expect(first.leading || second.leading).toBe(true));
    expect(await readCheckpoint(database, 'held')).toBe(10n);
  });

  it('is held until the work has ended, also when asked to stop', async () => {
    let finish: () => void = () => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const first = start('work', () => finished);
    await becomesLeader(first);
    const second = start('work');
    await eventually(() => expect(second.standingBy).toBe(true));
    const stopped = first.stop();
    expect(second.leading).toBe(false);
    finish();
    await stopped;
    await becomesLeader(second);
  });

  it('is tried for again when the work fails', async () => {
    let attempts = 0;
    const candidate = start('work', async (signal) => {
      attempts += 1;
      if (attempts === 1) throw new Error('the work failed');
      await untilAborted(signal);
    });
    await eventually(() => expect(attempts).toBe(2));
    expect(candidate.faults).toEqual([new Error('the work failed')]);
    await becomesLeader(candidate);
  });

  it('is waited for while PostgreSQL cannot be reached', async () => {
    const nowhere = createPool('postgres://nobody@127.0.0.1:1/none', {
      max: 1,
      applicationName: 'spec',
      statementTimeoutMs: 1_000,
    });
    const stopping = new AbortController();
    const faults: unknown[] = [];
    const ended = whileLeader({
      database: nowhere,
      name: 'work',
      signal: stopping.signal,
      lead: untilAborted,
      observer: {
        onStandby: () => undefined,
        onElected: () => undefined,
        onLeadershipFault: (error) => faults.push(error),
      },
    });
    await eventually(() => expect(faults.length).toBeGreaterThanOrEqual(2));
    stopping.abort();
    await ended;
    await nowhere.close();
    expect(faults[0]).toHaveProperty('name', 'DatabaseUnavailable');
  });
});

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
