import { describe, expect, it } from '@jest/globals';
import { jsonEvent } from '@eventstore/db-client';
import type { EventStoreDBClient } from '@eventstore/db-client';
import { sweep } from '../support/sweep.js';
import { EventStoreProcess } from './event-store-process.js';

const EVENTS_PER_STREAM = 10;
/** A million takes six minutes where others work as well. */
const EVENTS = sweep(60_000, 1_000_000);
const STREAMS = EVENTS / EVENTS_PER_STREAM;
const DATA_LENGTH = 500;
const WRITERS = 64;

/** At a million events: 400 MB. */
const MOST_RESIDENT_BYTES = 150_000_000 + 250 * EVENTS;

async function fill(client: EventStoreDBClient): Promise<void> {
  const padding = 'x'.repeat(DATA_LENGTH - '{"n":0,"padding":""}'.length);
  let next = 0;
  const write = async (): Promise<void> => {
    while (next < STREAMS) {
      next += 1;
      const events = Array.from({ length: EVENTS_PER_STREAM }, (_, n) =>
        jsonEvent({ type: `Type${n}`, data: { n, padding } }),
      );
      await client.appendToStream(`account-${next}`, events);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
}

describe(`${EVENTS} events`, () => {
  it('take little memory, and are all there after kill -9', async () => {
    const filled = await EventStoreProcess.start();
    await fill(filled.client());
    await filled.kill();

    const startedAt = performance.now();
    const eventStore = await EventStoreProcess.start({}, filled.folder);
    const milliseconds = performance.now() - startedAt;
    const residentBytes = async () => {
      const state = await eventStore.control('GET', '/state');
      // And the one that a log is born with.
      expect(state['events']).toBe(EVENTS + 1);
      return state['residentBytes'] as number;
    };
    const afterStart = await residentBytes();
    let read = 0;
    for await (const { event } of eventStore.client().readAll()) read += event ? 1 : 0;
    const afterReading = await residentBytes();

    process.stdout.write(
      `start ${Math.round(milliseconds)} ms, resident ${Math.round(afterStart / 1e6)} MB, ` +
        `after reading everything ${Math.round(afterReading / 1e6)} MB\n`,
    );
    expect(read).toBe(EVENTS + 1);
    // How long a start takes is for the benchmark to say: a busy machine needs any time.
    expect(Math.max(afterStart, afterReading)).toBeLessThan(MOST_RESIDENT_BYTES);
    await eventStore.remove();
  }, 600_000);
});
