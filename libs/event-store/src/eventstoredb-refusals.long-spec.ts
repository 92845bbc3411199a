import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { constants, createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { runSubscription } from '@app/consumers';
import { startDevEventStore } from '../../../test/support/dev-event-store.js';
import type { DevEventStore } from '../../../test/support/dev-event-store.js';
import { eventually } from '../../../test/support/eventually.js';
import { TEST_AUTHORITY, startTlsFront } from '../../../test/support/tls-front.js';
import type { TlsFront } from '../../../test/support/tls-front.js';
import { EventStoreUnavailable } from './event-store.js';
import type { EventStore } from './event-store.js';
import { EventStoreDBEventStore } from './eventstoredb-event-store.js';
import { FollowedSubscription } from './testing/followed-subscription.js';
import { newEvent } from './testing/new-events.js';

const everything = { after: 'start', streamNamePrefixes: ['account-'] } as const;
const PASSWORD = 'p%40ss%2Fword';
const USERS = { registration: 'p@ss/word' };
const SCHEMES = ['esdb://', 'esdb+discover://'] as const;

describe.each(SCHEMES)('A node with certificates and users, over %s', (scheme) => {
  let server: DevEventStore;
  let front: TlsFront;
  let store: EventStore;

  beforeAll(async () => {
    server = await startDevEventStore();
    front = await startTlsFront({ h2: Number(new URL(server.url).port) });
    await letIn(USERS);
  });
  afterEach(async () => {
    await store.close();
  });
  afterAll(async () => {
    await front.close();
    await server.stop();
  });

  const letIn = (users: object) =>
    server.faults({ users, cluster: [{ host: '127.0.0.1', port: front.port }] });
  const connect = (credentials: string, authority = `&tlsCAFile=${TEST_AUTHORITY}`) => {
    const url = `${scheme}${credentials}127.0.0.1:${front.port}?tls=true${authority}`;
    store = new EventStoreDBEventStore({ url });
    return store;
  };

  it('takes the user and the password of the URL, percent-encoded', async () => {
    connect(`registration:${PASSWORD}@`);
    await store.append('account-known', 'no-stream', [newEvent()]);
    await everyCall(store, 'account-known');
  });

  it.each([
    ['a wrong password', 'registration:wrong@', 'user and password'],
    ['an unknown user', 'somebody:wrong@', 'user and password'],
    ['no user', '', 'user'],
  ])('with %s, says what to check', async (_, credentials, what) => {
    await expectToCheck(connect(credentials), what);
  });

  it('with a certificate of another authority, says what to check', async () => {
    await expectToCheck(connect(`registration:${PASSWORD}@`, ''), 'certificate');
  });

  it('goes on when its certificate had ended and was replaced', async () => {
    connect(`registration:${PASSWORD}@`);
    await store.checkAvailable();
    front.present('expired');
    front.cut();
    await eventually(() => expectToCheck(store, 'certificate has expired'));
    front.present('node');
    await eventually(() => store.checkAvailable());
    await store.append('account-renewed', 'no-stream', [newEvent()]);
  });

  it('is waited for while a user has lost its rights', async () => {
    const handled: string[] = [];
    const faults: unknown[] = [];
    const stopping = new AbortController();
    connect(`registration:${PASSWORD}@`);
    const running = runSubscription({
      name: 'waiting',
      store,
      streamNamePrefixes: ['account-rights-'],
      readCheckpoint: async () => 'start',
      consume: async (messages) => {
        for await (const message of messages) {
          if (message.kind === 'event') handled.push(message.event.streamName);
        }
      },
      signal: stopping.signal,
      onFault: (error) => faults.push(error),
    });
    await store.append('account-rights-1', 'no-stream', [newEvent()]);
    await eventually(() => expect(handled).toEqual(['account-rights-1']));
    await letIn({});
    front.cut();
    await eventually(() => expect(String(faults.at(-1))).toContain('EVENTSTORE_URL'));
    await expectToCheck(store, 'user and password');
    await letIn(USERS);
    await eventually(() => store.append('account-rights-2', 'no-stream', [newEvent()]));
    await eventually(() => expect(handled).toContain('account-rights-2'));
    stopping.abort();
    await running;
    for (const fault of faults) expect(fault).toBeInstanceOf(EventStoreUnavailable);
  });

  it('says what to check when it is spoken to without TLS', async () => {
    store = new EventStoreDBEventStore({ url: `${scheme}127.0.0.1:${front.port}?tls=false` });
    await expectToCheck(store, 'tls=');
  });
});

describe.each(SCHEMES)('A port on which something else answers, over %s', (scheme) => {
  it.each<[string, boolean, () => Server]>([
    ['a web server', false, () => createHttpServer((_, answer) => answer.writeHead(404).end())],
    ['a web server, with TLS', true, () => createHttpServer((_, answer) => void answer.end())],
    ['HTTP/2', false, () => createHttp2Server((_, answer) => answer.writeHead(404).end())],
  ])('says what to check: %s', async (_, tls, create) => {
    const server = create();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const store = new EventStoreDBEventStore({ url: `${scheme}127.0.0.1:${port}?tls=${tls}` });
    await expectToCheck(store, 'host');
    await store.close();
    server.close();
  });
});

describe('A URL that leads nowhere', () => {
  it.each([
    ['kurrentdb://user:secret@host:2113', 'cannot be read'],
    ['ESDB://user:secret@host:2113', 'cannot be read'],
    ['esdb://user:sec@ret@host:port', 'cannot be read'],
    ['esdb://user:secret@host:2113?tls=perhaps', 'cannot be read'],
    ['esdb://user:secret@host:2113?tls=true&tlsCAFile=/nowhere/ca.crt', 'tlsCAFile gives ENOENT'],
  ])('is refused without a word of the password: %s', (url, why) => {
    const connect = () => new EventStoreDBEventStore({ url });
    expect(connect).toThrow(
      expect.objectContaining({
        faults: [expect.stringMatching(new RegExp(`^EVENTSTORE_URL .*${why}(?!.*sec)`))],
      }),
    );
  });
});

describe('A server that is not ready', () => {
  it.each(SCHEMES)('is waited for, over %s', async (scheme) => {
    const server = await startDevEventStore();
    await server.faults({ methods: ['read', 'batchAppend'], unavailable: true });
    const store = new EventStoreDBEventStore({ url: server.url.replace('esdb://', scheme) });
    await Promise.all(
      callsOf(store).map(async (call) => expect(call).rejects.toThrow(EventStoreUnavailable)),
    );
    await server.faults({});
    await eventually(() => store.append('account-1', 'no-stream', [newEvent()]));
    await everyCall(store, 'account-1');
    await store.close();
    await server.stop();
  });
});

describe('A server that has had too many calls given up', () => {
  it('is waited for', async () => {
    const calm = constants.NGHTTP2_ENHANCE_YOUR_CALM;
    const server = createHttp2Server().on('stream', (stream) => {
      stream.on('error', () => undefined).close(calm);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const store = new EventStoreDBEventStore({ url: `esdb://127.0.0.1:${port}?tls=false` });
    const outcomes = await Promise.allSettled(callsOf(store));
    await store.close();
    server.close();
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ reason: expect.any(EventStoreUnavailable) });
  });
});

function callsOf(store: EventStore): Promise<unknown>[] {
  return [
    store.append('account-new', 'no-stream', [newEvent()]),
    store.readStream('account-1')[Symbol.asyncIterator]().next(),
    new FollowedSubscription(store, everything).ended,
    store.checkAvailable(),
  ];
}

/** Each call fails as one that waiting may mend, and its message names the setting. */
async function expectToCheck(store: EventStore, what: string): Promise<void> {
  for (const outcome of await Promise.allSettled(callsOf(store))) {
    if (outcome.status === 'fulfilled') throw new Error('a call was answered');
    expect(outcome.reason).toBeInstanceOf(EventStoreUnavailable);
    expect(String(outcome.reason)).toMatch(/EVENTSTORE_URL/);
    expect(String(outcome.reason)).toContain(what);
    expect(String(outcome.reason)).not.toContain('p@ss');
  }
}

async function everyCall(store: EventStore, streamName: string): Promise<void> {
  await store.checkAvailable();
  const subscription = new FollowedSubscription(store, everything);
  await subscription.until(({ events }) => events.length > 0, 'an event');
  await subscription.stop();
  for await (const event of store.readStream(streamName)) expect(event.revision).toBe(0n);
}
