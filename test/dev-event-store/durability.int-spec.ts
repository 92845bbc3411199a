import {
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { jsonEvent } from '@eventstore/db-client';
import { startDevEventStore } from '../support/dev-event-store.js';
import { EventStoreProcess } from './event-store-process.js';
import { readStreams } from './kill-at-random-moments.js';

const OLDER_LOG = join(
  import.meta.dirname,
  '../../apps/local/src/event-store/streams/older-log.bin',
);

describe('durability', () => {
  it('cuts off a torn append and goes on', async () => {
    const eventStore = await EventStoreProcess.start();
    const client = eventStore.client();
    for (let n = 0; n < 3; n += 1)
      await client.appendToStream('torn', jsonEvent({ type: 'Tested', data: { n } }));
    await eventStore.kill();
    const file = join(eventStore.folder, 'events.log');
    truncateSync(file, statSync(file).size - 5);

    const again = await EventStoreProcess.start({}, eventStore.folder);
    const found = await readStreams(again.client());
    expect(found.get('torn')).toHaveLength(2);
    const { nextExpectedRevision } = await again
      .client()
      .appendToStream('torn', jsonEvent({ type: 'Tested', data: {} }), { expectedRevision: 1n });
    expect(nextExpectedRevision).toBe(2n);
    await again.remove();
  });

  it('does not start on a damaged log, and names file and offset', async () => {
    const eventStore = await EventStoreProcess.start();
    const client = eventStore.client();
    for (let n = 0; n < 3; n += 1)
      await client.appendToStream('damaged', jsonEvent({ type: 'Tested', data: { n } }));
    await eventStore.stop();
    const file = join(eventStore.folder, 'events.log');
    const second = readFileSync(file).indexOf('{"n":1}');
    const descriptor = openSync(file, 'r+');
    writeSync(descriptor, '!', second);
    closeSync(descriptor);

    await expect(EventStoreProcess.start({}, eventStore.folder)).rejects.toThrow(
      new RegExp(`code 1 .*events\\.log is damaged at offset \\d+`, 's'),
    );
    await eventStore.remove();
  });

  it('opens the log of a version that deleted streams, and says what it passes over', async () => {
    const eventStore = await startDevEventStore();
    expect(eventStore.output()).not.toContain('passed over');
    await eventStore.stop();
    copyFileSync(OLDER_LOG, join(eventStore.dataDir, 'events.log'));
    await eventStore.restart();
    expect(eventStore.output()).toContain(
      'the event log holds tombstones or system streams (named $...) of an older version of this store: ' +
        'they are passed over, and events that were deleted or truncated can be read again',
    );
    await eventStore.stop();
  });

  it('answers a repeated append after kill -9 like the first', async () => {
    const eventStore = await EventStoreProcess.start({ EVENTSTORE_FSYNC: 'true' });
    const events = [1, 2].map((n) => jsonEvent({ type: 'Tested', data: { n } }));
    const options = { expectedRevision: 'no_stream' } as const;
    const first = await eventStore.client().appendToStream('repeated', events, options);
    await eventStore.kill();
    const again = await EventStoreProcess.start({}, eventStore.folder);
    expect(await again.client().appendToStream('repeated', events, options)).toEqual(first);
    await again.remove();
  });
});
