import { afterAll, beforeAll, describe } from '@jest/globals';
import { startDevEventStore } from '../../../test/support/dev-event-store.js';
import type { DevEventStore } from '../../../test/support/dev-event-store.js';
import { describeEventStore } from './event-store.contract.js';
import { EventStoreDBEventStore } from './eventstoredb-event-store.js';
import { SharingEventStore } from './sharing-event-store.js';

describe('EventStoreDB', () => {
  let server: DevEventStore;

  beforeAll(async () => {
    server = await startDevEventStore();
  });
  afterAll(async () => {
    await server.stop();
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
    'development event store, subscriptions shared',
    async () => new SharingEventStore(new EventStoreDBEventStore({ url: server.url })),
  );

  const { EVENTSTORE_URL: url } = process.env;
  if (url) describeEventStore('EVENTSTORE_URL', async () => new EventStoreDBEventStore({ url }));
});
