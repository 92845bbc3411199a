import { randomInt, randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import { jsonEvent } from '@eventstore/db-client';
import type { EventStoreDBClient } from '@eventstore/db-client';
import { EventStoreProcess, until } from './event-store-process.js';

const WRITERS = 8;
/** Time to go on appending after the first answer of a round. */
const LONGEST_ROUND_MS = 100;

interface Written {
  readonly stream: string;
  readonly ids: string[];
  readonly acknowledgedRevision: bigint | undefined;
}

/**
 * Kills the event store again and again while events are appended, and then holds what is found against
 * what was acknowledged: nothing lost, no gap, nothing twice, no append in part.
 */
export async function killAtRandomMoments(kills: number): Promise<void> {
  let eventStore = await EventStoreProcess.start({ EVENTSTORE_FSYNC: 'true' });
  const written: Written[] = [];
  for (let round = 0; round < kills; round += 1) {
    const client = eventStore.client();
    const writers = Array.from({ length: WRITERS }, (_, writer) =>
      write(client, `stream-${writer}`, written),
    );
    const before = written.length;
    await until(() => written.length > before, 'an append of this round is acknowledged');
    await new Promise((resolve) => setTimeout(resolve, randomInt(LONGEST_ROUND_MS)));
    await eventStore.kill();
    await Promise.all(writers);
    eventStore = await EventStoreProcess.start({ EVENTSTORE_FSYNC: 'true' }, eventStore.folder);
  }
  verify(written, await readStreams(eventStore.client()), kills);
  await eventStore.remove();
}

/** Appends one to three events at a time, each append once, until the server is gone. */
async function write(client: EventStoreDBClient, stream: string, log: Written[]): Promise<void> {
  for (;;) {
    const events = Array.from({ length: randomInt(1, 4) }, (_, n) =>
      jsonEvent({ id: randomUUID(), type: 'Tested', data: { n, padding: 'x'.repeat(300) } }),
    );
    const ids = events.map(({ id }) => id);
    const acknowledgedRevision = await client
      .appendToStream(stream, events, { credentials: { username: 'any', password: 'any' } })
      .then(
        ({ nextExpectedRevision }) => nextExpectedRevision,
        () => undefined,
      );
    log.push({ stream, ids, acknowledgedRevision });
    if (acknowledgedRevision === undefined) return;
  }
}

/** The ids of every stream in order; revisions without a gap. */
export async function readStreams(client: EventStoreDBClient): Promise<Map<string, string[]>> {
  const streams = new Map<string, string[]>();
  const misnumbered: string[] = [];
  for await (const { event } of client.readAll()) {
    const ids = streams.get(event!.streamId) ?? [];
    if (event!.revision !== BigInt(ids.length)) misnumbered.push(event!.id);
    ids.push(event!.id);
    streams.set(event!.streamId, ids);
  }
  expect(misnumbered).toEqual([]);
  return streams;
}

function verify(written: readonly Written[], found: Map<string, string[]>, kills: number): void {
  const all = [...found.values()].flat();
  const distinct = new Set(all);
  expect(distinct.size).toBe(all.length);
  const acknowledged = written.filter(
    ({ acknowledgedRevision }) => acknowledgedRevision !== undefined,
  );
  expect(acknowledged.length).toBeGreaterThanOrEqual(kills);
  const lost = acknowledged.filter(
    ({ stream, ids, acknowledgedRevision }) =>
      found.get(stream)?.[Number(acknowledgedRevision)] !== ids.at(-1),
  );
  expect(lost).toEqual([]);
  const torn = written.filter(({ stream, ids }) => {
    const stored = ids.filter((id) => distinct.has(id));
    const first = found.get(stream)?.indexOf(ids[0]!) ?? -1;
    const isWhole =
      found
        .get(stream)
        ?.slice(first, first + ids.length)
        .join() === ids.join();
    return stored.length > 0 && !isWhole;
  });
  expect(torn).toEqual([]);
}
