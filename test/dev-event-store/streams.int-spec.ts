import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  BACKWARDS,
  END,
  FORWARDS,
  MaxAppendSizeExceededError,
  START,
  StreamNotFoundError,
  WrongExpectedVersionError,
  binaryEvent,
  jsonEvent,
} from '@eventstore/db-client';
import type { AppendToStreamOptions, EventStoreDBClient } from '@eventstore/db-client';
import { EventStoreProcess } from './event-store-process.js';

/** Credentials of a single call make the client append with its unary method. */
const UNARY: AppendToStreamOptions = { credentials: { username: 'any', password: 'any' } };

function tested(n: number, id: string = randomUUID()) {
  return jsonEvent({ id, type: 'Tested', data: { n }, metadata: { traced: true } });
}

describe('streams through the official client', () => {
  let eventStore: EventStoreProcess;
  let client: EventStoreDBClient;

  beforeAll(async () => {
    eventStore = await EventStoreProcess.start();
    client = eventStore.client();
  });
  afterAll(() => eventStore.remove());

  async function numbers(
    stream: string,
    options?: Parameters<EventStoreDBClient['readStream']>[1],
  ): Promise<number[]> {
    const found: number[] = [];
    for await (const { event } of client.readStream(stream, options))
      found.push((event!.data as { n: number }).n);
    return found;
  }

  describe.each([
    ['on the batch path', {}],
    ['on the unary path', UNARY],
  ])('appending %s', (_path, path) => {
    it('gives back revision, position, data and metadata', async () => {
      const stream = `append-${randomUUID()}`;
      const event = tested(1);
      const before = Date.now();
      const result = await client.appendToStream(stream, [event, tested(2)], {
        ...path,
        expectedRevision: 'no_stream',
      });
      expect(result.nextExpectedRevision).toBe(1n);
      const events = [];
      for await (const resolved of client.readStream(stream)) events.push(resolved);
      const first = events[0]!.event!;
      expect(first).toMatchObject({
        id: event.id,
        streamId: stream,
        type: 'Tested',
        isJson: true,
        revision: 0n,
        data: { n: 1 },
        metadata: { traced: true },
      });
      expect(first.created.getTime()).toBeGreaterThanOrEqual(before);
      expect(first.created.getTime()).toBeLessThanOrEqual(Date.now());
      expect(events[1]!.event!.position).toEqual(result.position);
      expect(events[1]!.commitPosition).toBe(result.position!.commit);
      expect(result.position!.commit - first.position!.commit).toBeGreaterThan(1n);
    });

    it('keeps binary data and metadata as they are', async () => {
      const stream = `binary-${randomUUID()}`;
      const bytes = Buffer.from([0, 255, 1, 254, 0]);
      const event = binaryEvent({ type: 'Raw', data: bytes, metadata: Uint8Array.from([7, 0, 8]) });
      await client.appendToStream(stream, [event], path);
      for await (const { event: stored } of client.readStream(stream)) {
        expect(stored!.isJson).toBe(false);
        expect(Buffer.from(stored!.data as Uint8Array)).toEqual(bytes);
        expect([...(stored!.metadata as Uint8Array)]).toEqual([7, 0, 8]);
      }
    });

    it('refuses a wrong expected revision, and names both', async () => {
      const stream = `conflict-${randomUUID()}`;
      await client.appendToStream(stream, [tested(1), tested(2)], path);
      const append = client.appendToStream(stream, [tested(3)], { ...path, expectedRevision: 0n });
      await expect(append).rejects.toThrow(WrongExpectedVersionError);
      await expect(append).rejects.toMatchObject({ expectedVersion: 0n, actualVersion: 1n });
      const toNew = client.appendToStream(`none-${randomUUID()}`, [tested(1)], {
        ...path,
        expectedRevision: 'stream_exists',
      });
      await expect(toNew).rejects.toMatchObject({ type: 'wrong-expected-version' });
    });

    it('lets exactly one of concurrent appends at the same revision win', async () => {
      const stream = `race-${randomUUID()}`;
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, (_, n) =>
          client.appendToStream(stream, [tested(n)], { ...path, expectedRevision: 'no_stream' }),
        ),
      );
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await numbers(stream)).toHaveLength(1);
    });

    it('answers a repeated append like the first', async () => {
      const stream = `twice-${randomUUID()}`;
      const events = [tested(1), tested(2)];
      const options = { ...path, expectedRevision: 'no_stream' } as const;
      const first = await client.appendToStream(stream, events, options);
      await client.appendToStream(stream, [tested(3)], path);
      expect(await client.appendToStream(stream, events, options)).toEqual(first);
      expect(await client.appendToStream(stream, events, path)).toEqual(first);
      expect(await numbers(stream)).toEqual([1, 2, 3]);
    });

    it('refuses more than 1 MiB in one append, and takes exactly that', async () => {
      const stream = `size-${randomUUID()}`;
      const half = (extra: number) =>
        binaryEvent({ type: 'Large', data: Buffer.alloc(524_288 - 2 * 'Large'.length + extra) });
      await expect(client.appendToStream(stream, [half(0), half(1)], path)).rejects.toThrow(
        MaxAppendSizeExceededError,
      );
      await expect(client.readStream(stream)[Symbol.asyncIterator]().next()).rejects.toThrow(
        StreamNotFoundError,
      );
      const result = await client.appendToStream(stream, [half(0), half(0)], path);
      expect(result.nextExpectedRevision).toBe(1n);
    });

    it('takes an append that comes in several messages, as version 23.10 does', async () => {
      const older = await EventStoreProcess.start({ EVENTSTORE_BEHAVES_LIKE: '23.10.6' });
      const stream = `pieces-${randomUUID()}`;
      const pieces = [1, 2, 3, 4].map((n) =>
        jsonEvent({ type: 'Tested', data: { n }, metadata: { padding: 'x'.repeat(1_500_000) } }),
      );
      const { nextExpectedRevision } = await older.client().appendToStream(stream, pieces, path);
      expect(nextExpectedRevision).toBe(3n);
      await older.remove();
    });

    it('refuses an append whose limit is passed only in a later message', async () => {
      const stream = `pieces-${randomUUID()}`;
      const pieces = Array.from({ length: 8 }, () =>
        binaryEvent({ type: 'Large', data: Buffer.alloc(900_000) }),
      );
      await expect(client.appendToStream(stream, pieces, path)).rejects.toThrow(
        MaxAppendSizeExceededError,
      );
      const { nextExpectedRevision } = await client.appendToStream(stream, [tested(1)], path);
      expect(nextExpectedRevision).toBe(0n);
    });

    it('takes stream names and types of any script', async () => {
      const stream = `учёт-✓-${randomUUID()}`;
      const event = jsonEvent({ type: 'Häkchen✓', data: { n: 1 } });
      await client.appendToStream(stream, [event], path);
      for await (const { event: stored } of client.readStream(stream)) {
        expect(stored!.streamId).toBe(stream);
        expect(stored!.type).toBe('Häkchen✓');
      }
    });
  });

  it('reads a stream from anywhere in both directions', async () => {
    const stream = `directions-${randomUUID()}`;
    await client.appendToStream(
      stream,
      [0, 1, 2, 3, 4].map((n) => tested(n)),
    );
    expect(await numbers(stream)).toEqual([0, 1, 2, 3, 4]);
    expect(await numbers(stream, { maxCount: 2 })).toEqual([0, 1]);
    expect(await numbers(stream, { fromRevision: 3n })).toEqual([3, 4]);
    expect(await numbers(stream, { fromRevision: 9n })).toEqual([]);
    expect(await numbers(stream, { fromRevision: END, direction: FORWARDS })).toEqual([]);
    expect(await numbers(stream, { fromRevision: END, direction: BACKWARDS })).toEqual([
      4, 3, 2, 1, 0,
    ]);
    expect(await numbers(stream, { fromRevision: 2n, direction: BACKWARDS, maxCount: 2 })).toEqual([
      2, 1,
    ]);
    expect(await numbers(stream, { fromRevision: 99n, direction: BACKWARDS })).toEqual([
      4, 3, 2, 1, 0,
    ]);
    expect(await numbers(stream, { fromRevision: START, direction: BACKWARDS })).toEqual([0]);
  });

  it('reads the whole log forwards inclusive and backwards exclusive', async () => {
    const stream = `all-${randomUUID()}`;
    const { position } = await client.appendToStream(stream, [tested(1)]);
    await client.appendToStream(stream, [tested(2)]);
    const read = async (options: Parameters<EventStoreDBClient['readAll']>[0]) => {
      const found: bigint[] = [];
      for await (const { event } of client.readAll(options)) found.push(event!.position!.commit);
      return found;
    };
    const forwards = await read({ fromPosition: START });
    const backwards = await read({ fromPosition: END, direction: BACKWARDS });
    expect(backwards).toEqual([...forwards].reverse());
    expect((await read({ fromPosition: position! }))[0]).toBe(position!.commit);
    expect(await read({ fromPosition: position!, direction: BACKWARDS })).toEqual(
      backwards.filter((commit) => commit < position!.commit),
    );
    expect(await read({ fromPosition: START, direction: BACKWARDS })).toEqual([]);
    expect(await read({ fromPosition: END, direction: FORWARDS })).toEqual([]);
    expect(await read({ maxCount: 1 })).toEqual(forwards.slice(0, 1));
  });

  it('distinguishes unknown streams from those it can read', async () => {
    const stream = `unknown-${randomUUID()}`;
    await expect(numbers(stream)).rejects.toThrow(StreamNotFoundError);
    await client.appendToStream(stream, [tested(1)]);
    expect(await numbers(stream)).toEqual([1]);
  });

  it('is found by discovery, also when it advertises another name', async () => {
    const advertised = await EventStoreProcess.start({ EVENTSTORE_ADVERTISE_HOST: 'localhost' });
    const { EventStoreDBClient: Client } = await import('@eventstore/db-client');
    const discovering = Client.connectionString(
      `esdb+discover://127.0.0.1:${advertised.port}?tls=false`,
    );
    await discovering.appendToStream('discovered', [tested(1)]);
    await discovering.dispose();
    await advertised.remove();
  });

  it('does not let a slow reader make it hoard events', async () => {
    const stream = `slow-${randomUUID()}`;
    for (let batch = 0; batch < 10; batch += 1)
      await client.appendToStream(
        stream,
        Array.from({ length: 1_000 }, (_, n) => tested(n)),
      );
    const read = client.readStream(stream);
    const iterator = read[Symbol.asyncIterator]();
    await iterator.next();
    expect(await numbers(stream)).toHaveLength(10_000);
    let rest = 0;
    while (!(await iterator.next()).done) rest += 1;
    expect(rest).toBe(9_999);
  });
});
