import { describe, expect, it } from '@jest/globals';
import { verifyChain } from './event-chain.js';
import type { EventCodec } from './event-codec.js';
import type { EventStore } from './event-store.js';
import { handleCommand } from './handle-command.js';
import type { CommandContext } from './handle-command.js';
import { EVENTS_BETWEEN_SNAPSHOTS, SHORT_STREAM, loadStream } from './load-stream.js';
import type { LoadedStream, StreamBehaviour, StreamSnapshots } from './load-stream.js';
import { InMemoryEventStore } from './testing/in-memory-event-store.js';

const codec: EventCodec<number> = {
  encode: async (_, events) =>
    events.map((amount) => ({ type: 'Added', schemaVersion: 1, data: amount })),
  decode: async (events) => events.map(({ data }) => Number(data)),
};
const context: CommandContext = {
  $correlationId: '7c8a6f9a-58a5-4ac1-b8a9-4c5a1bb1f9a0',
  $causationId: '0e1f3ac5-c3f2-4e61-9e75-0f6a4d1f2b11',
  actor: 'anonymous',
};

/** Snapshots of one stream, and what was asked of them. */
class KeptSnapshots implements StreamSnapshots<number> {
  kept: LoadedStream<number> | undefined;
  looked = 0;
  times = 0;

  async find() {
    this.looked += 1;
    return this.kept;
  }

  async keep(_: string, loaded: LoadedStream<number>) {
    this.kept = loaded;
    this.times += 1;
  }
}

class World {
  readonly store = new InMemoryEventStore();
  readonly snapshots = new KeptSnapshots();
  read = 0;

  /** Another process each time: it remembers nothing of streams. */
  process(): StreamBehaviour<readonly number[], number, number> {
    const { store } = this;
    const count = () => (this.read += 1);
    const counting: EventStore = {
      append: (...given) => store.append(...given),
      async *readStream(...given) {
        for await (const event of store.readStream(...given)) {
          count();
          yield event;
        }
      },
      subscribeToAll: (options) => store.subscribeToAll(options),
      checkAvailable: () => store.checkAvailable(),
      close: () => store.close(),
    };
    const decider = {
      initialState: 0,
      decide: (amounts: readonly number[]) => amounts,
      evolve: (total: number, amount: number) => total + amount,
    };
    return { store: counting, codec, decider, snapshots: this.snapshots };
  }

  async add(by: ReturnType<World['process']>, count: number): Promise<void> {
    const amounts = Array.from({ length: count }, (_, index) => index);
    await handleCommand(by, 'sum', () => amounts, context);
  }

  /** How many events a load reads; what it gives is what all events give. */
  async eventsReadBy(process: ReturnType<World['process']>): Promise<number> {
    this.read = 0;
    const loaded = await loadStream(process, 'sum');
    const read = this.read;
    const { store, decider } = process;
    expect(loaded).toEqual(await loadStream({ store, codec, decider }, 'sum'));
    return read;
  }
}

describe('A stream that is loaded', () => {
  it('is folded from its beginning while it is short, and no snapshot is looked for', async () => {
    const world = new World();
    const process = world.process();
    await world.add(process, SHORT_STREAM - 1);
    expect(await world.eventsReadBy(process)).toBe(SHORT_STREAM - 1);
    expect(world.snapshots).toMatchObject({ looked: 0, times: 0 });
  });

  it('costs the same however long it is: a few events behind its snapshot', async () => {
    const world = new World();
    const process = world.process();
    await world.add(process, 2_000);
    expect(await world.eventsReadBy(process)).toBe(2_000);
    for (let added = 1; added <= 100; added += 1) {
      world.read = 0;
      await world.add(process, 1);
      expect(world.read).toBeLessThanOrEqual(EVENTS_BETWEEN_SNAPSHOTS + 1);
    }
    await world.eventsReadBy(process);
    // Once at the beginning, then whenever so many events were added.
    expect(world.snapshots.times).toBe(1 + Math.floor(100 / EVENTS_BETWEEN_SNAPSHOTS));
    // A process that was started meanwhile finds out first that it is long.
    const other = world.process();
    const most = SHORT_STREAM + EVENTS_BETWEEN_SNAPSHOTS + 1;
    expect(await world.eventsReadBy(other)).toBeLessThanOrEqual(most);
    expect(await world.eventsReadBy(other)).toBeLessThanOrEqual(EVENTS_BETWEEN_SNAPSHOTS + 1);
  });

  it('is decided upon and appended to on its snapshot as on all its events', async () => {
    const world = new World();
    const process = world.process();
    await world.add(process, 1_000);
    await world.add(process, 2);
    await world.add(process, 3);
    const events = [];
    for await (const event of world.store.readStream('sum')) events.push(event);
    expect(events).toHaveLength(1_005);
    const verdict = await verifyChain('sum', world.store.readStream('sum'));
    expect(verdict).toMatchObject({ events: 1_005, broken: undefined });
  });

  it.each<[string, (snapshot: LoadedStream<number>) => LoadedStream<number> | undefined]>([
    ['is lost', () => undefined],
    ['has another link', (snapshot) => ({ ...snapshot, state: -1, head: '0'.repeat(64) })],
    ['ends behind the log', (snapshot) => ({ ...snapshot, state: -1, revision: 2_000n })],
    ['is of a stream that was not there', () => ({ ...notThere, state: -1 })],
  ])(
    'is folded from its beginning when its snapshot %s, and gets another one',
    async (_, change) => {
      const world = new World();
      const process = world.process();
      await world.add(process, 1_000);
      await world.eventsReadBy(process);
      const { kept } = world.snapshots;
      if (!kept) throw new Error('there is no snapshot');
      world.snapshots.kept = change(kept);
      // The event that was compared is read once more.
      expect(await world.eventsReadBy(process)).toBeGreaterThanOrEqual(1_000);
      expect(world.snapshots.kept).toEqual(kept);
      expect(await world.eventsReadBy(process)).toBe(1);
    },
  );

  it('gets no snapshot where its last event has no link to be known by', async () => {
    const world = new World();
    const facts = Array.from({ length: 300 }, (_, data) => ({ type: 'Added', data }));
    await world.store.record('sum', { type: 'Added', data: 0 }, ...facts);
    expect(await world.eventsReadBy(world.process())).toBe(301);
    expect(world.snapshots.times).toBe(0);
  });
});

const notThere: Omit<LoadedStream<number>, 'state'> = {
  revision: 'no-stream',
  head: '',
  newest: new Map(),
};
