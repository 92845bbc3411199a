import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  END,
  START,
  eventTypeFilter,
  excludeSystemEvents,
  jsonEvent,
  streamNameFilter,
} from '@eventstore/db-client';
import type {
  AllStreamSubscription,
  EventStoreDBClient,
  Filter,
  Position,
  StreamSubscription,
} from '@eventstore/db-client';
import { EventStoreProcess, until } from './event-store-process.js';

function tested(n: number, type = 'Tested') {
  return jsonEvent({ type, data: { n } });
}

function testedMany(count: number, type = 'Tested') {
  return Array.from({ length: count }, (_, n) => tested(n, type));
}

/** Everything that a subscription delivered, in order: event numbers and the names of its signals. */
function recorded(subscription: AllStreamSubscription | StreamSubscription) {
  const delivered: (number | string)[] = [];
  const errors: { type?: string; message: string }[] = [];
  subscription
    .on('confirmation', () => void delivered.push('confirmation'))
    .on('caughtUp', () => void delivered.push('caughtUp'))
    .on('data', ({ event }: { event?: { data: unknown } }) => {
      delivered.push((event!.data as { n: number }).n);
    })
    .on('error', (error: Error) => void errors.push(error));
  const events = () => delivered.filter((entry) => typeof entry === 'number');
  return { delivered, errors, events };
}

