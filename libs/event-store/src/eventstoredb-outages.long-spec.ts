import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startDevEventStore } from '../../../test/support/dev-event-store.js';
import type { DevEventStore } from '../../../test/support/dev-event-store.js';
import { eventually } from '../../../test/support/eventually.js';
import { itSideBySide } from '../../../test/support/side-by-side.js';
import { sweep } from '../../../test/support/sweep.js';
import { EventStoreUnavailable } from './event-store.js';
import type { EventStore, NewEvent, RecordedEvent } from './event-store.js';
import { EventStoreDBEventStore } from './eventstoredb-event-store.js';
import { consumeInBatches, runSubscription } from '@app/consumers';
import { FollowedSubscription } from './testing/followed-subscription.js';
import { newEvent, newEvents } from './testing/new-events.js';

const TIMEOUT_MS = 1_000;
/** What a busy machine may add to the timeout. */
const GRACE_MS = 1_500;
const SCHEMES = ['esdb://', 'esdb+discover://'] as const;

function overEach(what: string, play: (scheme: string) => Promise<void>): void {
  itSideBySide(SCHEMES, (scheme) => `${what}, over ${scheme}`, play);
}

/**
 * Every way the product asks the event store something. An unhandled rejection needs no expectation:
 * Jest fails the test in which it happens.
 */
const calls: readonly (readonly [string, (store: EventStore) => Promise<unknown>])[] = [
  ['append', (store) => store.append('account-1', 'no-stream', [newEvent()])],
  ['readStream', (store) => collected(store.readStream('account-1'))],
  ['subscribeToAll', (store) => new FollowedSubscription(store, everything).ended],
  ['checkAvailable', (store) => store.checkAvailable()],
];
const everything = { after: 'start', streamNamePrefixes: ['account-'] } as const;

describe('Where no server answers', () => {
  /** A server that takes connections and says nothing. */
  async function withDeafServer(work: (port: number, connections: Set<Socket>) => Promise<void>) {
    const connections = new Set<Socket>();
    const deaf = createServer((socket) => {
      connections.add(socket);
      socket.on('error', () => socket.destroy());
    });
    deaf.listen(0, '127.0.0.1');
    await once(deaf, 'listening');
    try {
      await work((deaf.address() as AddressInfo).port, connections);
    } finally {
      for (const socket of connections) socket.destroy();
      deaf.close();
    }
  }

  overEach('every call fails in time although the port is open', (scheme) =>
    withDeafServer(async (port) => {
      const store = new EventStoreDBEventStore({
        url: urlOf(scheme, port),
        timeoutMs: TIMEOUT_MS,
      });
      await Promise.all(calls.map(async ([, call]) => expectUnavailable(call(store))));
      await store.close();
    }),
  );

  overEach('every call fails in time where no server listens', async (scheme) => {
    const url = urlOf(scheme, await closedPort());
    const store = new EventStoreDBEventStore({ url, timeoutMs: TIMEOUT_MS });
    await Promise.all(calls.map(async ([, call]) => expectUnavailable(call(store))));
    await store.close();
  });

  itSideBySide(
    SCHEMES.flatMap((scheme) => calls.map(([name, call]) => ({ scheme, name, call }))),
    ({ scheme, name }) =>
      `${name} fails long before its time where no server listens, over ${scheme}`,
    async ({ scheme, call }) => {
      const url = urlOf(scheme, await closedPort());
      const store = new EventStoreDBEventStore({ url, timeoutMs: 10_000 });
      await expectUnavailable(call(store));
      await store.close();
    },
  );

  overEach('a subscription that waits for its server can be aborted at once', (scheme) =>
    withDeafServer(async (port, connections) => {
      const store = new EventStoreDBEventStore({ url: urlOf(scheme, port), timeoutMs: 20_000 });
      const subscription = new FollowedSubscription(store, everything);
      await eventually(() => expect(connections.size).toBeGreaterThan(0));
      const abortedAt = performance.now();
      await subscription.stop();
      expect(performance.now() - abortedAt).toBeLessThan(500);
      await store.close();
    }),
  );

  overEach('closing is quick', (scheme) =>
    withDeafServer(async (port, connections) => {
      const store = new EventStoreDBEventStore({ url: urlOf(scheme, port), timeoutMs: TIMEOUT_MS });
      const subscription = new FollowedSubscription(store, everything);
      const append = store.append('account-1', 'no-stream', [newEvent()]);
      const outcomes = Promise.allSettled([subscription.ended, append]);
      await eventually(() => expect(connections.size).toBeGreaterThan(0));
      const closedAt = performance.now();
      await store.close();
      expect(performance.now() - closedAt).toBeLessThan(500);
      await outcomes;
    }),
  );
});

