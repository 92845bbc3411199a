import { describe, expect, it } from '@jest/globals';
import { hash } from 'node:crypto';
import fc from 'fast-check';
import { linkOf, verifyChain } from './event-chain.js';
import type { RecordedEvent } from './event-store.js';
import { handleCommand } from './handle-command.js';
import { InMemoryEventStore } from './testing/in-memory-event-store.js';

const streamName = 'counter-1';
const context = { $correlationId: 'c', $causationId: 'd', actor: 'anonymous' };

/** A stream of so many events, each by a command of its own; the first ones as before there was a chain. */
async function history(events: number, before = 0): Promise<RecordedEvent[]> {
  const store = new InMemoryEventStore();
  const behaviour = {
    store,
    codec: {
      encode: async (_: string, facts: readonly number[]) =>
        facts.map((fact) => ({
          type: 'Added',
          schemaVersion: 1,
          data: { z: fact, a: [{ y: 1, b: undefined }] },
        })),
      decode: async (recorded: readonly RecordedEvent[]) => recorded.map(() => 1),
    },
    decider: {
      initialState: 0,
      decide: (command: number) => [command, command + 100],
      evolve: (state: number) => state + 1,
    },
  };
  for (let number = 0; number < before; number++) {
    const metadata = { schemaVersion: 1, ...context };
    const event = { id: `old ${number}`, type: 'Added', data: { z: number }, metadata };
    await store.append(streamName, number === 0 ? 'no-stream' : BigInt(number - 1), [event]);
  }
  for (let number = 0; number < (events - before) / 2; number++) {
    await handleCommand(behaviour, streamName, () => number, context);
  }
  const recorded: RecordedEvent[] = [];
  for await (const event of store.readStream(streamName)) recorded.push(event);
  return recorded;
}

async function* stream(events: readonly RecordedEvent[]): AsyncGenerator<RecordedEvent> {
  yield* events;
}

/** How the first links were made. */
function asFirstWritten(previous: string, event: Parameters<typeof linkOf>[1]): string {
  const { streamName, revision, id, type, data, metadata } = event;
  const { schemaVersion, $correlationId, $causationId, actor, client } = metadata;
  const why = [schemaVersion, $correlationId, $causationId, actor];
  const values = [streamName, String(revision), id, type, data, ...why];
  const all = client === undefined ? values : [...values, client];
  const text = JSON.stringify(sortedCopy(JSON.parse(JSON.stringify(all))));
  return hash('sha256', `${previous}\n${text}`, 'hex');
}

function sortedCopy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedCopy);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, sortedCopy(member)]));
}

const verdictOn = (events: readonly RecordedEvent[]) => verifyChain(streamName, stream(events));