describe('catch-up subscriptions through the official client', () => {
  let eventStore: EventStoreProcess;
  let client: EventStoreDBClient;

  beforeAll(async () => {
    eventStore = await EventStoreProcess.start();
    client = eventStore.client();
  });
  afterAll(() => eventStore.remove());

  describe('to a stream', () => {
    it('confirm, deliver history, signal that they caught up, then go on live', async () => {
      const stream = `history-${randomUUID()}`;
      await client.appendToStream(stream, testedMany(3));
      const subscription = client.subscribeToStream(stream);
      const { delivered } = recorded(subscription);
      await until(() => delivered.includes('caughtUp'), 'caught up');
      await client.appendToStream(stream, tested(3));
      await until(() => delivered.length === 6, 'live event');
      expect(delivered).toEqual(['confirmation', 0, 1, 2, 'caughtUp', 3]);
      await subscription.unsubscribe();
    });

    it('begin after a revision, or at the end', async () => {
      const stream = `begin-${randomUUID()}`;
      await client.appendToStream(stream, testedMany(3));
      const later = client.subscribeToStream(stream, { fromRevision: 1n });
      const atEnd = client.subscribeToStream(stream, { fromRevision: END });
      const [fromLater, fromEnd] = [recorded(later), recorded(atEnd)];
      await until(() => fromEnd.delivered.includes('caughtUp'), 'caught up');
      await client.appendToStream(stream, tested(3));
      await until(() => fromEnd.events().length === 1, 'live event');
      await until(() => fromLater.events().length === 2, 'both events');
      expect(fromLater.delivered).toEqual(['confirmation', 2, 'caughtUp', 3]);
      expect(fromEnd.delivered).toEqual(['confirmation', 'caughtUp', 3]);
      await Promise.all([later.unsubscribe(), atEnd.unsubscribe()]);
    });

    it('wait for a stream that does not exist', async () => {
      const stream = `waiting-${randomUUID()}`;
      const subscription = client.subscribeToStream(stream);
      const { delivered, events } = recorded(subscription);
      await until(() => delivered.includes('caughtUp'), 'caught up');
      await client.appendToStream(stream, testedMany(2));
      await until(() => events().length === 2, 'both events');
      expect(events()).toEqual([0, 1]);
      await subscription.unsubscribe();
    });
  });

  describe('to $all', () => {
    async function collect(filter: Filter, done: (events: number[]) => boolean) {
      const checkpoints: Position[] = [];
      const subscription = client.subscribeToAll({
        fromPosition: START,
        filter: {
          ...filter,
          checkpointReached: (_subscription: unknown, position: Position) =>
            void checkpoints.push(position),
        } as Filter,
      });
      const record = recorded(subscription);
      await until(() => done(record.events() as number[]), 'all events');
      await until(() => record.delivered.includes('caughtUp'), 'caught up');
      await subscription.unsubscribe();
      return { events: record.events(), checkpoints, delivered: record.delivered };
    }

    it('filter by prefix and expression, of stream names and of event types', async () => {
      const tag = randomUUID().slice(0, 8);
      await client.appendToStream(`${tag}-a`, [tested(1, `${tag}Opened`), tested(2, `${tag}Shut`)]);
      await client.appendToStream(`${tag}-b`, [tested(3, `${tag}Opened`)]);
      const two = (events: number[]) => events.length === 2;
      const names = (options: object) => streamNameFilter(options as never);
      const types = (options: object) => eventTypeFilter(options as never);
      expect((await collect(names({ prefixes: [`${tag}-a`] }), two)).events).toEqual([1, 2]);
      expect((await collect(names({ regex: `^${tag}-[a]$` }), two)).events).toEqual([1, 2]);
      expect((await collect(types({ prefixes: [`${tag}Op`] }), two)).events).toEqual([1, 3]);
      expect((await collect(types({ regex: `${tag}.*ned$` }), two)).events).toEqual([1, 3]);
      expect(
        (await collect(names({ prefixes: [`${tag}-b`, `${tag}-a`] }), (e) => e.length === 3))
          .events,
      ).toEqual([1, 2, 3]);
    });

    it('send checkpoints from which nothing is skipped', async () => {
      const tag = randomUUID().slice(0, 8);
      for (let n = 0; n < 20; n += 1) {
        await client.appendToStream(`${tag}-wanted`, tested(n));
        await client.appendToStream(`${tag}-other`, testedMany(7));
      }
      const filter = streamNameFilter({
        prefixes: [`${tag}-wanted`],
        maxSearchWindow: 10,
        checkpointInterval: 2,
        checkpointReached: () => undefined,
      });
      const { checkpoints } = await collect(filter, (events) => events.length === 20);
      expect(checkpoints.length).toBeGreaterThanOrEqual(160 / 20);
      const wanted = [];
      for await (const { event } of client.readStream(`${tag}-wanted`)) wanted.push(event!);
      for (const checkpoint of checkpoints) {
        const resumed = client.subscribeToAll({
          fromPosition: checkpoint,
          filter: streamNameFilter({ prefixes: [`${tag}-wanted`] }),
        });
        const record = recorded(resumed);
        await until(() => record.delivered.includes('caughtUp'), 'caught up');
        const expected = wanted.filter(({ position }) => position!.commit > checkpoint.commit);
        expect(record.events()).toEqual(expected.map(({ data }) => (data as { n: number }).n));
        await resumed.unsubscribe();
      }
    });

    it('send checkpoints for events that the filter leaves out, while live', async () => {
      const tag = randomUUID().slice(0, 8);
      const checkpoints: Position[] = [];
      const subscription = client.subscribeToAll({
        fromPosition: END,
        filter: streamNameFilter({
          prefixes: [`${tag}-wanted`],
          maxSearchWindow: 5,
          checkpointInterval: 1,
          checkpointReached: (_subscription, position) => void checkpoints.push(position),
        }),
      });
      const { delivered } = recorded(subscription);
      await until(() => delivered.includes('caughtUp'), 'caught up');
      const { position } = await client.appendToStream(`${tag}-other`, testedMany(5));
      await until(() => checkpoints.length === 1, 'checkpoint');
      expect(checkpoints[0]).toEqual(position);
      await subscription.unsubscribe();
    });

    it('leave out system events when asked to', async () => {
      const stream = `system-${randomUUID()}`;
      await client.appendToStream(stream, [tested(1, '$system'), tested(2)]);
      const types: string[] = [];
      const subscription = client.subscribeToAll({
        fromPosition: START,
        filter: excludeSystemEvents(),
      });
      let caughtUp = false;
      subscription
        .on('caughtUp', () => (caughtUp = true))
        .on('data', ({ event }) => void types.push(event!.type));
      await until(() => caughtUp, 'caught up');
      expect(types.length).toBeGreaterThan(0);
      expect(types.filter((type) => type.startsWith('$'))).toEqual([]);
      await subscription.unsubscribe();
    });

    it('deliver every event once, in order, while appends go on', async () => {
      const tag = randomUUID().slice(0, 8);
      const appender = eventStore.client();
      const subscription = client.subscribeToAll({
        fromPosition: START,
        filter: streamNameFilter({ prefixes: [tag] }),
      });
      const positions: bigint[] = [];
      subscription.on('data', ({ event }) => void positions.push(event!.position!.commit));
      const appended: bigint[] = [];
      await Promise.all(
        Array.from({ length: 16 }, async (_, writer) => {
          for (let n = 0; n < 100; n += 1) {
            const { position } = await appender.appendToStream(`${tag}-${writer}`, tested(n));
            appended.push(position!.commit);
          }
        }),
      );
      await until(() => positions.length >= 1_600, 'all events');
      expect(positions).toEqual(appended.sort((a, b) => (a < b ? -1 : 1)));
      await subscription.unsubscribe();
    });
  });

  it('end as those of a real server when this one stops, without its five seconds of silence', async () => {
    const stopping = await EventStoreProcess.start();
    const subscriber = stopping.client();
    const { delivered, errors } = recorded(subscriber.subscribeToAll());
    await until(() => delivered.includes('caughtUp'), 'caught up');
    const { code, milliseconds } = await stopping.stop();
    expect(code).toBe(0);
    expect(milliseconds).toBeLessThan(4_000);
    await until(() => errors.length === 1, 'error');
    expect(errors[0]).toMatchObject({ type: 'unknown', code: 13 });
    await stopping.remove();
  });

  describe('that do not keep up', () => {
    /** A subscriber that stops reading while events arrive, until they fill every buffer on the way. */
    async function overwhelm(version: string) {
      const server = await EventStoreProcess.start({ EVENTSTORE_BEHAVES_LIKE: version });
      const [slow, appender] = [server.client(), server.client()];
      const subscription = slow.subscribeToStream('busy', { fromRevision: END });
      const record = recorded(subscription);
      await until(() => record.delivered.includes('caughtUp'), 'caught up');
      subscription.pause();
      const large = 'x'.repeat(20_000);
      let appended = 0;
      while (appended < 600) {
        const events = Array.from({ length: 20 }, () =>
          jsonEvent({ type: 'Large', data: { n: appended++, large } }),
        );
        await appender.appendToStream('busy', events);
      }
      subscription.resume();
      return { server, record, appended };
    }

    it('catch up again, as in version 24', async () => {
      const { server, record, appended } = await overwhelm('24.10.14');
      await until(() => record.events().length === appended, 'all events');
      await until(() => record.delivered.at(-1) === 'caughtUp', 'caught up again');
      expect(record.delivered.filter((entry) => entry === 'caughtUp').length).toBeGreaterThan(1);
      expect(record.events()).toEqual(Array.from({ length: appended }, (_, n) => n));
      expect(record.errors).toEqual([]);
      await server.remove();
    });

    it('are aborted, as in version 23.10', async () => {
      const { server, record } = await overwhelm('23.10.6');
      await until(() => record.errors.length === 1, 'error');
      expect(record.errors[0]).toMatchObject({ type: 'timeout' });
      expect(record.errors[0]!.message).toContain('Consumer too slow to handle event while live');
      await server.remove();
    });
  });
});
