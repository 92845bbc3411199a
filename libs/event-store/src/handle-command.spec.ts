import { describe, expect, it } from '@jest/globals';
import { UnknownEvent } from './event-codec.js';
import type { EventCodec } from './event-codec.js';
import { EventStoreUnavailable } from './event-store.js';
import type { EventStore, RecordedEvent } from './event-store.js';
import { TooMuchContention, handleCommand } from './handle-command.js';
import { loadStream } from './load-stream.js';
import type { Decider } from './load-stream.js';
import { linkOf, verifyChain } from './event-chain.js';
import type { CommandContext } from './handle-command.js';
import { InMemoryEventStore } from './testing/in-memory-event-store.js';
import { newEvent } from './testing/new-events.js';
import { recordSpans } from '@app/tracing/testing/recorded-spans.js';

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

const named: Decider<{ readonly type: string; readonly parts: readonly number[] }, Added, number> =
  {
    ...counter,
    decide: ({ parts }, total) => counter.decide(parts, total),
  };

const codec: EventCodec<Added> = {
  encode: async (streamName, events, { newest, client } = {}) =>
    events.map(({ type, amount }) => ({
      type,
      schemaVersion: 7,
      data: { amount, streamName },
      ...(client && { client: `${client.address} after ${newest?.get('Added')?.revision}` }),
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
      appended: { revision: events.at(-1)?.revision, position: events.at(-1)?.position },
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

  it('writes down the span that appended, in the trace of its own command, while tracing is on', async () => {
    const { store, recorded } = counting();
    const recording = recordSpans();
    const behaviour = { store, codec, decider: named };
    const correlationIds = ['1', '2'].map(
      (digit) => `${digit.repeat(8)}-1111-4111-8111-111111111111`,
    );
    // The second one waits for the first, and is decided by what works through the queue.
    await Promise.all(
      correlationIds.map(($correlationId) =>
        handleCommand(behaviour, 'counter-1', () => ({ type: 'Add', parts: [1] }), {
          ...context,
          $correlationId,
        }),
      ),
    );
    await recording.stop();
    const traceIds = correlationIds.map((id) => id.replaceAll('-', ''));
    const spans = recording.spans();
    expect(spans.map(({ name, under, traceId }) => [name, under, traceId])).toEqual([
      ['command Add', undefined, traceIds[0]],
      ['command Add', undefined, traceIds[1]],
      ['append', 'command Add', traceIds[0]],
      ['append', 'command Add', traceIds[1]],
    ]);
    const appends = spans.filter(({ name }) => name === 'append');
    expect((await recorded()).map(({ metadata }) => metadata.traceparent)).toEqual(
      appends.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`),
    );
    const walk = await verifyChain('counter-1', store.readStream('counter-1'));
    expect(walk).toMatchObject({ events: 2, broken: undefined });
  });

  it('has the codec store where the request came from, knowing what came before', async () => {
    const { store, add, recorded } = counting();
    await add(1, 2);
    await handleCommand({ store, codec, decider: counter }, 'counter-1', () => [3], {
      ...context,
      client: { address: '203.0.113.9' },
    });
    const clients = (await recorded()).map(({ metadata }) => metadata.client);
    expect(clients).toEqual([undefined, undefined, '203.0.113.9 after 1']);
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
    expect(await add()).toEqual({ events: [], state: 5, appended: undefined });
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

  it('decides again, from the new state, when another appender was faster', async () => {
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

  it('stops in front of an event that it cannot read', async () => {
    const { store, add } = counting();
    await store.append('counter-1', 'no-stream', [newEvent({}, 'Subtracted')]);
    await expect(add(1)).rejects.toThrow(new UnknownEvent('Subtracted', 1));
    expect(store.appends).toBe(1);
  });
});

describe('Commands for one stream at the same time', () => {
  it('take turns: none loses against another of the same process', async () => {
    const { store, add, recorded } = counting();
    const decisions = await Promise.all(Array.from({ length: 20 }, (_, number) => add(number)));
    expect(decisions.at(-1)?.state).toBe(190);
    expect(store.appends).toBe(20);
    const amounts = (await recorded()).map(({ data }) => (data as Added).amount);
    expect(amounts).toEqual(Array.from({ length: 20 }, (_, number) => number));
  });

  it('share what is read as long as they append nothing', async () => {
    const { store, add } = counting();
    await add(999);
    const reads = watchReads(store);
    const refusals = await Promise.allSettled(Array.from({ length: 50 }, () => add(2)));
    expect(refusals.filter(({ status }) => status === 'rejected')).toHaveLength(50);
    // At most one for the first, and one for all that came meanwhile.
    expect(reads()).toBeLessThanOrEqual(2);
    const empty = await Promise.all(Array.from({ length: 50 }, () => add()));
    expect(empty.map(({ state }) => state)).toEqual(Array(50).fill(999));
    expect(reads()).toBeLessThanOrEqual(4);
  });

  it('are not decided on what was read before they came', async () => {
    const { store, add } = counting();
    await add(1);
    const { hasRead, goOn } = holdFirstRead(store);
    const early = add();
    await hasRead;
    // Another process appends just after the stream was read.
    await store.append('counter-1', 0n, [newEvent({ amount: 10 }, 'Added')]);
    const late = add();
    goOn();
    expect((await early).state).toBe(1);
    expect((await late).state).toBe(11);
  });

  it('do not keep those for other streams waiting', async () => {
    const { store, add, addTo } = counting();
    const { hasRead, goOn } = holdFirstRead(store);
    const held = add(1);
    await hasRead;
    expect(await addTo('counter-2', 5)).toMatchObject({ state: 5 });
    goOn();
    expect(await held).toMatchObject({ state: 1 });
  });

  it('fail one by one, each with its own fault', async () => {
    const { store, add } = counting();
    const append = store.append.bind(store);
    let calls = 0;
    store.append = (...parameters) => {
      calls += 1;
      if (calls === 2) return Promise.reject(new EventStoreUnavailable('no answer'));
      return append(...parameters);
    };
    const outcomes = await Promise.allSettled([add(1), add(2), add(2_000), add(4)]);
    const ends = outcomes.map((one) =>
      one.status === 'fulfilled' ? one.value.state : (one.reason as Error).name,
    );
    expect(ends).toEqual([1, 'EventStoreUnavailable', 'LimitExceeded', 5]);
  });

  it('fail together when what they share cannot be read, and the next can be served again', async () => {
    const { store, add } = counting();
    store.goAway();
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => add(1)));
    for (const { status } of outcomes) expect(status).toBe('rejected');
    store.comeBack();
    expect(await add(7)).toMatchObject({ state: 7 });
  });
});

describe('Loading a stream', () => {
  it('gives the initial state where there is none', async () => {
    const { store } = counting();
    expect(await loadStream({ store, codec, decider: counter }, 'counter-1')).toEqual({
      state: 0,
      revision: 'no-stream',
      head: '',
      newest: new Map(),
    });
  });

  it('gives the state after all events, and the last of them', async () => {
    const { store, add, recorded } = counting();
    await add(1, 2, 3);
    const last = (await recorded()).at(-1);
    expect(await loadStream({ store, codec, decider: counter }, 'counter-1')).toEqual({
      state: 6,
      revision: 2n,
      head: last?.metadata.chain,
      newest: new Map([['Added', last]]),
    });
  });

  it('of any length holds few events at a time, and lets others go on in between', async () => {
    const { store, add } = counting();
    const many = Array(900).fill(1) as number[];
    await add(...many);
    const decoded: number[] = [];
    const watched: typeof codec = {
      ...codec,
      decode: (events) => {
        decoded.push(events.length);
        return codec.decode(events);
      },
    };
    const behaviour = { store, codec: watched, decider: counter };
    let othersWentOn = 0;
    const other = setInterval(() => (othersWentOn += 1), 0);
    const { state } = await loadStream(behaviour, 'counter-1');
    clearInterval(other);
    expect(state).toBe(900);
    expect(Math.max(...decoded)).toBeLessThanOrEqual(256);
    expect(othersWentOn).toBeGreaterThan(0);
  });

  it('goes on with the chain where events from before it have no link', async () => {
    const { store, add, recorded } = counting();
    await store.record(
      'counter-1',
      ...([1, 2].map((amount) => ({ type: 'Added', data: { amount } })) as [never]),
    );
    await add(3);
    const [first, second, third] = (await recorded()) as [
      RecordedEvent,
      RecordedEvent,
      RecordedEvent,
    ];
    expect(third.metadata.chain).toBe(linkOf(linkOf(linkOf('', first), second), third));
  });

  it('is enough for a decision that is made later', async () => {
    const { store, add } = counting();
    await add(1);
    const behaviour = { store, codec, decider: counter };
    const loaded = await loadStream(behaviour, 'counter-1');
    store.readStream = () => {
      throw new Error('it was read already');
    };
    const decided = handleCommand(behaviour, 'counter-1', () => [2], context, loaded);
    expect(await decided).toMatchObject({ state: 3 });
  });

  it('is not trusted when another appender was faster', async () => {
    const { store, add, recorded } = counting();
    await add(1);
    const behaviour = { store, codec, decider: counter };
    const loaded = await loadStream(behaviour, 'counter-1');
    await add(10);
    const seen: number[] = [];
    const toCommand = (state: number) => {
      seen.push(state);
      return [100];
    };
    await handleCommand(behaviour, 'counter-1', toCommand, context, loaded);
    expect(seen).toEqual([1, 11]);
    expect(await recorded()).toHaveLength(3);
  });
});

function counting() {
  const store = new InMemoryEventStore();
  const behaviour = { store, codec, decider: counter };
  const addTo = (streamName: string, ...parts: number[]) =>
    handleCommand(behaviour, streamName, () => parts, context);
  const add = (...parts: number[]) => addTo('counter-1', ...parts);
  const recorded = async (): Promise<RecordedEvent[]> => {
    const events: RecordedEvent[] = [];
    for await (const event of store.readStream('counter-1')) events.push(event);
    return events;
  };
  return { store, add, addTo, recorded };
}

/** The same store, but another appender adds 1 just before each of the first appends. */
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

/** Counts the reads of streams from now on. */
function watchReads(store: InMemoryEventStore): () => number {
  const readStream = store.readStream.bind(store);
  let reads = 0;
  store.readStream = (...parameters) => {
    reads += 1;
    return readStream(...parameters);
  };
  return () => reads;
}

/** The next read gets everything, and ends only when it may. */
function holdFirstRead(store: InMemoryEventStore) {
  const readStream = store.readStream.bind(store);
  let goOn = () => undefined as void;
  const mayEnd = new Promise<void>((resolve) => (goOn = resolve));
  const hasRead = new Promise<void>((resolve) => {
    store.readStream = async function* (...parameters) {
      store.readStream = readStream;
      yield* readStream(...parameters);
      resolve();
      await mayEnd;
    };
  });
  return { hasRead, goOn };
}
