import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { eventually } from '../../../test/support/eventually.js';
import { describeEventStore } from './testing/event-store.contract.js';
import { positionOf } from './event-store.js';
import type { LogPosition, SubscribeToAllOptions, SubscriptionMessage } from './event-store.js';
import { SharingEventStore } from './sharing-event-store.js';
import { FollowedSubscription } from './testing/followed-subscription.js';
import { InMemoryEventStore } from './testing/in-memory-event-store.js';
import { Gate, settled } from './testing/settled.js';

const ACCOUNTS = { streamNamePrefixes: ['account-'] } as const;
const FACT = { type: 'Happened', data: {} };

describeEventStore('shared in memory', async () => new SharingEventStore(new InMemoryEventStore()));

describe('Subscriptions of one process', () => {
  it('share one feed once they have caught up, wherever each of them began', async () => {
    const { store, shared } = stores();
    const first = await store.record('account-1', FACT);
    await store.record('account-2', FACT, FACT);
    const followers = [follow(shared, 'start'), follow(shared, first), follow(shared, first)];
    for (const follower of followers)
      await untilEvents(follower, follower === followers[0] ? 3 : 2);
    await settled();
    expect(store.openSubscriptions).toBe(1);
    const last = await store.record('account-1', FACT);
    for (const [index, follower] of followers.entries()) {
      await untilEvents(follower, index === 0 ? 4 : 3);
      expect(follower.events.at(-1)?.position).toBe(last);
    }
    // One for each subscriber, and the feed's.
    expect(store.subscribedAfter).toHaveLength(4);
    for (const follower of followers) await follower.stop();
    await settled();
    expect(store.openSubscriptions).toBe(0);
  });

  it('say when an event was received, but for those that may have been there before', async () => {
    const { store, shared } = stores();
    await store.record('account-1', FACT);
    const received: (number | undefined)[] = [];
    const follower = follow(shared, 'start', (message) => {
      if (message.kind === 'event') received.push(message.receivedAt);
    });
    await caughtUp(follower);
    await settled();
    const before = performance.now();
    await store.record('account-1', FACT);
    await untilEvents(follower, 2);
    await follower.stop();
    expect(received[0]).toBeUndefined();
    expect(received[1]).toBeGreaterThanOrEqual(before);
    expect(received[1]).toBeLessThanOrEqual(performance.now());
  });

  it('have a feed for each kind of streams', async () => {
    const { store, shared } = stores();
    const accounts = follow(shared, 'start');
    const audits = new FollowedSubscription(shared, {
      after: 'start',
      streamNamePrefixes: ['audit-'],
    });
    for (const follower of [accounts, audits]) await caughtUp(follower);
    await store.record('account-1', FACT);
    await store.record('audit-1', FACT, FACT);
    await untilEvents(accounts, 1);
    await untilEvents(audits, 2);
    expect(store.openSubscriptions).toBe(2);
    await Promise.all([accounts.stop(), audits.stop()]);
  });

  it('fail together with their feed, after what had arrived', async () => {
    const { store, shared } = stores();
    const followers = [follow(shared, 'start'), follow(shared, 'start')];
    for (const follower of followers) await caughtUp(follower);
    await settled();
    await store.record('account-1', FACT);
    for (const follower of followers) await untilEvents(follower, 1);
    store.cutSubscriptions();
    for (const follower of followers) await expect(follower.ended).rejects.toThrow('was cut');
    await settled();
    expect(store.openSubscriptions).toBe(0);
  });

  it('leave the feed to the others when one is aborted', async () => {
    const { store, shared } = stores();
    const [leaving, staying] = [follow(shared, 'start'), follow(shared, 'start')];
    for (const follower of [leaving, staying]) await caughtUp(follower);
    await settled();
    await leaving.stop();
    await store.record('account-1', FACT);
    await untilEvents(staying, 1);
    expect(leaving.events).toEqual([]);
    await staying.stop();
  });

  it('that are too slow for the feed catch up by themselves and hold up no other', async () => {
    const store = new InMemoryEventStore();
    const shared = new SharingEventStore(store, 4);
    const held = new Gate();
    const quick = follow(shared, 'start');
    const slow = follow(shared, 'start', ({ kind }) =>
      kind === 'event' ? held.promise : undefined,
    );
    for (const follower of [quick, slow]) await caughtUp(follower);
    await settled();
    const before = store.subscribedAfter.length;
    for (let number = 0; number < 20; number++) {
      await store.record(`account-${number}`, FACT);
      await untilEvents(quick, number + 1);
    }
    expect(slow.events).toHaveLength(1);
    held.open();
    await untilEvents(slow, 20);
    expect(slow.events).toEqual(quick.events);
    expect(store.subscribedAfter.length).toBe(before + 1);
    await settled();
    expect(store.openSubscriptions).toBe(1);
    await Promise.all([quick.stop(), slow.stop()]);
  });

  it('that the feed leaves behind while their own subscription ends catch up once more', async () => {
    const store = new InMemoryEventStore();
    const shared = new SharingEventStore(store, 4);
    const quick = follow(shared, 'start');
    await caughtUp(quick);
    await settled();
    const ends = new Gate();
    const subscribe = store.subscribeToAll.bind(store);
    store.subscribeToAll = async function* (options) {
      store.subscribeToAll = subscribe;
      try {
        yield* subscribe(options);
      } finally {
        await ends.promise;
      }
    };
    const slow = follow(shared, 'start');
    await caughtUp(slow);
    for (let number = 0; number < 20; number++) {
      await store.record(`account-${number}`, FACT);
      await untilEvents(quick, number + 1);
    }
    ends.open();
    await untilEvents(slow, 20);
    expect(slow.events).toEqual(quick.events);
    await Promise.all([quick.stop(), slow.stop()]);
  });

  it('get every event once and in order, whatever their paces and however often they are cut', async () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.constant('wanted' as const) },
      { weight: 3, arbitrary: fc.constant('other' as const) },
      { weight: 1, arbitrary: fc.constant('cut' as const) },
      { weight: 2, arbitrary: fc.constant('follow' as const) },
      { weight: 4, arbitrary: fc.constant('wait' as const) },
    );
    const paces = fc.array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        paces,
        fc.array(fc.constantFrom(0, 0, 1, 5, 20), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 5 }),
        async (steps, pace, delays, keptMessages) => {
          const store = new SlowlyDelivering(delays);
          const shared = new SharingEventStore(store, keptMessages);
          const wanted: LogPosition[] = [];
          const stopping = new AbortController();
          const followers: ReturnType<typeof resuming>[] = [];
          const follow = () => {
            const own = pace.map((turns, index) => (turns + index * followers.length) % 7);
            followers.push(resuming(shared, own, stopping.signal));
          };
          follow();
          for (const one of steps) {
            if (one === 'wanted') wanted.push(await store.record('account-1', FACT));
            else if (one === 'other') await store.record('audit-1', FACT);
            else if (one === 'cut') store.cutSubscriptions();
            else if (one === 'follow') follow();
            else await settled();
          }
          const last = await store.record('account-1', FACT);
          for (const { positions, reached } of followers) {
            await reached(last);
            expect(positions).toEqual([...wanted, last]);
          }
          stopping.abort();
          await Promise.all(followers.map(({ ended }) => ended));
          await eventually(() => expect(store.openSubscriptions).toBe(0));
        },
      ),
      { numRuns: 60 },
    );
  });
});