it('Closing ends although the client waits for a stream that never says that it has ended', async () => {
  const url = urlOf('esdb://', await closedPort());
  const store = new EventStoreDBEventStore({ url, timeoutMs: TIMEOUT_MS });
  const { client } = await store['connected']();
  client.dispose = () => new Promise(() => undefined);
  await store.close();
});

overEach('Calls after closing are unavailable', async (scheme) => {
  const server = await startDevEventStore();
  const store = new EventStoreDBEventStore({ url: server.url.replace('esdb://', scheme) });
  await store.checkAvailable();
  const closed = store.close();
  await Promise.all(calls.map(async ([, call]) => expectUnavailable(call(store))));
  await closed;
  await server.stop();
});

describe('When the server breaks', () => {
  interface Broken {
    readonly scheme: string;
    readonly server: DevEventStore;
    readonly store: EventStore;
  }

  function withServer(what: string, work: (broken: Broken) => Promise<void>): void {
    overEach(what, async (scheme) => {
      const server = await startDevEventStore();
      const store = new EventStoreDBEventStore({
        url: server.url.replace('esdb://', scheme),
        timeoutMs: TIMEOUT_MS,
      });
      try {
        await work({ scheme, server, store });
      } finally {
        await store.close();
        await server.stop();
      }
    });
  }

  withServer(
    'a waiting subscription ends with EventStoreUnavailable, and all calls recover',
    async ({ server, store }) => {
      await store.append('account-1', 'no-stream', newEvents(3));
      for (let outage = 0; outage < 3; outage++) {
        const subscription = new FollowedSubscription(store, everything);
        await subscription.until(({ caughtUp }) => caughtUp, 'to catch up');
        await server.kill();
        await expectUnavailable(subscription.ended);
        await Promise.all(calls.map(async ([, call]) => expectUnavailable(call(store))));
        await server.restart();
        await eventually(() => store.checkAvailable());
        expect(await collected(store.readStream('account-1'))).toHaveLength(3 + outage);
        await store.append('account-1', BigInt(2 + outage), [newEvent()]);
      }
    },
  );

  withServer(
    'calls that failed together recover together, and cut off no other call',
    async ({ scheme, server }) => {
      const patient = new EventStoreDBEventStore({
        url: server.url.replace('esdb://', scheme),
        timeoutMs: 10_000,
      });
      await patient.checkAvailable();
      await server.kill();
      const append = (_: unknown, number: number) =>
        patient.append(`account-${number}`, 'no-stream', [newEvent()]);
      await Promise.all(Array.from({ length: 20 }, append).map(expectUnavailable));
      await server.restart();
      await eventually(() => patient.checkAvailable());
      const subscription = new FollowedSubscription(patient, everything);
      await Promise.all(Array.from({ length: 20 }, append));
      await subscription.until(({ events }) => events.length === 20, 'all 20 events');
      await subscription.stop();
      await patient.close();
    },
  );

  withServer('an orderly stop looks the same', async ({ server, store }) => {
    const subscription = new FollowedSubscription(store, everything);
    await subscription.until(({ caughtUp }) => caughtUp, 'to catch up');
    await server.stop();
    await expectUnavailable(subscription.ended);
    await expectUnavailable(store.append('account-1', 'no-stream', [newEvent()]));
    await server.restart();
    await eventually(() => store.append('account-1', 'no-stream', [newEvent()]));
  });

  withServer(
    'a subscription that catches up slowly delivers no gap before it fails',
    async ({ server, store }) => {
      await fill(server.url, 'account-1', 3_000);
      let kill: Promise<void> | undefined;
      const subscription = new FollowedSubscription(store, everything, async (message) => {
        if (message.kind === 'event' && message.event.revision === 100n) kill = server.kill();
        await new Promise((resolve) => setImmediate(resolve));
      });
      await expect(subscription.ended).rejects.toThrow(EventStoreUnavailable);
      await kill;
      expect(revisionsOf(subscription.events)).toEqual(numbersTo(subscription.events.length));

      await server.restart();
      await eventually(() => store.checkAvailable());
      const last = subscription.events.at(-1);
      const resumed = new FollowedSubscription(store, {
        ...everything,
        after: last?.position ?? 'start',
      });
      await resumed.until(({ caughtUp }) => caughtUp, 'to catch up');
      await resumed.stop();
      expect(revisionsOf([...subscription.events, ...resumed.events])).toEqual(numbersTo(3_000));
    },
  );

  withServer('a slow reader ends with EventStoreUnavailable', async ({ server, store }) => {
    await fill(server.url, 'account-1', 3_000);
    const read = async () => {
      for await (const { revision } of store.readStream('account-1')) {
        if (revision === 50n) await server.kill();
      }
    };
    await expect(read()).rejects.toThrow(EventStoreUnavailable);
  });

  withServer(
    'appends under way succeed or are unavailable, and what succeeded is there',
    async ({ server, store }) => {
      const appended: string[] = [];
      const append = async (number: number) => {
        const name = `account-${number}`;
        await store.append(name, 'no-stream', [newEvent({ text: 'x'.repeat(20_000) })]);
        appended.push(name);
        if (appended.length === 30) await server.kill();
      };
      const outcomes = await Promise.allSettled(Array.from({ length: 300 }, (_, n) => append(n)));
      const failures = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
      expect(failures.filter((reason) => !(reason instanceof EventStoreUnavailable))).toEqual([]);
      expect(failures.length).toBeGreaterThan(0);
      await server.restart();
      await eventually(() => store.checkAvailable());
      for (const name of appended) {
        expect(await collected(store.readStream(name))).toHaveLength(1);
      }
    },
  );

  withServer('an append of unknown outcome can be repeated', async ({ server, store }) => {
    await store.checkAvailable();
    const events = newEvents(2);
    const attempt = () => store.append('account-1', 'no-stream', events);
    signal(server, 'SIGSTOP');
    await expectUnavailable(attempt());
    signal(server, 'SIGCONT');
    const { revision } = await eventually(attempt);
    expect(revision).toBe(1n);
    expect(idsOf(await collected(store.readStream('account-1')))).toEqual(idsOf(events));
  });

  withServer(
    'every call to a frozen server fails in time, and succeeds when it thaws',
    async ({ server, store }) => {
      await store.append('account-2', 'no-stream', [newEvent()]);
      const subscription = new FollowedSubscription(store, everything);
      await subscription.until(({ caughtUp }) => caughtUp, 'to catch up');
      signal(server, 'SIGSTOP');
      await Promise.all(calls.map(async ([, call]) => expectUnavailable(call(store))));
      signal(server, 'SIGCONT');
      await eventually(() => store.checkAvailable());
      expect(await collected(store.readStream('account-2'))).toHaveLength(1);
      await store.append('account-2', 0n, [newEvent()]);
      await subscription.until(({ events }) => events.length >= 2, 'the news');
      await subscription.stop();
    },
  );

  withServer(
    'closing is as quick as ever right after a frozen server came back',
    async ({ server, store }) => {
      await fill(server.url, 'account-2', 500);
      const subscription = new FollowedSubscription(store, everything);
      await subscription.until(({ caughtUp }) => caughtUp, 'to catch up');
      signal(server, 'SIGSTOP');
      const unfinished = store.readStream('account-2')[Symbol.asyncIterator]();
      const readsAndAppends = [
        ...calls.map(async ([, call]) => expectUnavailable(call(store))),
        expectUnavailable(unfinished.next()),
      ];
      await Promise.all(readsAndAppends);
      const underWay = calls.map(([, call]) => call(store));
      const outcomes = Promise.allSettled(underWay);
      signal(server, 'SIGCONT');
      const closedAt = performance.now();
      await subscription.stop();
      await store.close();
      expect(performance.now() - closedAt).toBeLessThan(1_000);
      await outcomes;
    },
  );

  withServer(
    'a subscription to a frozen server can be aborted at once',
    async ({ server, store }) => {
      const subscription = new FollowedSubscription(store, everything);
      await subscription.until(({ caughtUp }) => caughtUp, 'to catch up');
      signal(server, 'SIGSTOP');
      const abortedAt = performance.now();
      await subscription.stop();
      expect(performance.now() - abortedAt).toBeLessThan(500);
      signal(server, 'SIGCONT');
    },
  );
});

