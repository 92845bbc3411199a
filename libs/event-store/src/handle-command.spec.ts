import { describe, expect, it } from '@jest/globals';
import { UnknownEvent } from './event-codec.js';
import type { EventCodec } from './event-codec.js';
import { EventStoreUnavailable } from './event-store.js';
import type { EventStore, RecordedEvent } from './event-store.js';
import { TooMuchContention, handleCommand, loadStream } from './handle-command.js';
import type { CommandContext, Decider } from './handle-command.js';
import { InMemoryEventStore } from './testing/in-memory-event-store.js';
import { newEvent } from './testing/new-events.js';

interface Added {
  readonly type: 'Added';
  readonly amount: number;
}

class LimitExceeded extends Error {
  override readonly name = 'LimitExceeded';
}

/** A counter up to 1000: `add` splits into one event per part. */
const counter: Decider<readonly number[], Added, number> = {
  initialState: 0,
  decide: (parts, total) => {
    if (parts.reduce((sum, part) => sum + part, total) > 1_000) throw new LimitExceeded();
    return parts.map((amount) => ({ type: 'Added', amount }));
  },
  evolve: (total, { amount }) => total + amount,
};

const codec: EventCodec<Added> = {
  encode: async (streamName, events, { history, client } = {}) =>
    events.map(({ type, amount }) => ({
      type,
      schemaVersion: 7,
      data: { amount, streamName },
      ...(client && { client: `${client.address} after ${history?.length}` }),
    })),
  decode: async (events) =>
    events.map(({ type, metadata, data }) => {
      if (type !== 'Added') throw new UnknownEvent(type, metadata.schemaVersion);
      return { type, amount: (data as { amount: number }).amount };
    }),
};

const context: CommandContext = {
  $correlationId: '7c8a6f9a-58a5-4ac1-b8a9-4c5a1bb1f9a0',
  $causationId: '0e1f3ac5-c3f2-4e61-9e75-0f6a4d1f2b11',
  actor: 'anonymous',
};

