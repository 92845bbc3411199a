import { afterEach, describe, expect, it } from '@jest/globals';
import { RetryLater } from '@app/consumers';
import type { RecordedEvent } from '@app/event-store';
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
const name = 'spec';

class CodeIssued extends RecordedFact<'ActivationCodeIssued'> {}

/** Stands in for the event bus: commands take as long, and fail as often, as a spec wants. */
class Reactions {
  readonly done: number[] = [];
  readonly begun: number[] = [];
  readonly shown: IEvent[] = [];
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
    quarantine,
  }: {
    on: InMemoryEventStore;
    windowSize?: number;
    gate?: WorkGate;
    quarantine?: SagaFeedOptions['quarantine'];
  }) {
    const feed = new SagaFeed({
      name,
      streamNamePrefixes: ['account-'],
      store: on,
      database,
      codec: plainAccountCodec,
      eventBus: reactions,
      events: { ActivationCodeIssued: CodeIssued },
      ...(gate && { gate }),
      ...(quarantine && { quarantine }),
      windowSize,
      log: silentLog(),
    });
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
    expect(reactions.shown[0]).toEqual({
      accountId: '6f9619ff-8b86-8d01-b42d-00cf4fc964ff',
      data: { issueNumber: 1 },
      eventId: recorded?.id,
      correlationId: recorded?.metadata.$correlationId,
    });
  });

  it('passes over what is quarantined, and tries the rest again', async () => {
    const on = fresh();
    await on.record(stream, issued(1), issued(2));
    const last = await on.record(stream, issued(3));
    const cannotBeRead = () => new Error('it cannot be read');
    reactions.faults.set(1, [cannotBeRead(), cannotBeRead()]);
    reactions.faults.set(2, [new Error('the provider is down')]);
    const { feed } = startFeed({
      on,
      windowSize: 2,
      quarantine: async (_, error) => (error as Error).message === cannotBeRead().message,
    });
    await eventually(() => expect(database.checkpoints.get(name)).toBe(last));
    expect(reactions.begun).toEqual(expect.arrayContaining([1, 2, 2, 3]));
    expect(reactions.begun.filter((issueNumber) => issueNumber === 1)).toHaveLength(1);
    expect(reactions.done.toSorted()).toEqual([2, 3]);
    expect(feed.status).toMatchObject({ inFlight: 0, position: last });
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

  it('subscribes again when the connection is lost, however long a failed event is to wait', async () => {
    const on = fresh();
    const refused = () => new RetryLater('another try is under way', 900_000);
    reactions.faults.set(1, [refused(), refused()]);
    const { feed } = startFeed({ on });
    await on.record(stream, issued(1));
    await eventually(() => expect(feed.status.lastError).toBeDefined());
    on.cutSubscriptions();
    await on.record(stream, issued(2), issued(3));
    await eventually(() => expect(reactions.done).toEqual([2, 3]));
    expect(database.checkpoints.has(name)).toBe(false);
    on.cutSubscriptions();
    const last = await on.record(stream, other);
    await eventually(() => expect(database.checkpoints.get(name)).toBe(last));
    expect(reactions.done).toContain(1);
  });

  it('tries again what failed, and shows the fault until something succeeds', async () => {
    const on = fresh();
    reactions.faults.set(1, [new Error('first'), new Error('second')]);
    reactions.hold(1);
    const { feed } = startFeed({ on });
    const last = await on.record(stream, issued(1));
    reactions.release(1);
    await eventually(() => expect(feed.status.state).toBe('faulted'));
    await eventually(() => expect(database.checkpoints.get(name)).toBe(last));
    expect(reactions.begun).toEqual([1, 1, 1]);
    expect(feed.status).toMatchObject({ state: 'running', lastError: { message: 'second' } });
  });

  it('tries no sooner again than a failure asked for', async () => {
    const on = fresh();
    reactions.faults.set(1, [new RetryLater('not yet', 400)]);
    startFeed({ on });
    const begun = performance.now();
    await on.record(stream, issued(1));
    await eventually(() => expect(reactions.done).toEqual([1]));
    expect(performance.now() - begun).toBeGreaterThanOrEqual(395);
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

  it('leaves what cannot be done at the moment of stopping to the next one', async () => {
    const on = fresh();
    reactions.faults.set(1, [new RetryLater('not for a long time', 60_000)]);
    const { feed } = startFeed({ on });
    await on.record(stream, issued(1));
    await eventually(() => expect(feed.status.state).toBe('faulted'));
    await feed.stop();
    expect(database.checkpoints.has(name)).toBe(false);
    startFeed({ on });
    await eventually(() => expect(reactions.done).toEqual([1]));
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
      expect(gate.inside).toBe(0);
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
      log: silentLog(),
    });
    expect(status).toEqual({
      state: 'stopped',
      position: undefined,
      inFlight: 0,
      lagMs: 0,
      lastError: undefined,
    });
  });
});