/** What a connection carries is the same, however its server was found. */
describe('A server that counts the streams of a connection that were given up', () => {
  let server: DevEventStore;
  let store: EventStore;

  beforeEach(async () => {
    server = await startDevEventStore();
    store = new EventStoreDBEventStore({ url: server.url, timeoutMs: TIMEOUT_MS });
  });
  afterEach(async () => {
    await store.close();
    await server.stop();
  });

  it('thousands of reads of streams that do not exist cost no connection', async () => {
    // A second is little for one of 32 reads at a time on a busy machine.
    const patient = new EventStoreDBEventStore({ url: server.url, timeoutMs: 20_000 });
    await atATime(32, sweep(2_000, 6_000), async (number) => {
      expect(await collected(patient.readStream(`account-${number}`))).toEqual([]);
    });
    await patient.close();
  });

  it('calls fail as unavailable where it closes the connection of a client that leaves reads early', async () => {
    const [first, ...rest] = Array.from({ length: 100 }, () =>
      newEvent({ text: 'x'.repeat(3_000) }),
    );
    if (first === undefined) throw new Error('there is nothing to append');
    await store.append('account-1', 'no-stream', [first, ...rest]);
    const failures: unknown[] = [];
    await atATime(32, sweep(2_000, 3_000), async (number) => {
      try {
        for await (const event of store.readStream('account-1')) {
          if (event.revision === 0n) break;
        }
        await store.append(`account-x${number}`, 'no-stream', [newEvent()]);
      } catch (error) {
        failures.push(error);
      }
    });
    expect(failures.length).toBeGreaterThan(0);
    expect(failures.filter((error) => !(error instanceof EventStoreUnavailable))).toEqual([]);
    await eventually(() => store.checkAvailable());
  });
});

