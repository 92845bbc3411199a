import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { RetryLater } from '@app/consumers';
import { SharingEventStore } from '@app/event-store';
import type { EventStore, RecordedEvent } from '@app/event-store';
import { DatabaseUnavailable } from '@app/postgres';
import { InMemoryEventStore } from '@app/event-store/testing/in-memory-event-store.js';
import { plainAccountCodec } from '@app/personal-data/testing/plain-account-codec.js';
import type { IEvent } from '@nestjs/cqrs';
import { eventually } from '../../../../test/support/eventually.js';
import { InMemoryDatabase } from '../testing/in-memory-database.js';
import { silentLog } from '../testing/silent-log.js';
import { RecordedFact } from './recorded-fact.js';
import { SagaFeed } from './saga-feed.js';
import type { SagaFeedOptions, WorkGate } from './saga-feed.js';

const stream = 'account-6f9619ff-8b86-8d01-b42d-00cf4fc964ff';
const older = 'account-00000000-0000-4000-8000-00000000000f';
const name = 'spec';

class CodeIssued extends RecordedFact<'ActivationCodeIssued'> {}

/** Stands in for the event bus: commands take as long, and fail as often, as a spec wants. */
class Reactions {
  readonly done: number[] = [];
  readonly begun: number[] = [];
  readonly shown: IEvent[] = [];
  /** By the number of the code: how many events came with it, each time. */
  readonly delivered = new Map<number, (number | undefined)[]>();
  readonly faults = new Map<number, Error[]>();
  private readonly holds = new Map<number, { wait: Promise<void>; release: () => void }>();

  hold(...issueNumbers: number[]): void {
    for (const issueNumber of issueNumbers) {
      let release: () => void = () => undefined;
      const wait = new Promise<void>((go) => (release = go));
      this.holds.set(issueNumber, { wait, release });
    }
  }

  release(issueNumber: number): void {
    this.holds.get(issueNumber)?.release();
  }

  async dispatch(event: IEvent): Promise<void> {
    const { issueNumber } = (event as CodeIssued).data;
    this.begun.push(issueNumber);
    this.shown.push(event);
    await this.holds.get(issueNumber)?.wait;
    const before = this.delivered.get(issueNumber) ?? [];
    this.delivered.set(issueNumber, [...before, (event as CodeIssued).delivered()?.length]);
    const fault = this.faults.get(issueNumber)?.shift();
    if (fault) throw fault;
    this.done.push(issueNumber);
  }
}

