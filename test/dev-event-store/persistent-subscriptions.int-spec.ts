import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  END,
  PARK,
  PINNED,
  RETRY,
  ROUND_ROBIN,
  SKIP,
  START,
  jsonEvent,
  persistentSubscriptionToAllSettingsFromDefaults,
  persistentSubscriptionToStreamSettingsFromDefaults,
  streamNameFilter,
} from '@eventstore/db-client';
import type {
  EventStoreDBClient,
  PersistentSubscriptionToAll,
  PersistentSubscriptionToStream,
  PersistentSubscriptionToStreamResolvedEvent,
  PersistentSubscriptionToStreamSettings,
} from '@eventstore/db-client';
import { EventStoreProcess, until } from './event-store-process.js';

const GROUP = 'group';

function tested(n: number) {
  return jsonEvent({ type: 'Tested', data: { n } });
}

function testedMany(count: number) {
  return Array.from({ length: count }, (_, n) => tested(n));
}

function settings(changes: Partial<PersistentSubscriptionToStreamSettings> = {}) {
  return persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: START, ...changes });
}

type Received = PersistentSubscriptionToStreamResolvedEvent;

/** Everything that a consumer gets; answers nothing by itself. */
function collecting(subscription: PersistentSubscriptionToStream | PersistentSubscriptionToAll) {
  const received: Received[] = [];
  const errors: (Error & { type?: string })[] = [];
  let isConfirmed = false;
  subscription
    .on('confirmation', () => (isConfirmed = true))
    .on('data', (event: unknown) => void received.push(event as Received))
    .on('error', (error: Error) => void errors.push(error));
  return {
    subscription,
    received,
    errors,
    confirmed: () => until(() => isConfirmed, 'confirmed'),
    numbers: () => received.map(({ event }) => (event!.data as { n: number }).n),
  };
}