describe('The chain of a stream', () => {
  it('is whole as it was appended, several events at a time', async () => {
    const events = await history(10);
    expect(await verdictOn(events)).toEqual({
      streamName,
      events: 10,
      head: events.at(-1)?.metadata.chain,
      broken: undefined,
    });
    expect(new Set(events.map(({ metadata }) => metadata.chain)).size).toBe(10);
    expect(events[0]?.metadata.chain).toMatch(/^[0-9a-f]{64}$/);
  });

  it('does not depend on the order of members, which a store may change', async () => {
    const [event] = (await history(2)) as [RecordedEvent];
    const { z, a } = event.data as Record<string, unknown>;
    expect(linkOf('', { ...event, data: { a, z } })).toBe(linkOf('', { ...event, data: { z, a } }));
    expect(linkOf('', event)).toBe(event.metadata.chain);
  });

  it('has the links that logs have already, whatever an event holds', () => {
    const metadata = fc.record({
      schemaVersion: fc.integer(),
      $correlationId: fc.string(),
      $causationId: fc.string(),
      actor: fc.string(),
      client: fc.option(fc.object(), { nil: undefined }),
    });
    const anything = fc.object({ withDate: true, withNullPrototype: true, maxDepth: 3 });
    const events = fc.record({
      streamName: fc.string(),
      revision: fc.bigInt({ min: 0n }),
      id: fc.string(),
      type: fc.string(),
      data: fc.oneof(fc.jsonValue(), anything),
      metadata,
    });
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), events, (previous, event) => {
        const linked = event as Parameters<typeof linkOf>[1];
        expect(linkOf(previous, linked)).toBe(asFirstWritten(previous, linked));
      }),
    );
  });

  it('shows a change of any value, at the event that was changed', async () => {
    const events = await history(6);
    const event = events[3] as RecordedEvent;
    const { metadata } = event;
    const changes: Partial<RecordedEvent>[] = [
      { data: { ...(event.data as object), z: 7 } },
      { type: 'Added2' },
      { id: 'another' },
      { metadata: { ...metadata, actor: 'worker' } },
      { metadata: { ...metadata, schemaVersion: 2 } },
      { metadata: { ...metadata, $correlationId: 'x' } },
      { metadata: { ...metadata, $causationId: 'x' } },
      { metadata: { ...metadata, client: { sealed: 'x' } } },
      { metadata: { ...metadata, chain: metadata.chain?.replace(/./, 'x') } as never },
    ];
    for (const change of changes) {
      const { broken, head } = await verdictOn(events.with(3, { ...event, ...change }));
      expect({ broken, head }).toEqual({
        broken: { revision: 3n, reason: 'link-differs' },
        head: undefined,
      });
    }
  });

  it('shows an event that was dropped, moved or slipped in, though it was numbered anew', async () => {
    const events = await history(6);
    const numbered = (some: readonly RecordedEvent[]) =>
      some.map((event, index) => ({ ...event, revision: BigInt(index) }));
    const [a, b, c, d, e, f] = events as [
      RecordedEvent,
      RecordedEvent,
      RecordedEvent,
      RecordedEvent,
      RecordedEvent,
      RecordedEvent,
    ];
    const { chain: _chain, ...unlinked } = c.metadata;
    expect(_chain).toBeDefined();
    for (const [forged, revision] of [
      [[a, b, d, e, f], 2n],
      [[a, c, b, d, e, f], 1n],
      [[a, b, c, c, d, e, f], 3n],
      [[b, c, d, e, f], 0n],
    ] as const) {
      expect((await verdictOn(numbered(forged))).broken).toEqual({
        revision,
        reason: 'link-differs',
      });
    }
    expect((await verdictOn([a, b, d, e, f])).broken).toEqual({
      revision: 2n,
      reason: 'revision-missing',
    });
    expect((await verdictOn([a, b, { ...c, metadata: unlinked }, d])).broken).toEqual({
      revision: 2n,
      reason: 'link-missing',
    });
  });

  it('covers where the request came from', async () => {
    const [event] = (await history(2)) as [RecordedEvent];
    const { chain: _chain, ...before } = event.metadata;
    expect(_chain).toBeDefined();
    const metadata = { ...before, client: { sealed: 'a', generation: 2 } };
    const chain = linkOf('', { ...event, metadata });
    const whole = { ...event, metadata: { ...metadata, chain } };
    expect((await verdictOn([whole])).broken).toBeUndefined();
    for (const client of [undefined, null, { sealed: 'b', generation: 2 }, { sealed: 'a' }]) {
      const forged = { ...whole, metadata: { ...whole.metadata, client } };
      expect((await verdictOn([forged])).broken).toEqual({ revision: 0n, reason: 'link-differs' });
    }
  });

  it('of another stream does not fit', async () => {
    const verdict = await verifyChain('counter-2', stream(await history(4)));
    expect(verdict.broken).toEqual({ revision: 0n, reason: 'link-differs' });
  });

  it('is broken where an event has no link, from before there were any or stripped of it', async () => {
    const events = await history(5, 3);
    const missing = { broken: { revision: 0n, reason: 'link-missing' }, head: undefined };
    expect(await verdictOn(events)).toMatchObject(missing);
    expect(await verdictOn(events.slice(0, 3))).toMatchObject(missing);
  });

  it('of an empty stream has no head', async () => {
    expect(await verdictOn([])).toMatchObject({ events: 0, head: undefined, broken: undefined });
  });
});