describe('A cluster whose leader does not answer', () => {
  let nodes: DevEventStore[];
  let store: EventStore;
  let subscription: FollowedSubscription;

  beforeEach(async () => {
    nodes = await Promise.all([0, 1, 2].map(() => startDevEventStore()));
    await elect(nodes, nodes);
    const hosts = nodes.map(({ url }) => new URL(url).host);
    store = new EventStoreDBEventStore({ url: `esdb://${hosts.join(',')}?tls=false` });
    subscription = new FollowedSubscription(store, everything);
    await subscription.until(({ caughtUp }) => caughtUp, 'to catch up');
    await store.append('account-1', 'no-stream', [newEvent()]);
  });
  afterEach(async () => {
    await store.close();
    for (const node of nodes) signal(node, 'SIGCONT');
    await Promise.all(nodes.map((node) => node.stop()));
  });

  it('is left for the new one: what waits is answered, and the subscription is opened again', async () => {
    const [old, ...others] = nodes;
    if (!old) throw new Error('there is no node');
    signal(old, 'SIGSTOP');
    const append = store.append('account-2', 'no-stream', [newEvent()]);
    const read = collected(store.readStream('account-1'));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await elect(others, others);
    const electedAt = performance.now();
    expect((await append).revision).toBe(0n);
    expect(performance.now() - electedAt).toBeLessThan(2_000);
    // The nodes of this test copy nothing to each other.
    expect(await read).toEqual([]);
    await expect(subscription.ended).rejects.toThrow(EventStoreUnavailable);
    const next = new FollowedSubscription(store, everything);
    await next.until(({ events }) => events.length === 1, 'what the new leader has');
    await next.stop();
  });

  it('is left by subscriptions that are the only ones to wait', async () => {
    const [old, ...others] = nodes;
    if (!old) throw new Error('there is no node');
    signal(old, 'SIGSTOP');
    await elect(others, others);
    await expect(subscription.ended).rejects.toThrow('another node leads');
  });

  it('is kept while it is slow, and asked once', async () => {
    const [leader] = nodes;
    await leader?.faults({
      cluster: addressesOf(nodes),
      methods: ['batchAppend'],
      delayAnswersMs: 1_800,
    });
    await store.append('account-2', 'no-stream', [newEvent()]);
    await subscription.until(({ events }) => events.length === 2, 'both events');
    await subscription.stop();
  });
});

