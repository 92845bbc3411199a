import { describe, expect, it } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.js';
import { consumeInBatches } from './consume-in-batches.js';
import { EventStoreUnavailable } from '@app/event-store';
import type { LogPosition, RecordedEvent, SubscriptionMessage } from '@app/event-store';
import { runSubscription } from './run-subscription.js';
import type { SubscriptionOptions } from './run-subscription.js';
import { InMemoryEventStore } from '@app/event-store/testing/in-memory-event-store.js';
import { newEvent, newEvents } from '@app/event-store/testing/new-events.js';
import { Gate, settled } from '@app/event-store/testing/settled.js';

describe('Running a subscription', () => {
  it('delivers from the checkpoint on', async () => {
    const { store, handled, run } = running();
    await store.append('account-1', 'no-stream', newEvents(5));
    const [, second] = await recorded(store);
    if (!second) throw new Error('there is no second event');
    const subscription = run({ readCheckpoint: async () => second.position });
    await eventually(() => expect(handled.map(({ revision }) => revision)).toEqual([2n, 3n, 4n]));
    await subscription.stop();
    expect(store.subscribedAfter).toEqual([second.position]);
  });

  it('asks for the streams it was given', async () => {
    const { store, handled, run } = running();
    await store.append('invoice-1', 'no-stream', [newEvent()]);
    await store.append('account-1', 'no-stream', [newEvent()]);
    await store.append('person-1', 'no-stream', [newEvent()]);
    const subscription = run({ streamNamePrefixes: ['account-', 'person-'] });
    await eventually(() => expect(handled).toHaveLength(2));
    await subscription.stop();
    expect(handled.map(({ streamName }) => streamName)).toEqual(['account-1', 'person-1']);
  });

  it('subscribes again from the checkpoint when the connection is lost', async () => {
    const { store, handled, faults, run } = running();
    const subscription = run();
    for (let round = 0; round < 5; round++) {
      const expected = round === 0 ? 'no-stream' : BigInt(round - 1);
      const { position } = await store.append('account-1', expected, [newEvent()]);
      await eventually(() => expect(handled.at(-1)?.position).toBe(position));
      store.cutSubscriptions();
      await eventually(() => expect(faults).toHaveLength(round + 1));
    }
    await eventually(() => expect(store.subscribedAfter).toHaveLength(6));
    await subscription.stop();
    expect(handled.map(({ revision }) => revision)).toEqual([0n, 1n, 2n, 3n, 4n]);
    expect(store.subscribedAfter).toEqual(['start', ...handled.map(({ position }) => position)]);
    for (const { error } of faults) expect(error).toBeInstanceOf(EventStoreUnavailable);
  });

  it('pauses longer and longer, up to a second, while nothing gets through, and briefly again after progress', async () => {
    const { store, handled, faults, run } = running();
    store.goAway();
    const subscription = run();
    await eventually(() => expect(faults).toHaveLength(6));
    for (const [index, { retryInMs }] of faults.entries()) {
      const longest = Math.min(1_000, 200 * 2 ** index);
      expect(retryInMs).toBeGreaterThanOrEqual(longest / 2);
      expect(retryInMs).toBeLessThanOrEqual(longest);
    }
    store.comeBack();
    await store.append('account-1', 'no-stream', [newEvent()]);
    await eventually(() => expect(handled).toHaveLength(1));
    store.cutSubscriptions();
    await eventually(() => expect(faults).toHaveLength(7));
    expect(faults[6]?.retryInMs).toBeLessThanOrEqual(200);
    await subscription.stop();
  });

  it('goes on after a checkpoint that could not be read', async () => {
    const { store, handled, faults, run } = running();
    await store.append('account-1', 'no-stream', [newEvent()]);
    let failures = 2;
    const subscription = run({
      readCheckpoint: async () => {
        if (failures-- > 0) throw new Error('the database is away');
        return 'start';
      },
    });
    await eventually(() => expect(handled).toHaveLength(1));
    await subscription.stop();
    expect(faults.map(({ error }) => error)).toEqual([
      new Error('the database is away'),
      new Error('the database is away'),
    ]);
    expect(store.subscribedAfter).toEqual(['start']);
  });

  it('hands the event to its consumer again when that failed', async () => {
    const { store, faults, run } = running();
    await store.append('account-1', 'no-stream', newEvents(2));
    const attempts: bigint[] = [];
    const subscription = run({
      consume: async (messages) => {
        for await (const message of messages) {
          if (message.kind !== 'event') continue;
          attempts.push(message.event.revision);
          if (attempts.length < 3) throw new Error('cannot do that');
        }
      },
      readCheckpoint: async () => 'start',
    });
    await eventually(() => expect(attempts).toEqual([0n, 0n, 0n, 1n]));
    await subscription.stop();
    expect(faults).toHaveLength(2);
  });

  it('has ended the subscription of a consumer that failed before it starts the next', async () => {
    const { store, run } = running();
    await store.append('account-1', 'no-stream', [newEvent()]);
    let open = 0;
    let mostOpen = 0;
    let failures = 0;
    const subscribe = store.subscribeToAll.bind(store);
    store.subscribeToAll = async function* (options) {
      mostOpen = Math.max(mostOpen, ++open);
      try {
        yield* subscribe(options);
      } finally {
        open--;
      }
    };
    const subscription = run({
      consume: consumeInBatches({
        maxBatchSize: 1,
        handle: async () => {
          // By now it waits for a message that never comes.
          await settled();
          if (failures++ < 3) throw new Error('cannot do that');
        },
      }),
    });
    await eventually(() => expect(failures).toBeGreaterThan(3));
    await subscription.stop();
    await settled();
    expect(mostOpen).toBe(1);
    expect(open).toBe(0);
  });

  it('reports a consumer that stops without being asked to', async () => {
    const { faults, run } = running();
    const subscription = run({ consume: async () => undefined });
    await eventually(() => expect(faults.length).toBeGreaterThan(1));
    await subscription.stop();
    for (const { error } of faults) expect(error).toBeInstanceOf(EventStoreUnavailable);
  });

  it('ends when it is aborted and waits for its consumer', async () => {
    const { store, faults, run } = running();
    await store.append('account-1', 'no-stream', [newEvent()]);
    const underWay = new Gate();
    const lastWork = new Gate();
    const subscription = run({
      consume: async (messages) => {
        for await (const { kind } of messages) if (kind === 'event') underWay.open();
        await lastWork.promise;
      },
    });
    await underWay.promise;
    let done = false;
    const stopped = subscription.stop().then(() => (done = true));
    await settled();
    expect(done).toBe(false);
    lastWork.open();
    await stopped;
    expect(faults).toEqual([]);
  });

  it('does not report what fails because it was aborted', async () => {
    const { store, faults, run } = running();
    await store.append('account-1', 'no-stream', [newEvent()]);
    const underWay = new Gate();
    const subscription = run({
      consume: async (messages) => {
        for await (const { kind } of messages) if (kind === 'event') underWay.open();
        throw new Error('cut off');
      },
    });
    await underWay.promise;
    await subscription.stop();
    expect(faults).toEqual([]);
  });

  it('ends at once in the middle of a pause', async () => {
    const { store, faults, run } = running();
    store.goAway();
    const subscription = run();
    await eventually(() => expect(faults.at(-1)?.retryInMs).toBeGreaterThan(400));
    const stoppedAt = performance.now();
    await subscription.stop();
    expect(performance.now() - stoppedAt).toBeLessThan(300);
  });

  it('does nothing when it is aborted before it began', async () => {
    const { store, run } = running();
    await run({ signal: AbortSignal.abort() }).running;
    expect(store.subscribedAfter).toEqual([]);
  });
});

/** A store and a consumer that keeps its checkpoint in memory. */
function running() {
  const store = new InMemoryEventStore();
  const handled: RecordedEvent[] = [];
  const faults: { readonly error: unknown; readonly retryInMs: number }[] = [];
  let checkpoint: LogPosition | 'start' = 'start';
  const consume = async (messages: AsyncIterable<SubscriptionMessage>) => {
    for await (const message of messages) {
      if (message.kind !== 'event') continue;
      handled.push(message.event);
      checkpoint = message.event.position;
    }
  };
  const run = (options: Partial<SubscriptionOptions> = {}) => {
    const stopping = new AbortController();
    const subscription = runSubscription({
      name: 'spec',
      store,
      streamNamePrefixes: ['account-'],
      readCheckpoint: async () => checkpoint,
      consume,
      signal: stopping.signal,
      onFault: (error, retryInMs) => faults.push({ error, retryInMs }),
      ...options,
    });
    const stop = async () => {
      stopping.abort();
      await subscription;
    };
    return { running: subscription, stop };
  };
  return { store, handled, faults, run };
}

async function recorded(store: InMemoryEventStore): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const event of store.readStream('account-1')) events.push(event);
  return events;
}
