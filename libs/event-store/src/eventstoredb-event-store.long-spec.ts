import { afterAll, beforeAll, describe } from '@jest/globals';
import { startDevEventStore } from '../../../test/support/dev-event-store.js';
import type { DevEventStore } from '../../../test/support/dev-event-store.js';
import { describeEventStore } from './testing/event-store.contract.js';
import { EventStoreDBEventStore } from './eventstoredb-event-store.js';
import { SharingEventStore } from './sharing-event-store.js';

describe('EventStoreDB in other ways', () => {
  let server: DevEventStore;
  let as24dot10dot4: DevEventStore;

  beforeAll(async () => {
    server = await startDevEventStore();
    as24dot10dot4 = await startDevEventStore({
      environment: { EVENTSTORE_BEHAVES_LIKE: '24.10.4' },
    });
  });
  afterAll(async () => {
    await Promise.all([server.stop(), as24dot10dot4.stop()]);
  });

  describeEventStore(
    'development event store, found through gossip',
    async () =>
      new EventStoreDBEventStore({ url: server.url.replace('esdb://', 'esdb+discover://') }),
  );

  describeEventStore(
    'development event store as EventStoreDB 24.10.4, subscriptions shared',
    async () => new SharingEventStore(new EventStoreDBEventStore({ url: as24dot10dot4.url })),
  );
});