/** Has some nodes say of which nodes the cluster consists, and that the first of these leads. */
async function elect(
  nodes: readonly DevEventStore[],
  cluster: readonly DevEventStore[],
): Promise<void> {
  await Promise.all(nodes.map((node) => node.faults({ cluster: addressesOf(cluster) })));
}

function addressesOf(nodes: readonly DevEventStore[]) {
  return nodes.map(({ url }) => {
    const { hostname, port } = new URL(url);
    return { host: hostname, port: Number(port) };
  });
}

describe('A server that drops slow subscribers, as EventStoreDB did until 23.10', () => {
  it('is subscribed to again, and no event is lost', async () => {
    const server = await startDevEventStore({
      environment: { EVENTSTORE_BEHAVES_LIKE: '23.10.6' },
    });
    const store = new EventStoreDBEventStore({ url: server.url });
    const stopping = new AbortController();
    const handled: RecordedEvent[] = [];
    const faults: unknown[] = [];
    const running = runSubscription({
      name: 'slow',
      store,
      streamNamePrefixes: ['account-'],
      readCheckpoint: async () => handled.at(-1)?.position ?? 'start',
      consume: consumeInBatches({
        maxBatchSize: 10,
        handle: async ({ events }) => {
          handled.push(...events);
          await new Promise((resolve) => setTimeout(resolve, 1));
        },
      }),
      signal: stopping.signal,
      onFault: (error) => faults.push(error),
    });
    await fill(server.url, 'account-1', 4_000);
    await eventually(() => expect(handled.length).toBeGreaterThanOrEqual(4_000), {
      within: 20_000,
    });
    stopping.abort();
    await running;
    expect(revisionsOf(handled)).toEqual(numbersTo(4_000));
    expect(faults).toEqual([]);
    await store.close();
    await server.stop();
  });
});

describe('A server that ends appends with a commit timeout, as in elections', () => {
  it.each([
    ['once, after storing it', { count: 1 }],
    ['again and again', { count: 3 }],
  ])('is asked again with the same ids while the time of the call lasts: %s', async (_, lost) => {
    const server = await startDevEventStore();
    const store = new EventStoreDBEventStore({ url: server.url });
    const events = newEvents(2);
    await server.faults({
      methods: ['batchAppend'],
      loseAnswers: { ...lost, how: 'commit-timeout' },
    });
    expect((await store.append('account-1', 'no-stream', events)).revision).toBe(1n);
    expect(idsOf(await collected(store.readStream('account-1')))).toEqual(idsOf(events));
    await store.close();
    await server.stop();
  });

  it('is not asked for longer than that', async () => {
    const server = await startDevEventStore();
    const store = new EventStoreDBEventStore({ url: server.url, timeoutMs: TIMEOUT_MS });
    await server.faults({
      methods: ['batchAppend'],
      loseAnswers: { count: 10_000, how: 'commit-timeout' },
    });
    await expectUnavailable(store.append('account-1', 'no-stream', [newEvent()]));
    await store.close();
    await server.stop();
  });
});

