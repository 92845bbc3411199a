import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { START, jsonEvent } from '@eventstore/db-client';
import type { EventStoreDBClient, ResolvedEvent } from '@eventstore/db-client';
import { EventStoreProcess, until } from './event-store-process.js';

describe('system projections', () => {
  let eventStore: EventStoreProcess;
  let client: EventStoreDBClient;
  const category = `cat${randomUUID().slice(0, 8)}`;
  const type = `Tested${category}`;

  beforeAll(async () => {
    eventStore = await EventStoreProcess.start();
    client = eventStore.client();
    for (const stream of ['1', '2-with-hyphens', '1'])
      await client.appendToStream(`${category}-${stream}`, jsonEvent({ type, data: {} }));
  });
  afterAll(() => eventStore.remove());

  async function read(stream: string, resolveLinkTos: boolean): Promise<ResolvedEvent[]> {
    const events: ResolvedEvent[] = [];
    for await (const event of client.readStream(stream, { resolveLinkTos }))
      events.push(event as ResolvedEvent);
    return events;
  }

  it.each([
    ['$ce-', category],
    ['$et-', type],
  ])('link events under %s', async (prefix, name) => {
    const subscription = client.subscribeToStream(`${prefix}${name}`, {
      fromRevision: START,
      resolveLinkTos: true,
    });
    const delivered: ResolvedEvent[] = [];
    subscription.on('data', (event) => void delivered.push(event as ResolvedEvent));
    await until(() => delivered.length === 3, 'all links');
    expect(delivered.map(({ link }) => link!.revision)).toEqual([0n, 1n, 2n]);
    expect(delivered.map(({ event }) => [event!.streamId, event!.revision])).toEqual([
      [`${category}-1`, 0n],
      [`${category}-2-with-hyphens`, 0n],
      [`${category}-1`, 1n],
    ]);
    await subscription.unsubscribe();

    const links = await read(`${prefix}${name}`, false);
    expect(links.map(({ event }) => Buffer.from(event!.data as Uint8Array).toString())).toEqual([
      `0@${category}-1`,
      `0@${category}-2-with-hyphens`,
      `1@${category}-1`,
    ]);
    expect(new Set(links.map(({ event }) => event!.id)).size).toBe(3);
    const again = await read(`${prefix}${name}`, false);
    expect(again.map(({ event }) => event!.id)).toEqual(links.map(({ event }) => event!.id));
  });

  it('list the streams', async () => {
    const streams = await read('$streams', true);
    expect(streams.map(({ event }) => event!.streamId)).toEqual([
      `${category}-1`,
      `${category}-2-with-hyphens`,
    ]);
    const ofCategory = await read(`$category-${category}`, false);
    expect(
      ofCategory.map(({ event }) => Buffer.from(event!.data as Uint8Array).toString()),
    ).toEqual([`${category}-1`, `${category}-2-with-hyphens`]);
  });

  it('deliver live', async () => {
    const subscription = client.subscribeToStream('$ce-live', { resolveLinkTos: true });
    const delivered: unknown[] = [];
    let caughtUp = false;
    subscription
      .on('caughtUp', () => (caughtUp = true))
      .on('data', ({ event }) => void delivered.push(event!.data));
    await until(() => caughtUp, 'caught up');
    await client.appendToStream('live-1', jsonEvent({ type, data: { n: 1 } }));
    await until(() => delivered.length === 1, 'live link');
    expect(delivered).toEqual([{ n: 1 }]);
    await subscription.unsubscribe();
  });

  it('are there again after a restart', async () => {
    eventStore = await eventStore.restart();
    client = eventStore.client();
    let links: ResolvedEvent[] = [];
    await until(async () => {
      links = await read(`$ce-${category}`, true);
      return links.length === 3;
    }, 'all links');
    expect(links.map(({ event }) => event!.type)).toEqual([type, type, type]);
  });

  it('can be started by the client, which changes nothing, and asked for', async () => {
    await client.enableProjection('$by_category');
    await expect(client.enableProjection('unknown')).rejects.toMatchObject({ code: 5 });
    const [status] = await client.listProjections();
    expect(status).toMatchObject({ status: 'Running' });
  });
});