describe('The saga feed', () => {
  const feeds: SagaFeed[] = [];
  let database = new InMemoryDatabase();
  let reactions = new Reactions();

  afterEach(async () => {
    await Promise.all(feeds.splice(0).map((feed) => feed.stop()));
  });

  function startFeed({
    on,
    windowSize = 4,
    gate,
    concernsAll,
    clock = Date.now,
    justDeliveredMs = 60_000,
    longestRetryMs = 60_000,
  }: {
    on: EventStore;
    clock?: () => number;
    justDeliveredMs?: number;
    longestRetryMs?: number;
    windowSize?: number;
    gate?: WorkGate;
    concernsAll?: SagaFeedOptions['concernsAll'];
  }) {
    const options: SagaFeedOptions = {
      name,
      streamNamePrefixes: ['account-'],
      store: on,
      database,
      codec: plainAccountCodec,
      eventBus: reactions,
      events: { ActivationCodeIssued: CodeIssued },
      ...(gate && { gate }),
      ...(concernsAll && { concernsAll }),
      windowSize,
      clock,
      log: silentLog(),
    };
    const feed = new SagaFeed(options, justDeliveredMs, longestRetryMs);
    feeds.push(feed);
    feed.start();
    return { feed };
  }

  function fresh() {
    database = new InMemoryDatabase();
    reactions = new Reactions();
    return new InMemoryEventStore();
  }

  const issued = (issueNumber: number) => ({ type: 'ActivationCodeIssued', data: { issueNumber } });
  const other = { type: 'AccountActivated', data: { issueNumber: 1, activatedAt: 0 } };

  it('shows the sagas every event of theirs, in order, and saves how far it came', async () => {
    const on = fresh();
    await on.record(stream, issued(1), other, issued(2));
    const { feed } = startFeed({ on, windowSize: 1 });
    const last = await on.record(stream, other, issued(3));
    await eventually(() => expect(database.checkpoints.get(name)).toBe(last));
    expect(reactions.done).toEqual([1, 2, 3]);
    expect(feed.status).toMatchObject({ state: 'running', position: last, inFlight: 0, lagMs: 0 });
  });

  it('shows an event as an instance of its class, with its account and where it comes from', async () => {
    const on = fresh();
    await on.record(stream, issued(1));
    startFeed({ on });
    await eventually(() => expect(reactions.shown).toHaveLength(1));
    let recorded: RecordedEvent | undefined;
    for await (const event of on.readStream(stream)) recorded = event;
    expect(reactions.shown[0]).toBeInstanceOf(CodeIssued);
    expect(reactions.shown[0]).toMatchObject({
      accountId: '6f9619ff-8b86-8d01-b42d-00cf4fc964ff',
      data: { issueNumber: 1 },
      eventId: recorded?.id,
      correlationId: recorded?.metadata.$correlationId,
    });
  });

  describe('decides on what was delivered', () => {
    /** A feed that has acted upon everything there is, so that what is recorded from now on is new to it. */
    async function startLive(options: Partial<Parameters<typeof startFeed>[0]> = {}) {
      const on = fresh();
      const before = await on.record(older, issued(1_000));
      const { feed } = startFeed({ on: new SharingEventStore(on), ...options });
      await eventually(() => expect(database.checkpoints.get(name)).toBe(before));
      await eventually(() => expect(on.subscribedAfter).toHaveLength(2));
      return { on, feed };
    }

    const comes = async (issueNumber: number, times = 1) => {
      await eventually(() => expect(reactions.delivered.get(issueNumber)).toHaveLength(times));
      return reactions.delivered.get(issueNumber);
    };

    it('where all of a stream was delivered, and the event only just now', async () => {
      const { on } = await startLive();
      await on.record(stream, other, issued(1));
      expect(await comes(1)).toEqual([2]);
      await on.record(stream, other, issued(2));
      expect(await comes(2)).toEqual([4]);
    });

    it('and with what was delivered while the event waited', async () => {
      const { on } = await startLive();
      reactions.hold(1);
      await on.record(stream, issued(1));
      await eventually(() => expect(reactions.begun).toContain(1));
      await on.record(stream, issued(2));
      await comes(2);
      reactions.release(1);
      expect(await comes(1)).toEqual([2]);
    });

    it('not for what may have been there before: another worker may have acted upon it', async () => {
      await startLive();
      expect(await comes(1_000)).toEqual([undefined]);
    });

    it('not where a stream had begun before the feed did', async () => {
      const { on, feed } = await startLive();
      await feed.stop();
      startFeed({ on: new SharingEventStore(on) });
      await eventually(() => expect(on.subscribedAfter).toHaveLength(4));
      await on.record(older, issued(1));
      expect(await comes(1)).toEqual([undefined]);
    });

    it('not when an event is tried again: the try before may have appended', async () => {
      const { on } = await startLive();
      reactions.faults.set(1, [new DatabaseUnavailable('it is away')]);
      await on.record(stream, issued(1));
      expect(await comes(1, 2)).toEqual([1, undefined]);
    });

    it('not when an event that failed is taken up from the record', async () => {
      const { on } = await startLive();
      reactions.faults.set(1, [new Error('once')]);
      await on.record(stream, issued(1));
      expect(await comes(1, 2)).toEqual([1, undefined]);
    });

    it('not when the subscription was lost meanwhile, and brings the event again', async () => {
      const { on } = await startLive();
      const away = () => new DatabaseUnavailable('it is away');
      reactions.faults.set(1, [away(), away(), away()]);
      await on.record(stream, issued(1), issued(2));
      expect(await comes(2)).toEqual([2]);
      on.cutSubscriptions();
      expect(await comes(2, 2)).toEqual([2, undefined]);
    });

    it('not when it was recorded a while before it arrived', async () => {
      const { on } = await startLive({ clock: () => Date.now() + 61_000 });
      await on.record(stream, issued(1));
      expect(await comes(1)).toEqual([undefined]);
    });

    it('not when it has waited for a while', async () => {
      const { on } = await startLive({ justDeliveredMs: 50 });
      reactions.hold(1);
      await on.record(stream, issued(1));
      await eventually(() => expect(reactions.begun).toContain(1));
      await pause(60);
      reactions.release(1);
      expect(await comes(1)).toEqual([undefined]);
    });

    it('not by a worker that another one may have replaced', async () => {
      const { on } = await startLive();
      reactions.hold(1);
      await on.record(stream, issued(1));
      await eventually(() => expect(reactions.begun).toContain(1));
      database.cutSessions();
      reactions.release(1);
      expect(await comes(1)).toEqual([undefined]);
    });
  });

  it('goes on where the last one stopped', async () => {
    const on = fresh();
    const seen = await on.record(stream, issued(1), issued(2));
    const first = startFeed({ on });
    await eventually(() => expect(database.checkpoints.get(name)).toBe(seen));
    await first.feed.stop();
    await on.record(stream, issued(3));
    startFeed({ on });
    await eventually(() => expect(reactions.done).toEqual([1, 2, 3]));
    expect(on.subscribedAfter).toEqual(['start', seen]);
  });

  it('moves its checkpoint over an unbroken run of completed commands only', async () => {
    const on = fresh();
    reactions.hold(2);
    const first = await on.record(stream, issued(1));
    startFeed({ on });
    const last = await on.record(stream, issued(2), issued(3), issued(4));
    await eventually(() => expect(reactions.done).toEqual([1, 3, 4]));
    await eventually(() => expect(database.checkpoints.get(name)).toBe(first));
    reactions.release(2);
    await eventually(() => expect(database.checkpoints.get(name)).toBe(last));
  });

  it('has no more commands under way than the window takes', async () => {
    const on = fresh();
    reactions.hold(1, 2, 3, 4, 5);
    const { feed } = startFeed({ on, windowSize: 2 });
    await on.record(stream, issued(1), issued(2), issued(3), issued(4), issued(5));
    await eventually(() => expect(feed.status.inFlight).toBe(2));
    expect(reactions.begun).toEqual([1, 2]);
    reactions.release(2);
    await eventually(() => expect(reactions.begun).toEqual([1, 2, 3]));
    for (const issueNumber of [1, 3, 4, 5]) reactions.release(issueNumber);
    await eventually(() => expect(reactions.done).toHaveLength(5));
  });

  it('reports how long the oldest command in flight has been waiting', async () => {
    const on = fresh();
    reactions.hold(1);
    const { feed } = startFeed({ on });
    await on.record(stream, issued(1));
    await eventually(() => expect(feed.status.lagMs).toBeGreaterThanOrEqual(20));
    reactions.release(1);
    await eventually(() => expect(feed.status.lagMs).toBe(0));
  });

  it('knows of no lag before everything that was recorded earlier has come', async () => {
    const on = fresh();
    await on.record(stream, issued(1));
    let connect: () => void = () => undefined;
    const connected = new Promise<void>((resolve) => (connect = resolve));
    const subscribe = on.subscribeToAll.bind(on);
    on.subscribeToAll = async function* (options) {
      await connected;
      yield* subscribe(options);
    };
    const { feed } = startFeed({ on });
    try {
      await eventually(() => expect(feed.status.state).toBe('running'));
      expect(feed.status).toMatchObject({ inFlight: 0, lagMs: undefined });
    } finally {
      // The end of the test stops the feed, which waits for its subscription.
      connect();
    }
    await eventually(() => expect(feed.status).toMatchObject({ inFlight: 0, lagMs: 0 }));
    expect(reactions.done).toEqual([1]);
  });

  it('subscribes again when the connection is lost, although a fault holds everything up', async () => {
    const on = fresh();
    const unavailable = () => new DatabaseUnavailable('it is away');
    reactions.faults.set(1, [unavailable(), unavailable()]);
    const { feed } = startFeed({ on });
    await on.record(stream, issued(1));
    await eventually(() => expect(feed.status.lastError).toBeDefined());
    on.cutSubscriptions();
    const last = await on.record(stream, issued(2), issued(3));
    await eventually(() => expect(database.checkpoints.get(name)).toBe(last));
    expect(reactions.done.toSorted()).toEqual([1, 2, 3]);
    expect(database.failed.size).toBe(0);
  });

  it('holds everything up for a fault of all accounts, and shows it until something succeeds', async () => {
    const on = fresh();
    const wrong = () => new Error('the key is wrong');
    reactions.faults.set(1, [wrong(), wrong()]);
    const { feed } = startFeed({
      on,
      concernsAll: async (error) => (error as Error).message === wrong().message,
    });
    const last = await on.record(stream, issued(1));
    await eventually(() => expect(feed.status.state).toBe('faulted'));
    await eventually(() => expect(database.checkpoints.get(name)).toBe(last));
    expect(reactions.begun).toEqual([1, 1, 1]);
    expect(feed.status).toMatchObject({
      state: 'running',
      lastError: { message: 'the key is wrong' },
    });
    expect(database.failed.size).toBe(0);
  });

  it('puts an event that failed on record, and goes on; tries it again until it succeeds', async () => {
    const on = fresh();
    reactions.faults.set(1, [new Error('first'), new Error('second')]);
    const { feed } = startFeed({ on, windowSize: 1 });
    await on.record(stream, issued(1), issued(2));
    await eventually(() => expect(database.failed.size).toBe(1));
    const [row] = [...database.failed.values()];
    expect(row).toMatchObject({
      type: 'ActivationCodeIssued',
      error: 'Error: first',
      revision: 0n,
    });
    await eventually(() => expect(reactions.done).toEqual([2]));
    await eventually(() =>
      expect(feed.status).toMatchObject({
        state: 'running',
        inFlight: 0,
        failing: { events: 1, type: 'ActivationCodeIssued', error: 'Error: first' },
      }),
    );
    await eventually(() => expect(reactions.done).toEqual([2, 1]));
    await eventually(() =>
      expect(row && database.failed.get(row.position)).toMatchObject({
        status: 'resolved',
        attempts: 2,
      }),
    );
    await eventually(() => expect(feed.status.failing).toBeUndefined());
    const asked = database.failedEventStatements;
    await on.record(stream, issued(3));
    await eventually(() => expect(reactions.done).toEqual([2, 1, 3]));
    expect(database.failedEventStatements).toBe(asked);
  });

  it('gets past events that fail for good, more than the window takes', async () => {
    const on = fresh();
    const refused = Array.from({ length: 16 }, (_, number) => number);
    for (const number of refused) {
      reactions.faults.set(
        number,
        Array.from({ length: 99 }, () => new RetryLater('409', 900_000)),
      );
    }
    startFeed({ on, windowSize: 4 });
    for (const number of refused) await on.record(stream, issued(number));
    on.cutSubscriptions();
    const last = await on.record(stream, issued(100));
    await eventually(() => expect(reactions.done).toEqual([100]), { within: 5_000 });
    await eventually(() => expect(database.checkpoints.get(name)).toBe(last));
    expect(database.failed.size).toBe(16);
  });

  it('gets past commands that hang, as many as the window takes, and does not try those beside', async () => {
    const on = fresh();
    reactions.hold(1, 2, 3, 4);
    const { feed } = startFeed({ on, windowSize: 4 });
    const last = await on.record(stream, issued(1), issued(2), issued(3), issued(4), issued(5));
    await eventually(() => expect(database.checkpoints.get(name)).toBe(last), { within: 5_000 });
    expect(reactions.done).toEqual([5]);
    await eventually(() => expect(feed.status.failing?.error).toMatch(/^NotCompletedInTime: /));
    expect(reactions.begun).toEqual([1, 2, 3, 4, 5]);
    for (const number of [1, 2, 3, 4]) reactions.release(number);
    await eventually(() => expect(feed.status.failing).toBeUndefined(), { within: 10_000 });
    // A command finds from the history that it is done.
    expect(reactions.begun.length).toBeLessThanOrEqual(9);
  }, 20_000);

  it('tries others again although one command hangs each time that it is tried again', async () => {
    const on = fresh();
    reactions.faults.set(1, [new Error('once')]);
    const { feed } = startFeed({ on, windowSize: 4, longestRetryMs: 100 });
    await on.record(stream, issued(1));
    await eventually(() => expect(database.failed.size).toBe(1));
    // Of the four places of the window, one is for what is tried again.
    reactions.hold(1);
    await eventually(() => expect(reactions.begun).toEqual([1, 1]));
    reactions.faults.set(2, [new Error('once')]);
    await on.record(stream, issued(2));
    await eventually(() => expect(reactions.done).toEqual([2]), { within: 5_000 });
    expect(feed.status.failing).toMatchObject({ events: 1 });
    expect(reactions.begun.filter((number) => number === 1)).toHaveLength(2);
    reactions.release(1);
    await eventually(() => expect(feed.status.failing).toBeUndefined(), { within: 10_000 });
  }, 20_000);

  it('leads again although a command never ends', async () => {
    const on = fresh();
    reactions.hold(1);
    const { feed } = startFeed({ on, longestRetryMs: 100 });
    await on.record(stream, issued(1));
    await eventually(() => expect(feed.status.failing?.error).toMatch(/^NotCompletedInTime: /), {
      within: 5_000,
    });
    database.cutSessions();
    await on.record(stream, issued(2));
    await eventually(() => expect(reactions.done).toEqual([2]));
  });

  it.each([
    ['type', { type: 'AccountFrozen', data: {} }],
    ['data', { type: 'ActivationCodeIssued', data: null }],
  ])('puts an event of a %s that it cannot read on record, and goes on', async (_, strange) => {
    const on = fresh();
    const position = await on.record(stream, strange);
    const last = await on.record(stream, issued(1));
    startFeed({ on });
    await eventually(() => expect(database.checkpoints.get(name)).toBe(last));
    expect(reactions.done).toEqual([1]);
    expect([...database.failed.values()]).toMatchObject([{ position, status: 'failing' }]);
  });

  it('tries everything again at once when another process takes over, and carries out a skip', async () => {
    const on = fresh();
    const never = () => Array.from({ length: 99 }, () => new RetryLater('not for long', 600_000));
    reactions.faults.set(1, never());
    reactions.faults.set(2, never());
    const first = startFeed({ on });
    const last = await on.record(stream, issued(1), issued(2));
    await eventually(() => expect(database.checkpoints.get(name)).toBe(last));
    await first.feed.stop();
    reactions.faults.clear();
    const [, skipped] = [...database.failed.values()];
    if (skipped) skipped.status = 'skipped';
    const second = startFeed({ on });
    await eventually(() => expect(reactions.done).toEqual([1]));
    await eventually(() => expect(second.feed.status.failing).toBeUndefined());
    expect([...database.failed.values()].map(({ status }) => status)).toEqual([
      'resolved',
      'skipped',
    ]);
  });

  it('finishes what is under way before it has stopped, and saves the checkpoint', async () => {
    const on = fresh();
    reactions.hold(1);
    const { feed } = startFeed({ on });
    const last = await on.record(stream, issued(1));
    await eventually(() => expect(feed.status.inFlight).toBe(1));
    const stopped = feed.stop();
    reactions.release(1);
    await stopped;
    expect(reactions.done).toEqual([1]);
    expect(database.checkpoints.get(name)).toBe(last);
    expect(feed.status.state).toBe('stopped');
  });

  it('subscribes anew from its checkpoint when the connection is cut', async () => {
    const on = fresh();
    const { feed } = startFeed({ on });
    const first = await on.record(stream, issued(1));
    await eventually(() => expect(database.checkpoints.get(name)).toBe(first));
    on.cutSubscriptions();
    await on.record(stream, issued(2));
    await eventually(() => expect(reactions.done).toEqual([1, 2]));
    expect(on.subscribedAfter.at(-1)).toBe(first);
    expect(feed.status.lastError?.message).toMatch(/the connection was cut/);
  });

  it('goes on saving its checkpoint until the database takes it', async () => {
    const on = fresh();
    database.refuseSaves(2);
    const { feed } = startFeed({ on });
    const last = await on.record(stream, issued(1));
    await eventually(() => expect(feed.status.state).toBe('faulted'));
    await eventually(() => expect(database.checkpoints.get(name)).toBe(last));
    expect(feed.status.state).toBe('running');
    expect(reactions.begun).toEqual([1]);
  });

  it('competes anew when it has lost the leadership', async () => {
    const on = fresh();
    const { feed } = startFeed({ on });
    await on.record(stream, issued(1));
    await eventually(() => expect(reactions.done).toEqual([1]));
    database.cutSessions();
    await on.record(stream, issued(2));
    await eventually(() => expect(reactions.done).toContain(2));
    expect(feed.status.lastError?.message).toMatch(/the connection was cut/);
  });

  describe('behind a gate', () => {
    class Gate implements WorkGate {
      isClosed = true;
      inside = 0;
      private open: () => void = () => undefined;
      private readonly opened = new Promise<void>((resolve) => (this.open = resolve));

      openNow(): void {
        this.isClosed = false;
        this.open();
      }

      async enter(signal: AbortSignal): Promise<() => void> {
        await Promise.race([
          this.opened,
          new Promise((_, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason as Error)),
          ),
        ]);
        this.inside += 1;
        return () => (this.inside -= 1);
      }
    }

    it('waits, and says so, while that is closed', async () => {
      const on = fresh();
      const gate = new Gate();
      const { feed } = startFeed({ on, gate });
      const last = await on.record(stream, issued(1));
      await eventually(() => expect(feed.status).toMatchObject({ state: 'paused', inFlight: 1 }));
      expect(reactions.begun).toEqual([]);
      gate.openNow();
      await eventually(() => expect(database.checkpoints.get(name)).toBe(last));
      expect(feed.status.state).toBe('running');
    });

    it('leaves it whatever became of the work', async () => {
      const on = fresh();
      const gate = new Gate();
      gate.openNow();
      reactions.faults.set(1, [new Error('in vain')]);
      startFeed({ on, gate });
      await on.record(stream, issued(1));
      await eventually(() => expect(reactions.done).toEqual([1]));
      await eventually(() => expect(gate.inside).toBe(0));
    });

    it('leaves it before a command that hangs has ended: one that probes does not close it for good', async () => {
      const on = fresh();
      const gate = new Gate();
      gate.openNow();
      reactions.hold(1);
      startFeed({ on, gate });
      await on.record(stream, issued(1));
      await eventually(() => expect(gate.inside).toBe(1));
      await eventually(() => expect(gate.inside).toBe(0), { within: 5_000 });
      expect(reactions.done).toEqual([]);
      reactions.release(1);
    });

    it('subscribes again when the connection is lost, although it is closed', async () => {
      const on = fresh();
      const gate = new Gate();
      startFeed({ on, gate });
      const last = await on.record(stream, issued(1));
      await eventually(() => expect(on.subscribedAfter).toHaveLength(1));
      on.cutSubscriptions();
      await eventually(() => expect(on.subscribedAfter).toHaveLength(2));
      expect(reactions.begun).toEqual([]);
      gate.openNow();
      await eventually(() => expect(database.checkpoints.get(name)).toBe(last));
      expect(reactions.done).toEqual([1]);
    });

    it('stops at once, and loses nothing', async () => {
      const on = fresh();
      const { feed } = startFeed({ on, gate: new Gate() });
      await on.record(stream, issued(1));
      await eventually(() => expect(feed.status.inFlight).toBe(1));
      await feed.stop();
      expect(database.checkpoints.has(name)).toBe(false);
    });

    it('lets events pass that no saga reacts to', async () => {
      const on = fresh();
      startFeed({ on, gate: new Gate() });
      const last = await on.record(stream, other);
      await eventually(() => expect(database.checkpoints.get(name)).toBe(last));
    });
  });

  it('is stopped before it was started', () => {
    const { status } = new SagaFeed({
      name,
      streamNamePrefixes: ['account-'],
      store: new InMemoryEventStore(),
      database,
      codec: plainAccountCodec,
      eventBus: reactions,
      events: {},
      windowSize: 1,
      clock: Date.now,
      log: silentLog(),
    });
    expect(status).toEqual({
      state: 'stopped',
      position: undefined,
      inFlight: 0,
      lagMs: undefined,
      lastError: undefined,
      failing: undefined,
    });
  });
});