/** Each subscription is so many turns behind what is recorded. */
class SlowlyDelivering extends InMemoryEventStore {
  private subscriptions = 0;

  constructor(private readonly delays: readonly number[]) {
    super();
  }

  override async *subscribeToAll(
    options: SubscribeToAllOptions,
  ): AsyncGenerator<SubscriptionMessage, void, void> {
    const delay = this.delays[this.subscriptions++ % this.delays.length] ?? 0;
    for await (const message of super.subscribeToAll(options)) {
      for (let turn = 0; turn < delay; turn++) await nextTurn();
      if (options.signal.aborted) return;
      yield message;
    }
  }
}

function stores() {
  const store = new InMemoryEventStore();
  return { store, shared: new SharingEventStore(store) };
}

function follow(
  shared: SharingEventStore,
  after: LogPosition | 'start',
  whenReceived?: (message: SubscriptionMessage) => Promise<void> | undefined,
): FollowedSubscription {
  return new FollowedSubscription(shared, { after, ...ACCOUNTS }, whenReceived);
}

async function untilEvents(follower: FollowedSubscription, count: number): Promise<void> {
  await follower.until(({ events }) => events.length >= count, `${count} events`);
}

async function caughtUp(follower: FollowedSubscription): Promise<void> {
  await follower.until((subscription) => subscription.caughtUp, 'it has caught up');
}

/** A subscriber that subscribes anew from where it came to, as often as it is cut. */
function resuming(shared: SharingEventStore, pace: readonly number[], signal: AbortSignal) {
  const positions: LogPosition[] = [];
  const arrivals = new EventTarget();
  let after: LogPosition | 'start' = 'start';
  const run = async () => {
    while (!signal.aborted) {
      try {
        for await (const message of shared.subscribeToAll({ after, ...ACCOUNTS, signal })) {
          if (message.kind === 'caught-up') continue;
          after = positionOf(message);
          if (message.kind === 'event') positions.push(after);
          arrivals.dispatchEvent(new Event('arrival'));
          for (let turn = 0; turn < (pace[positions.length % pace.length] ?? 0); turn++) {
            await nextTurn();
          }
        }
      } catch (error) {
        if (!(error instanceof Error && error.message.includes('was cut'))) throw error;
      }
    }
  };
  const reached = (position: LogPosition) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (after !== 'start' && after >= position) resolve();
      };
      arrivals.addEventListener('arrival', look);
      look();
    });
  return { positions, reached, ended: run() };
}