describe('More subscriptions than a connection can hold', () => {
  it('leave appends and reads theirs', async () => {
    const server = await startDevEventStore();
    const store = new EventStoreDBEventStore({ url: server.url });
    const subscriptions = Array.from(
      { length: 110 },
      () => new FollowedSubscription(store, everything),
    );
    await eventually(() =>
      expect(subscriptions.filter(({ caughtUp }) => caughtUp)).toHaveLength(100),
    );
    await store.append('account-1', 'no-stream', [newEvent()]);
    expect(await collected(store.readStream('account-1'))).toHaveLength(1);
    for (const subscription of subscriptions) await subscription.stop();
    await store.close();
    await server.stop();
  });
});

describe('A subscriber that stops taking events', () => {
  it('holds the server back, and gets every event in the end', async () => {
    const server = await startDevEventStore();
    const proxy = await countingProxy(Number(new URL(server.url).port));
    const writer = new EventStoreDBEventStore({ url: server.url });
    const text = 'x'.repeat(10_000);
    const count = 3_000;
    for (let number = 0; number < count; number += 50) {
      const [first, ...rest] = Array.from({ length: 50 }, () => newEvent({ text }));
      if (!first) throw new Error('there is no event');
      const expected = number === 0 ? 'no-stream' : BigInt(number - 1);
      await writer.append('account-1', expected, [first, ...rest]);
    }
    await writer.close();

    const reader = new EventStoreDBEventStore({ url: urlOf('esdb://', proxy.port) });
    let open = (): void => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const subscription = new FollowedSubscription(reader, everything, () => opened);
    let before = -1;
    await eventually(
      () => {
        const isStill = proxy.bytes() > 0 && proxy.bytes() === before;
        before = proxy.bytes();
        expect(isStill).toBe(true);
      },
      { within: 15_000, every: 500 },
    );
    // A thousand events and what lies in the buffers on the way.
    expect(proxy.bytes()).toBeLessThan(20_000_000);
    open();
    await subscription.until(({ events }) => events.length >= count, 'all events');
    await subscription.stop();
    expect(revisionsOf(subscription.events)).toEqual(numbersTo(count));
    await reader.close();
    expect(proxy.bytes()).toBeGreaterThan(count * text.length);
    proxy.close();
    await server.stop();
  });
});

/** Passes everything on to a port and counts what comes back. */
async function countingProxy(target: number) {
  let bytes = 0;
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true });
    sockets.push(near, far);
    near.setNoDelay(true);
    far.on('data', (chunk) => (bytes += chunk.length));
    for (const socket of [near, far]) socket.on('error', () => socket.destroy());
    near.pipe(far);
    far.pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, bytes: () => bytes, close };
}

/** Does something so many times, a few at a time. */
async function atATime(
  lanes: number,
  count: number,
  work: (number: number) => Promise<void>,
): Promise<void> {
  let begun = 0;
  const lane = async () => {
    while (begun < count) await work(begun++);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

async function expectUnavailable(call: Promise<unknown>): Promise<void> {
  const startedAt = performance.now();
  await expect(call).rejects.toThrow(EventStoreUnavailable);
  expect(performance.now() - startedAt).toBeLessThan(TIMEOUT_MS + GRACE_MS);
}

function urlOf(scheme: string, port: number): string {
  return `${scheme}127.0.0.1:${port}?tls=false`;
}

/** A port that was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function signal(server: DevEventStore, name: 'SIGSTOP' | 'SIGCONT'): void {
  process.kill(server.pid, name);
}

async function collected<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Begins a stream of so many events, however long that takes. */
async function fill(url: string, streamName: string, count: number): Promise<void> {
  const store = new EventStoreDBEventStore({ url, timeoutMs: 20_000 });
  for (let number = 0; number < count; number += 100) {
    const expected = number === 0 ? 'no-stream' : BigInt(number - 1);
    await store.append(streamName, expected, newEvents(Math.min(100, count - number)));
  }
  await store.close();
}

function idsOf(events: readonly Pick<NewEvent, 'id'>[]): string[] {
  return events.map(({ id }) => id);
}

function revisionsOf(events: readonly RecordedEvent[]): number[] {
  return events.map(({ revision }) => Number(revision));
}

function numbersTo(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number);
}