describe('Handling a command', () => {
  it('decides from the state and appends what was decided', async () => {
    const { store, add, recorded } = counting();
    expect(await add(1, 2)).toMatchObject({ state: 3 });
    const seen: number[] = [];
    const decision = await handleCommand(
      { store, codec, decider: counter },
      'counter-1',
      (state) => {
        seen.push(state);
        return [10];
      },
      context,
    );
    expect(seen).toEqual([3]);
    const events = await recorded();
    expect(events.map(({ data }) => data)).toEqual(
      [1, 2, 10].map((amount) => ({ amount, streamName: 'counter-1' })),
    );
    expect(decision).toEqual({
      events: [{ type: 'Added', amount: 10 }],
      state: 13,
      position: events.at(-1)?.position,
    });
  });

  it('writes down who asked and why, with the version of the shape', async () => {
    const { add, recorded } = counting();
    await add(1, 2);
    for (const { metadata } of await recorded()) {
      expect(metadata).toEqual({
        schemaVersion: 7,
        ...context,
        chain: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
    }
  });

  it('has the codec store where the request came from, knowing what came before', async () => {
    const { store, add, recorded } = counting();
    await add(1, 2);
    await handleCommand({ store, codec, decider: counter }, 'counter-1', () => [3], {
      ...context,
      client: { address: '203.0.113.9' },
    });
    const clients = (await recorded()).map(({ metadata }) => metadata.client);
    expect(clients).toEqual([undefined, undefined, '203.0.113.9 after 2']);
  });

  it('gives every event an id of its own', async () => {
    const { add, recorded } = counting();
    for (let round = 0; round < 20; round++) await add(1, 1, 1);
    const ids = (await recorded()).map(({ id }) => id);
    expect(new Set(ids).size).toBe(60);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('appends nothing when a rule is broken', async () => {
    const { store, add, recorded } = counting();
    await add(999);
    await expect(add(1, 1)).rejects.toThrow(LimitExceeded);
    expect(await recorded()).toHaveLength(1);
    expect(store.appends).toBe(1);
  });

  it('appends nothing when nothing follows from the command', async () => {
    const { store, add } = counting();
    await add(5);
    expect(await add()).toEqual({ events: [], state: 5, position: undefined });
    expect(store.appends).toBe(1);
  });

  it('appends at the revision that was read, never blindly', async () => {
    const { store, add } = counting();
    const expected: unknown[] = [];
    const append = store.append.bind(store);
    store.append = async (streamName, revision, events) => {
      expected.push(revision);
      return append(streamName, revision, events);
    };
    await add(1, 1);
    await add(1);
    await add(1);
    expect(expected).toEqual(['no-stream', 1n, 2n]);
  });

  it('decides again, from the new state, when somebody else was faster', async () => {
    const { store, add, recorded } = counting();
    await add(1);
    const seen: number[] = [];
    const { state } = await handleCommand(
      { store: interrupting(store, 3), codec, decider: counter },
      'counter-1',
      (current) => {
        seen.push(current);
        return [100];
      },
      context,
    );
    expect(seen).toEqual([1, 2, 3, 4]);
    expect(state).toBe(104);
    expect(await recorded()).toHaveLength(5);
  });

  it('lets the rule decide that was broken meanwhile', async () => {
    const { store, add } = counting();
    await add(900);
    const raced = handleCommand(
      { store: interrupting(store, 1), codec, decider: counter },
      'counter-1',
      () => [100],
      context,
    );
    await expect(raced).rejects.toThrow(LimitExceeded);
  });

  it('gives up after 30 lost races, with nothing appended', async () => {
    const { store, recorded } = counting();
    const raced = handleCommand(
      { store: interrupting(store, Infinity), codec, decider: counter },
      'counter-1',
      () => [7],
      context,
    );
    await expect(raced).rejects.toThrow(new TooMuchContention('counter-1', 30));
    const amounts = (await recorded()).map(({ data }) => (data as Added).amount);
    expect(amounts).toEqual(Array.from({ length: 30 }, () => 1));
  });

  it('loses no update among 20 rivals', async () => {
    const { add, recorded, store } = counting();
    await Promise.all(Array.from({ length: 20 }, (_, number) => add(number)));
    const { state } = await loadStream({ store, codec, decider: counter }, 'counter-1');
    expect(state).toBe(190);
    expect(await recorded()).toHaveLength(20);
  });

  it.each(['a read', 'an append'])('does not repeat %s that was not answered', async (what) => {
    const { store, add } = counting();
    await add(1);
    let calls = 0;
    const fail = () => {
      calls++;
      throw new EventStoreUnavailable('no answer');
    };
    if (what === 'a read') store.readStream = fail;
    else store.append = async () => fail();
    await expect(add(1)).rejects.toThrow(EventStoreUnavailable);
    expect(calls).toBe(1);
  });

  it('stops in front of an event that nobody can read', async () => {
    const { store, add } = counting();
    await store.append('counter-1', 'no-stream', [newEvent({}, 'Subtracted')]);
    await expect(add(1)).rejects.toThrow(new UnknownEvent('Subtracted', 1));
    expect(store.appends).toBe(1);
  });
});

describe('Loading a stream', () => {
  it('gives the initial state where there is none', async () => {
    const { store } = counting();
    expect(await loadStream({ store, codec, decider: counter }, 'counter-1')).toEqual({
      state: 0,
      revision: 'no-stream',
    });
  });

  it('gives the state after all events and the revision of the last', async () => {
    const { store, add } = counting();
    await add(1, 2, 3);
    expect(await loadStream({ store, codec, decider: counter }, 'counter-1')).toEqual({
      state: 6,
      revision: 2n,
    });
  });
});

function counting() {
  const store = new InMemoryEventStore();
  const add = (...parts: number[]) =>
    handleCommand({ store, codec, decider: counter }, 'counter-1', () => parts, context);
  const recorded = async (): Promise<RecordedEvent[]> => {
    const events: RecordedEvent[] = [];
    for await (const event of store.readStream('counter-1')) events.push(event);
    return events;
  };
  return { store, add, recorded };
}

/** The same store, but somebody adds 1 just before each of the first appends. */
function interrupting(store: InMemoryEventStore, times: number): EventStore {
  let left = times;
  return {
    append: async (streamName, revision, events) => {
      if (left-- > 0) {
        await store.append(streamName, revision, [newEvent({ amount: 1 }, 'Added')]);
      }
      return store.append(streamName, revision, events);
    },
    readStream: (...parameters) => store.readStream(...parameters),
    subscribeToAll: (options) => store.subscribeToAll(options),
    checkAvailable: () => store.checkAvailable(),
    close: () => store.close(),
  };
}
