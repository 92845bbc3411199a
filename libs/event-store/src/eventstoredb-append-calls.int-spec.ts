import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startDevEventStore } from '../../../test/support/dev-event-store.js';
import type { DevEventStore } from '../../../test/support/dev-event-store.js';
import { eventually } from '../../../test/support/eventually.js';
import { EventStoreUnavailable } from './event-store.js';
import { EventStoreDBEventStore } from './eventstoredb-event-store.js';
import { newEvent, newEvents } from './testing/new-events.js';

const PATIENT_MS = 5_000;
const HASTY_MS = 400;
const MANY_WITHIN_MS = 1_500;
const METHODS = ['batchAppend'];

/**
 * What the client's own batch path gets wrong: no end of waiting, one fate for all clients of a process, a late answer
 * that ends the process, and rejections where no caller sees them. Jest fails a test with an unhandled rejection.
 */
describe('Appends that share a call', () => {
  let server: DevEventStore;
  let store: EventStoreDBEventStore;
  let others: { server: DevEventStore; store: EventStoreDBEventStore } | undefined;

  beforeEach(async () => {
    server = await startDevEventStore();
  });
  afterEach(async () => {
    await store.close();
    await others?.store.close();
    await server.stop();
    await others?.server.stop();
    others = undefined;
  });

  const connect = (timeoutMs: number) => {
    store = new EventStoreDBEventStore({ url: server.url, timeoutMs });
    return store;
  };

  it('fail in time without an answer, and the next one succeeds', async () => {
    connect(HASTY_MS);
    await server.faults({ methods: METHODS, loseAnswers: { count: 1, how: 'silence' } });
    const startedAt = performance.now();
    await expectUnavailable(store.append('account-1', 'no-stream', [newEvent()]));
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(HASTY_MS - 1);
    await store.append('account-2', 'no-stream', [newEvent()]);
  });

  it('are sent again with their ids when another one finds the call silent', async () => {
    connect(HASTY_MS);
    await store.append('account-1', 'no-stream', [newEvent()]);
    await server.faults({ methods: METHODS, loseAnswers: { count: 2, how: 'silence' } });
    const first = expectUnavailable(store.append('account-2', 'no-stream', [newEvent()]));
    await pause(HASTY_MS / 2);
    const events = newEvents(2);
    expect((await store.append('account-3', 'no-stream', events)).revision).toBe(1n);
    await first;
    expect(await idsOf('account-3')).toEqual(events.map(({ id }) => id));
  });

  it('fail in time, however many begin one after the other while the server is silent', async () => {
    connect(MANY_WITHIN_MS);
    await store.append('account-1', 'no-stream', [newEvent()]);
    await server.freeze();
    const longest = await Promise.all(
      Array.from({ length: 500 }, async (_, number) => {
        await pause(number * 2);
        const startedAt = performance.now();
        await expectUnavailable(store.append(`account-many-${number}`, 'no-stream', [newEvent()]));
        return performance.now() - startedAt;
      }),
    );
    await server.thaw();
    expect(Math.max(...longest)).toBeLessThan(2 * MANY_WITHIN_MS);
    await eventually(() => store.append('account-1', 0n, [newEvent()]));
  });

  it('do not mind an answer that comes when nobody waits for it any more', async () => {
    connect(HASTY_MS);
    await server.faults({ methods: METHODS, delayAnswersMs: 2 * HASTY_MS });
    const late = expectUnavailable(store.append('account-1', 'no-stream', [newEvent()]));
    await eventually(async () => expect(await idsOf('account-1')).toHaveLength(1));
    await server.faults({});
    // The call is alive, so that it is kept, and the late answer comes on it.
    await store.append('account-2', 'no-stream', [newEvent()]);
    await late;
    await pause(2 * HASTY_MS);
    await store.append('account-3', 'no-stream', [newEvent()]);
  });

  it('of one connection have no part in the fate of those of another', async () => {
    connect(PATIENT_MS);
    const other = await startDevEventStore();
    others = {
      server: other,
      store: new EventStoreDBEventStore({ url: other.url, timeoutMs: PATIENT_MS }),
    };
    await server.faults({ methods: METHODS, delayAnswersMs: 2_000 });
    await other.faults({ methods: METHODS, delayAnswersMs: 1_000 });
    const lost = expectUnavailable(store.append('account-1', 'no-stream', [newEvent()]));
    const kept = others.store.append('account-1', 'no-stream', [newEvent()]);
    await pause(300);
    await server.kill();
    await lost;
    expect((await kept).revision).toBe(0n);
    await server.restart();
  });

  it('that are still being written when the connection breaks each reject to their caller', async () => {
    connect(PATIENT_MS);
    await store.append('account-0', 'no-stream', [newEvent()]);
    const large = 'x'.repeat(100_000);
    const appends = Array.from({ length: 100 }, async (_, number) =>
      store.append(`account-many-${number}`, 'no-stream', [newEvent({ large })]),
    );
    const outcomes = Promise.allSettled(appends);
    await server.kill();
    const failed = (await outcomes).flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
    );
    expect(failed.length).toBeGreaterThan(0);
    for (const error of failed) expect(error).toBeInstanceOf(EventStoreUnavailable);
    await server.restart();
    await eventually(() => store.append('account-0', 0n, [newEvent()]));
  });

  async function idsOf(streamName: string): Promise<string[]> {
    const ids: string[] = [];
    for await (const { id } of store.readStream(streamName)) ids.push(id);
    return ids;
  }
});

async function expectUnavailable(append: Promise<unknown>): Promise<void> {
  await expect(append).rejects.toThrow(EventStoreUnavailable);
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}
