import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startDevEventStore } from '../../../test/support/dev-event-store.js';
import type { DevEventStore } from '../../../test/support/dev-event-store.js';
import { describeEventStore } from './event-store.contract.js';
import { EventStoreDBEventStore } from './eventstoredb-event-store.js';
import { SharingEventStore } from './sharing-event-store.js';

describe('EventStoreDB', () => {
  let server: DevEventStore;
  let as24dot10dot4: DevEventStore;

  beforeAll(async () => {
    server = await startDevEventStore();
    as24dot10dot4 = await startDevEventStore();
    await as24dot10dot4.faults({ checkpointBeyondLog: true });
  });
  afterAll(async () => {
    await Promise.all([server.stop(), as24dot10dot4.stop()]);
  });

  describeEventStore(
    'development event store',
    async () => new EventStoreDBEventStore({ url: server.url }),
  );

  describeEventStore(
    'development event store, found through gossip',
    async () =>
      new EventStoreDBEventStore({ url: server.url.replace('esdb://', 'esdb+discover://') }),
  );

  describeEventStore(
    'development event store as EventStoreDB 24.10.4, subscriptions shared',
    async () => new SharingEventStore(new EventStoreDBEventStore({ url: as24dot10dot4.url })),
  );

  it('begins nowhere but at a place of the log: beyond it, servers take it for the end', async () => {
    const store = new EventStoreDBEventStore({ url: server.url });
    for (const after of [-1n, 2n ** 63n, 2n ** 64n - 1n]) {
      const { signal } = new AbortController();
      const messages = store.subscribeToAll({ after, streamNamePrefixes: ['any'], signal });
      await expect(messages.next()).rejects.toThrow(`no log has a position ${after}`);
    }
    await store.close();
  });

  const { EVENTSTORE_URL: url } = process.env;
  if (url) describeEventStore('EVENTSTORE_URL', async () => new EventStoreDBEventStore({ url }));
});
