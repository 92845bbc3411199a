import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startDevEventStore } from '../../../test/support/dev-event-store.js';
import type { DevEventStore } from '../../../test/support/dev-event-store.js';
import { describeEventStore } from './event-store.contract.js';
import { EventStoreDBEventStore } from './eventstoredb-event-store.js';

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
