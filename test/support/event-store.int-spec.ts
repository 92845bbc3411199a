import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { EventStoreDBEventStore } from '@app/event-store/eventstoredb-event-store.js';
import { newEvent } from '../../libs/event-store/src/testing/new-events.js';
import { startEventStore } from './event-store.js';

const OURS =
  'env EVENTSTORE_CONTROL_PORT=off node dist/apps/local/src/event-store/main.js --port {port} --data {folder}';

describe('An event store by TEST_EVENTSTORE_COMMAND', () => {
  const before = process.env['TEST_EVENTSTORE_COMMAND'];
  afterEach(() => {
    if (before === undefined) delete process.env['TEST_EVENTSTORE_COMMAND'];
    else process.env['TEST_EVENTSTORE_COMMAND'] = before;
  });

  it('is killed, frozen, stopped and started again at the same place, and keeps what it has', async () => {
    process.env['TEST_EVENTSTORE_COMMAND'] = OURS;
    const server = await startEventStore();
    const { url } = server;
    const store = new EventStoreDBEventStore({ url, timeoutMs: 2_000 });
    const stream = `kept_${randomUUID()}`;
    const count = async () => {
      let found = 0;
      for await (const { revision } of store.readStream(stream)) found = Number(revision) + 1;
      return found;
    };
    await store.append(stream, 'no-stream', [newEvent()]);
    await server.kill();
    await expect(store.append(stream, 0n, [newEvent()])).rejects.toThrow('not available');
    await server.restart();
    expect(server.url).toBe(url);
    expect(await count()).toBe(1);

    await server.freeze();
    let isAnswered = false;
    const append = store.append(stream, 0n, [newEvent()]).then(() => (isAnswered = true));
    await pause(300);
    expect(isAnswered).toBe(false);
    await server.thaw();
    await append;
    expect(await count()).toBe(2);

    await server.restart();
    expect(await count()).toBe(2);
    expect(readdirSync(await server.files())).toContain('events.log');
    expect(server.output()).toContain('event log is open');
    await store.close();
    await server.stop();
    await expect(fetch(url.replace('esdb:', 'http:'))).rejects.toThrow();
  });

  it('that ends instead of getting ready fails with what it printed', async () => {
    process.env['TEST_EVENTSTORE_COMMAND'] = 'sh -c "echo no {folder} for you; exit 3"';
    await expect(startEventStore()).rejects.toThrow(/ended with exit code 3.*no \/.* for you/s);
  });
});
