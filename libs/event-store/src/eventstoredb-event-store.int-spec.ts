import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startEventStore } from '../../../test/support/event-store.js';
import type { TestEventStore } from '../../../test/support/event-store.js';
import { describeEventStore } from './testing/event-store.contract.js';
import { EventStoreDBEventStore } from './eventstoredb-event-store.js';

describe('EventStoreDB', () => {
  let server: TestEventStore;

  beforeAll(async () => {
    server = await startEventStore();
  });
  afterAll(async () => {
    await server.stop();
  });

  describeEventStore(
    'the event store of the tests',
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
