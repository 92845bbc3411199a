import { randomBytes, randomUUID } from 'node:crypto';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { Client, credentials, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  binaryEvent,
  EventStoreDBClient,
  jsonEvent,
  streamNameFilter,
} from '@eventstore/db-client';
import type { AppendToStreamOptions } from '@eventstore/db-client';
import { shared, streams } from '../../apps/local/src/event-store/protocol.js';
import { EventStoreProcess, until } from './event-store-process.js';

const UNARY: AppendToStreamOptions = { credentials: { username: 'any', password: 'any' } };
const STREAMS = '/event_store.client.streams.Streams';
const MEBIBYTE = 1_048_576;

const asIs = (bytes: Buffer): Buffer => bytes;

function tested(n: number) {
  return jsonEvent({ type: 'Tested', data: { n } });
}

describe('bad input', () => {
  let eventStore: EventStoreProcess;
  let client: EventStoreDBClient;
  let raw: Client;

  beforeAll(async () => {
    eventStore = await EventStoreProcess.start();
    client = eventStore.client();
    raw = new Client(`127.0.0.1:${eventStore.port}`, credentials.createInsecure());
    await client.appendToStream('there', tested(0));
  });
  afterAll(async () => {
    raw.close();
    await eventStore.remove();
  });
  /** Whatever was thrown at it, the server still serves. */
  afterEach(async () => {
    await client.appendToStream('there', tested(1));
  });

  /** Sends messages as they are, closes the sending half, and returns how the call ended. */
  function send(method: string, messages: readonly Uint8Array[]): Promise<{ code: status }> {
    const call = raw.makeBidiStreamRequest(method, asIs, asIs);
    call.on('data', () => undefined);
    for (const message of messages) call.write(Buffer.from(message));
    call.end();
    return new Promise((resolve) => {
      call.on('error', (error: ServiceError) => resolve(error));
      call.on('end', () => resolve({ code: status.OK }));
    });
  }

  function appendOptions(name = 'raw'): streams.AppendReq.Options {
    const identifier = new shared.StreamIdentifier();
    identifier.setStreamName(Buffer.from(name));
    const options = new streams.AppendReq.Options();
    options.setAny(new shared.Empty());
    return options.setStreamIdentifier(identifier);
  }

  function proposed(id: string, metadata: Record<string, string>): Uint8Array {
    const uuid = new shared.UUID();
    uuid.setString(id);
    const message = new streams.AppendReq.ProposedMessage();
    message.setId(uuid);
    for (const [key, value] of Object.entries(metadata)) message.getMetadataMap().set(key, value);
    return new streams.AppendReq().setProposedMessage(message).serializeBinary();
  }

  it('garbage instead of HTTP/2 closes that connection only', async () => {
    for (let round = 0; round < 20; round += 1) {
      const socket = connect(eventStore.port, '127.0.0.1');
      socket.on('error', () => socket.destroy());
      const closed = new Promise((resolve) => socket.on('close', resolve));
      socket.on('connect', () => socket.end(randomBytes(1_000)));
      socket.resume();
      await closed;
    }
  });

  it('a method that does not exist is unimplemented', async () => {
    expect((await send(`${STREAMS}/Nonsense`, [])).code).toBe(status.UNIMPLEMENTED);
    expect((await send('/no.such.Service/Method', [])).code).toBe(status.UNIMPLEMENTED);
  });

  it.each(['Read', 'Append', 'BatchAppend'])(
    'bytes that are no message are answered with a status by %s',
    async (method) => {
      const { code } = await send(`${STREAMS}/${method}`, [Buffer.from('ffffffffff', 'hex')]);
      expect([status.INTERNAL, status.INVALID_ARGUMENT]).toContain(code);
    },
  );

  it.each([
    [`${STREAMS}/Read`, new streams.ReadReq(), status.INVALID_ARGUMENT],
    [`${STREAMS}/Append`, new streams.AppendReq(), status.UNKNOWN],
    [`${STREAMS}/BatchAppend`, new streams.BatchAppendReq(), status.INVALID_ARGUMENT],
  ])('an empty message to %s is refused', async (method, message, code) => {
    expect((await send(method, [message.serializeBinary()])).code).toBe(code);
  });

  it('Append half-closed at once ends with a status', async () => {
    expect((await send(`${STREAMS}/Append`, [])).code).toBe(status.UNKNOWN);
  });

  it.each([
    ['no UUID', 'nonsense', { type: 'T', 'content-type': 'application/json' }],
    ['the zero UUID', '0'.repeat(32), { type: 'T', 'content-type': 'application/json' }],
    ['no type', randomUUID(), { 'content-type': 'application/json' }],
    ['an empty type', randomUUID(), { type: '', 'content-type': 'application/json' }],
    ['no content type', randomUUID(), { type: 'T' }],
  ])(
    'an event with %s is refused, and nothing of its append is stored',
    async (_what, id, metadata) => {
      const good = proposed(randomUUID(), { type: 'T', 'content-type': 'application/json' });
      const options = new streams.AppendReq().setOptions(appendOptions()).serializeBinary();
      const messages = [options, good, proposed(id, metadata as Record<string, string>)];
      const { code } = await send(`${STREAMS}/Append`, messages);
      expect([status.INVALID_ARGUMENT, status.UNKNOWN]).toContain(code);
      await expect(client.readStream('raw')[Symbol.asyncIterator]().next()).rejects.toMatchObject({
        type: 'stream-not-found',
      });
    },
  );

  it('one bad batch does not disturb the others on its call', async () => {
    const bad = client.appendToStream('batch', jsonEvent({ id: 'nonsense', type: 'T', data: {} }));
    const good = client.appendToStream('batch', tested(1));
    await expect(bad).rejects.toThrow('Could not recognize');
    expect((await good).nextExpectedRevision).toBe(0n);
  });

  it('a batch without options is answered once, however many messages it has', async () => {
    const call = raw.makeBidiStreamRequest(`${STREAMS}/BatchAppend`, asIs, (bytes) =>
      streams.BatchAppendResp.deserializeBinary(bytes),
    );
    // Of the end of this test.
    call.on('error', () => undefined);
    const answered: string[] = [];
    call.on('data', (answer: streams.BatchAppendResp) =>
      answered.push(answer.getCorrelationId()!.getString()),
    );
    const send = (id: string, isFinal: boolean) => {
      const correlation = new shared.UUID();
      correlation.setString(id);
      const piece = new streams.BatchAppendReq().setCorrelationId(correlation).setIsFinal(isFinal);
      call.write(Buffer.from(piece.serializeBinary()));
    };
    const [first, second] = [randomUUID(), randomUUID()];
    for (const isFinal of [false, false, true]) send(first, isFinal);
    send(second, true);
    await until(() => answered.includes(second), 'an answer to the second batch');
    call.cancel();
    expect(answered).toEqual([first, second]);
  });

  it.each([
    ['', status.UNKNOWN],
    ['x'.repeat(5_000), status.INVALID_ARGUMENT],
    ['$$', status.UNKNOWN],
  ])('the stream name "%.10s" is refused', async (name, code) => {
    const options = new streams.AppendReq().setOptions(appendOptions(name)).serializeBinary();
    expect((await send(`${STREAMS}/Append`, [options])).code).toBe(code);
  });

  it('what is neither HTTP/1 nor HTTP/2, a half of either, or an unknown path does no harm', async () => {
    for (const bytes of [
      '',
      'P',
      'PRI',
      'GET',
      'GET / HTTP/1.1\r\n\r\n',
      'GET * nonsense\r\n\r\n',
    ]) {
      const socket = connect(eventStore.port, '127.0.0.1', () => socket.write(bytes));
      socket.on('error', () => socket.destroy());
      const answered = new Promise((resolve) =>
        socket.once('data', resolve).once('close', resolve),
      );
      await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 50))]);
      socket.destroy();
    }
  });

  it('messages above the limit of the transport are refused', async () => {
    const event = binaryEvent({ type: 'Huge', data: Buffer.alloc(17 * MEBIBYTE) });
    await expect(client.appendToStream('huge', event, UNARY)).rejects.toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
    });
  });

  it.each(['(?i)account', '[', '(?>x)', '\\A'])(
    'the filter expression %s, which JavaScript cannot compile, is an invalid argument',
    async (regex) => {
      const subscription = client.subscribeToAll({ filter: streamNameFilter({ regex }) });
      const error = await new Promise<Error>((resolve) => subscription.on('error', resolve));
      expect(error).toMatchObject({ code: status.INVALID_ARGUMENT });
    },
  );

  describe('clients that come in crowds and vanish', () => {
    /** Stands between client and server, so that connections can be torn without a word. */
    async function torn(use: (port: number) => Promise<void>): Promise<void> {
      const sockets = new Set<Socket>();
      const proxy = createServer((incoming) => {
        const outgoing = connect(eventStore.port, '127.0.0.1');
        for (const socket of [incoming, outgoing]) {
          sockets.add(socket);
          socket.on('error', () => socket.destroy());
        }
        incoming.pipe(outgoing).pipe(incoming);
      });
      await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
      await use((proxy.address() as AddressInfo).port);
      for (const socket of sockets) socket.resetAndDestroy();
      await new Promise((resolve) => proxy.close(resolve));
    }

    const state = async () =>
      (await eventStore.control('GET', '/state')) as Record<'openStreams' | 'listeners', number>;

    async function untilQuietAgain(before: { openStreams: number; listeners: number }) {
      await until(async () => {
        const { openStreams, listeners } = await state();
        return openStreams <= before.openStreams && listeners <= before.listeners;
      }, 'streams and listeners are gone');
    }

    it('200 subscriptions are served, and leave nothing behind', async () => {
      const before = await state();
      await torn(async (port) => {
        let caughtUp = 0;
        for (let connection = 0; connection < 4; connection += 1) {
          const subscriber = EventStoreDBClient.connectionString(
            `esdb://127.0.0.1:${port}?tls=false&keepAliveInterval=${20_000 + connection}`,
          );
          for (let n = 0; n < 50; n += 1)
            subscriber
              .subscribeToStream(`crowd-${n % 2}`)
              .on('caughtUp', () => (caughtUp += 1))
              .on('error', () => undefined);
        }
        await until(() => caughtUp === 200, 'all caught up');
        expect((await state()).openStreams - before.openStreams).toBe(200);
        await client.appendToStream('crowd-0', tested(1));
      });
      await untilQuietAgain(before);
    });

    it('reads abandoned half-way leave nothing behind', async () => {
      const large = Array.from({ length: 50 }, () =>
        binaryEvent({ type: 'Large', data: Buffer.alloc(20_000) }),
      );
      for (let n = 0; n < 20; n += 1) await client.appendToStream('large', large);
      const before = await state();
      await torn(async (port) => {
        for (let connection = 0; connection < 5; connection += 1) {
          const reader = EventStoreDBClient.connectionString(
            `esdb://127.0.0.1:${port}?tls=false&keepAliveInterval=${30_000 + connection}`,
          );
          const read = reader.readStream('large');
          read.on('error', () => undefined);
          await read[Symbol.asyncIterator]().next();
        }
        expect((await state()).openStreams - before.openStreams).toBe(5);
      });
      await untilQuietAgain(before);
    });

    it('memory does not grow with their number', async () => {
      const round = () =>
        torn(async (port) => {
          let caughtUp = 0;
          const subscriber = EventStoreDBClient.connectionString(
            `esdb://127.0.0.1:${port}?tls=false`,
          );
          for (let n = 0; n < 90; n += 1)
            subscriber
              .subscribeToAll({ filter: streamNameFilter({ prefixes: [`none-${n}`] }) })
              .on('caughtUp', () => (caughtUp += 1))
              .on('error', () => undefined);
          await until(() => caughtUp === 90, 'all caught up');
        });
      const residentBytes = async () =>
        (await eventStore.control('GET', '/state'))['residentBytes'] as number;
      for (let n = 0; n < 5; n += 1) await round();
      const before = await residentBytes();
      for (let n = 0; n < 20; n += 1) await round();
      expect((await residentBytes()) - before).toBeLessThan(60 * MEBIBYTE);
    });
  });
});