describe('persistent subscriptions through the official client', () => {
  let eventStore: EventStoreProcess;
  let client: EventStoreDBClient;

  beforeAll(async () => {
    eventStore = await EventStoreProcess.start();
    client = eventStore.client();
  });
  afterAll(() => eventStore.remove());

  async function streamWithGroup(
    changes: Partial<PersistentSubscriptionToStreamSettings> = {},
    events = 0,
  ): Promise<string> {
    const stream = `persistent-${randomUUID()}`;
    if (events > 0) await client.appendToStream(stream, testedMany(events));
    await client.createPersistentSubscriptionToStream(stream, GROUP, settings(changes));
    return stream;
  }

  const infoOf = (stream: string) => client.getPersistentSubscriptionToStreamInfo(stream, GROUP);

  it('deliver history and live events, never more than the buffer unanswered', async () => {
    const stream = await streamWithGroup({}, 5);
    const consumer = collecting(
      client.subscribeToPersistentSubscriptionToStream(stream, GROUP, { bufferSize: 3 }),
    );
    await until(() => consumer.received.length === 3, 'first three');
    expect(consumer.subscription.id).toBe(`${stream}::${GROUP}`);
    expect((await infoOf(stream)).stats.totalInFlightMessages).toBe(3);
    await consumer.subscription.ack(...consumer.received);
    await until(() => consumer.received.length === 5, 'all five');
    await client.appendToStream(stream, tested(5));
    await until(() => consumer.received.length === 6, 'live event');
    expect(consumer.numbers()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(consumer.received.map(({ retryCount }) => retryCount)).toEqual([0, 0, 0, 0, 0, 0]);
    await consumer.subscription.unsubscribe();
  });

  it('begin at the position of their settings', async () => {
    const stream = `begin-${randomUUID()}`;
    await client.appendToStream(stream, testedMany(3));
    const create = (group: string, startFrom: bigint | typeof END) =>
      client.createPersistentSubscriptionToStream(stream, group, settings({ startFrom }));
    await create('at-1', 1n);
    await create('at-end', END);
    const fromOne = collecting(client.subscribeToPersistentSubscriptionToStream(stream, 'at-1'));
    const fromEnd = collecting(client.subscribeToPersistentSubscriptionToStream(stream, 'at-end'));
    await client.appendToStream(stream, tested(3));
    await until(() => fromOne.received.length === 3, 'from revision 1');
    await until(() => fromEnd.received.length === 1, 'from the end');
    expect(fromOne.numbers()).toEqual([1, 2, 3]);
    expect(fromEnd.numbers()).toEqual([3]);
    await fromOne.subscription.unsubscribe();
    await fromEnd.subscription.unsubscribe();
  });

  it('deliver again what is to be retried, park it in the end, skip what is skipped', async () => {
    const stream = await streamWithGroup({ maxRetryCount: 2 }, 2);
    const consumer = collecting(client.subscribeToPersistentSubscriptionToStream(stream, GROUP));
    await until(() => consumer.received.length === 2, 'both');
    const { subscription, received } = consumer;
    await subscription.nack(SKIP, 'not for us', received[1]!);
    let refused = received[0]!;
    for (const count of [1, 2]) {
      await subscription.nack(RETRY, 'try again', refused);
      await until(() => received.length === 2 + count, 'retried');
      refused = received.at(-1)!;
      expect(refused.retryCount).toBe(count);
    }
    await subscription.nack(RETRY, 'once more', refused);
    await until(async () => (await infoOf(stream)).stats.parkedMessageCount === 1n, 'parked');
    expect(received).toHaveLength(4);
    const parked = [];
    for await (const { event } of client.readStream(
      `$persistentsubscription-${stream}::${GROUP}-parked`,
    ))
      parked.push(event!);
    expect(parked[0]!.type).toBe('$>');
    expect(Buffer.from(parked[0]!.data as Uint8Array).toString()).toBe(`0@${stream}`);
    await subscription.unsubscribe();
  });

  it('replay what was parked, up to the given number', async () => {
    const stream = await streamWithGroup({}, 3);
    const consumer = collecting(client.subscribeToPersistentSubscriptionToStream(stream, GROUP));
    const { subscription, received } = consumer;
    await until(() => received.length === 3, 'all');
    await subscription.nack(PARK, 'later', ...received);
    await until(async () => (await infoOf(stream)).stats.parkedMessageCount === 3n, 'parked');
    await client.replayParkedMessagesToStream(stream, GROUP, { stopAt: 2 });
    await until(() => received.length === 5, 'two replayed');
    expect(consumer.numbers()).toEqual([0, 1, 2, 0, 1]);
    expect(received[3]!.retryCount).toBe(0);
    await subscription.ack(received[3]!, received[4]!);
    await client.replayParkedMessagesToStream(stream, GROUP);
    await until(() => received.length === 6, 'the last replayed');
    expect((await infoOf(stream)).stats.parkedMessageCount).toBe(0n);
    await subscription.unsubscribe();
  });

  it('deliver again what was not answered in time', async () => {
    const stream = await streamWithGroup({ messageTimeout: 200, maxRetryCount: 5 }, 1);
    const { subscription, received } = collecting(
      client.subscribeToPersistentSubscriptionToStream(stream, GROUP),
    );
    await until(() => received.length >= 2, 'delivered again');
    expect(received[1]!.retryCount).toBe(1);
    expect(received[1]!.event!.id).toBe(received[0]!.event!.id);
    await subscription.unsubscribe();
  });

  it('deliver to another consumer what a lost one did not answer', async () => {
    const stream = await streamWithGroup({}, 2);
    const lost = collecting(
      client.subscribeToPersistentSubscriptionToStream(stream, GROUP, { bufferSize: 2 }),
    );
    await until(() => lost.received.length === 2, 'first consumer');
    await lost.subscription.ack(lost.received[0]!);
    const other = collecting(client.subscribeToPersistentSubscriptionToStream(stream, GROUP));
    await other.confirmed();
    await until(async () => (await infoOf(stream)).stats.totalInFlightMessages === 1, 'one open');
    await lost.subscription.unsubscribe();
    await until(() => other.received.length === 1, 'second consumer');
    expect(other.numbers()).toEqual([1]);
    expect(other.received[0]!.retryCount).toBe(1);
    await other.subscription.unsubscribe();
  });

  it('share events among consumers by strategy', async () => {
    const stream = await streamWithGroup({ consumerStrategyName: ROUND_ROBIN });
    const consumers = [1, 2].map(() =>
      collecting(client.subscribeToPersistentSubscriptionToStream(stream, GROUP)),
    );
    await Promise.all(consumers.map((consumer) => consumer.confirmed()));
    await client.appendToStream(stream, testedMany(6));
    await until(() => consumers.every(({ received }) => received.length === 3), 'three each');
    for (const { subscription } of consumers) await subscription.unsubscribe();

    const category = `pinned${randomUUID().slice(0, 8)}`;
    await client.createPersistentSubscriptionToStream(
      `$ce-${category}`,
      GROUP,
      settings({ consumerStrategyName: PINNED, resolveLinkTos: true }),
    );
    const pinned = [1, 2].map(() =>
      collecting(
        client.subscribeToPersistentSubscriptionToStream(`$ce-${category}`, GROUP, {
          bufferSize: 50,
        }),
      ),
    );
    await Promise.all(pinned.map((consumer) => consumer.confirmed()));
    for (let n = 0; n < 4; n += 1)
      for (let stream = 0; stream < 8; stream += 1)
        await client.appendToStream(`${category}-${stream}`, tested(n));
    const streamsOf = ({ received }: (typeof pinned)[number]) =>
      new Set(received.map(({ event }) => event!.streamId));
    await until(() => pinned[0]!.received.length + pinned[1]!.received.length === 32, 'all events');
    const [first, second] = [streamsOf(pinned[0]!), streamsOf(pinned[1]!)];
    expect(first.size + second.size).toBe(8);
    for (const { subscription } of pinned) await subscription.unsubscribe();
  });

  it('resume after their checkpoint when the server was restarted', async () => {
    const durable = await EventStoreProcess.start();
    const before = durable.client();
    await before.appendToStream('resumed', testedMany(10));
    await before.createPersistentSubscriptionToStream(
      'resumed',
      GROUP,
      settings({ checkPointUpperBound: 4, checkPointLowerBound: 1, checkPointAfter: 60_000 }),
    );
    const first = collecting(before.subscribeToPersistentSubscriptionToStream('resumed', GROUP));
    await until(() => first.received.length === 10, 'all');
    await first.subscription.ack(...first.received.slice(0, 3), ...first.received.slice(4, 6));
    await first.subscription.ack(first.received[3]!);
    await until(
      async () =>
        (await before.getPersistentSubscriptionToStreamInfo('resumed', GROUP)).stats
          .lastCheckpointedEventRevision === 5n,
      'checkpoint',
    );
    const again = await durable.restart();
    const after = again.client();
    const second = collecting(after.subscribeToPersistentSubscriptionToStream('resumed', GROUP));
    await until(() => second.received.length === 4, 'the rest');
    expect(second.numbers()).toEqual([6, 7, 8, 9]);
    await again.remove();
  });

  it('follow $all with a filter', async () => {
    const tag = randomUUID().slice(0, 8);
    await client.createPersistentSubscriptionToAll(
      GROUP,
      persistentSubscriptionToAllSettingsFromDefaults({
        startFrom: START,
        checkPointLowerBound: 1,
        checkPointUpperBound: 1,
      }),
      { filter: streamNameFilter({ prefixes: [tag] }) },
    );
    const consumer = collecting(client.subscribeToPersistentSubscriptionToAll(GROUP));
    for (let n = 0; n < 3; n += 1) {
      await client.appendToStream(`other-${tag}`, tested(9));
      await client.appendToStream(`${tag}-${n}`, tested(n));
    }
    await until(() => consumer.received.length === 3, 'wanted events');
    expect(consumer.numbers()).toEqual([0, 1, 2]);
    await consumer.subscription.ack(...consumer.received);
    const last = consumer.received[2]!.event!.position;
    await until(async () => {
      const { stats } = await client.getPersistentSubscriptionToAllInfo(GROUP);
      return stats.lastCheckpointedEventPosition?.commit === last!.commit;
    }, 'checkpoint');
    const [listed] = await client.listPersistentSubscriptionsToAll();
    expect(listed).toMatchObject({ eventSource: '$all', groupName: GROUP });
    await consumer.subscription.unsubscribe();
    await client.deletePersistentSubscriptionToAll(GROUP);
  });

  it('report their settings and state', async () => {
    const stream = await streamWithGroup({ extraStatistics: true, maxSubscriberCount: 1 }, 2);
    const { subscription, received } = collecting(
      client.subscribeToPersistentSubscriptionToStream(stream, GROUP),
    );
    await until(() => received.length === 2, 'both');
    await subscription.ack(received[0]!);
    await until(async () => (await infoOf(stream)).stats.totalInFlightMessages === 1, 'one open');
    const info = await infoOf(stream);
    expect(info).toMatchObject({
      eventSource: stream,
      groupName: GROUP,
      status: 'Live',
      settings: settings({ extraStatistics: true, maxSubscriberCount: 1 }),
      stats: { lastKnownEventRevision: 1n, parkedMessageCount: 0n },
    });
    expect(info.connections).toHaveLength(1);
    expect(info.connections[0]!.extraStatistics!.size).toBe(13);
    expect(info.connections[0]!.inFlightMessages).toBe(1);
    const second = collecting(client.subscribeToPersistentSubscriptionToStream(stream, GROUP));
    await until(() => second.errors.length === 1, 'refused');
    expect(second.errors[0]!.type).toBe('maximum-subscribers-reached');
    const all = await client.listAllPersistentSubscriptions();
    expect(all.map(({ eventSource }) => eventSource)).toContain(stream);
    await subscription.unsubscribe();
  });

  it('drop their consumers when they are changed or deleted', async () => {
    const stream = await streamWithGroup();
    const first = collecting(client.subscribeToPersistentSubscriptionToStream(stream, GROUP));
    await first.confirmed();
    await client.updatePersistentSubscriptionToStream(
      stream,
      GROUP,
      settings({ maxRetryCount: 77 }),
    );
    await until(() => first.errors.length === 1, 'dropped by update');
    expect(first.errors[0]!.type).toBe('persistent-subscription-dropped');
    expect((await infoOf(stream)).settings.maxRetryCount).toBe(77);
    const second = collecting(client.subscribeToPersistentSubscriptionToStream(stream, GROUP));
    await second.confirmed();
    await client.deletePersistentSubscriptionToStream(stream, GROUP);
    await until(() => second.errors.length === 1, 'dropped by delete');
    expect(await client.listPersistentSubscriptionsToStream(stream)).toEqual([]);
  });

  it('start again together', async () => {
    const stream = await streamWithGroup({}, 1);
    const { errors, confirmed } = collecting(
      client.subscribeToPersistentSubscriptionToStream(stream, GROUP),
    );
    await confirmed();
    await client.restartPersistentSubscriptionSubsystem();
    await until(() => errors.length === 1, 'dropped');
    expect((await infoOf(stream)).groupName).toBe(GROUP);
  });

  it('refuse what cannot be', async () => {
    const stream = await streamWithGroup();
    const create = (changes: Partial<PersistentSubscriptionToStreamSettings>, group = 'other') =>
      client.createPersistentSubscriptionToStream(stream, group, settings(changes));
    await expect(create({}, GROUP)).rejects.toMatchObject({
      type: 'persistent-subscription-exists',
      streamName: stream,
      groupName: GROUP,
    });
    await expect(create({ readBatchSize: 20, historyBufferSize: 20 })).rejects.toMatchObject({
      type: 'persistent-subscription-failed',
      reason: 'the read batch size must be lower than the history buffer size',
    });
    const missing = { type: 'persistent-subscription-does-not-exist' };
    await expect(
      client.updatePersistentSubscriptionToStream(stream, 'none', settings()),
    ).rejects.toMatchObject(missing);
    await expect(client.deletePersistentSubscriptionToStream(stream, 'none')).rejects.toMatchObject(
      missing,
    );
    await expect(
      client.getPersistentSubscriptionToStreamInfo(stream, 'none'),
    ).rejects.toMatchObject(missing);
    await expect(client.replayParkedMessagesToStream(stream, 'none')).rejects.toMatchObject(
      missing,
    );
    await expect(client.listPersistentSubscriptionsToStream('never')).rejects.toMatchObject(
      missing,
    );
    const consumer = collecting(client.subscribeToPersistentSubscriptionToStream('nö', 'nöne'));
    await until(() => consumer.errors.length === 1, 'refused');
    expect(consumer.errors[0]).toMatchObject(missing);
  });
});
