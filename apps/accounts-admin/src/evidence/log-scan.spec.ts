import { beforeEach, describe, expect, it } from '@jest/globals';
import type { EventStore, RecordedEvent, SubscriptionMessage } from '@app/event-store';
import { EventStoreUnavailable } from '@app/event-store';
import { InMemoryEventStore } from '@app/event-store/testing/in-memory-event-store.js';
import { Problem } from '@app/http-service';
import { createLog } from '@app/process';
import { LineAnswer, jsonLines, streamLines } from './line-stream.js';
import { LogScan } from './log-scan.js';
import type { StreamFold, WalkProgress } from './log-scan.js';

const database = { query: async () => ({ rows: [], rowCount: 0 }) };
const STREAMS = 40;
const ROUNDS = 3;

const streamNamePrefixes = ['account-'] as const;

const eventsOf: StreamFold<string[]> = {
  streamNamePrefixes,
  begin: (streamName) => [streamName],
  add: (fold, { type }) => void fold.push(type),
};

describe('A walk over the log', () => {
  let store: InMemoryEventStore;
  const names = Array.from({ length: STREAMS }, (_, number) => `account-${number * 7919}`);

  beforeEach(async () => {
    store = new InMemoryEventStore();
    for (let round = 0; round < ROUNDS; round++) {
      for (const name of names) await store.record(name, { type: `happened ${round}`, data: {} });
      await store.record('audit-2026-11-22-x', { type: 'PersonalDataRead', data: {} });
    }
  });

  async function walked(mostStreams?: number): Promise<readonly ReadonlyMap<string, string[]>[]> {
    const shares: ReadonlyMap<string, string[]>[] = [];
    for await (const step of new LogScan(store, database).walk(eventsOf, mostStreams)) {
      if (step.kind === 'share') shares.push(step.folds);
    }
    return shares;
  }

  it('folds each stream of an account from its first event to its last', async () => {
    const [all, ...more] = await walked();
    expect(more).toEqual([]);
    const whole = names.map((name) => [
      name,
      [name, ...Array.from({ length: ROUNDS }, (_, round) => `happened ${round}`)],
    ]);
    expect([...(all ?? [])].sort()).toEqual(whole.sort());
  });

  it.each([1, 2, 7, 39, 40, 41])(
    'holds no more than %i streams at a time, and folds every one exactly once, whole',
    async (most) => {
      const shares = await walked(most);
      expect(Math.max(...shares.map(({ size }) => size))).toBeLessThanOrEqual(most);
      const all = shares.flatMap((folds) => [...folds]);
      expect(all.map(([name]) => name).sort()).toEqual([...names].sort());
      for (const [, fold] of all) expect(fold).toHaveLength(1 + ROUNDS);
      expect(shares.length === 1).toBe(most >= STREAMS);
    },
  );

  it('is one at a time; the next one can begin when it is over or was given up', async () => {
    const log = new LogScan(store, database);
    const first = log.walk(eventsOf);
    await first.next();
    await expect(log.walk(eventsOf).next()).rejects.toThrow(Problem);
    await first.return(undefined);
    const second = log.walk(eventsOf);
    expect((await second.next()).value).toMatchObject({ kind: 'share' });
    await second.return(undefined);
    store.goAway();
    await expect(log.walk(eventsOf).next()).rejects.toThrow(EventStoreUnavailable);
    store.comeBack();
    expect((await log.walk(eventsOf).next()).done).toBe(false);
  });

  it('reports its progress, by the position of the subscription', async () => {
    const slow: Pick<EventStore, 'subscribeToAll' | 'checkAvailable'> = {
      checkAvailable: async () => undefined,
      async *subscribeToAll(): AsyncGenerator<SubscriptionMessage, void, void> {
        const begun = performance.now();
        for (let number = 1; performance.now() - begun < 400; number++) {
          const event = { streamName: 'account-1', type: 'x', position: BigInt(number) };
          yield { kind: 'event', event: event as RecordedEvent };
        }
        yield { kind: 'caught-up' };
      },
    };
    const at = {
      query: async <Row>() => ({ rows: [{ position: 10n ** 9n } as Row], rowCount: 1 }),
    };
    const log = new LogScan(slow as EventStore, at);
    const [first] = await steps(
      log.walk({ streamNamePrefixes, begin: () => 0, add: () => undefined }),
    );
    expect(first).toMatchObject({ kind: 'progress' });
    const { events, fraction } = (first as WalkProgress).progress;
    expect(fraction).toBeCloseTo(events / 1e9, 6);
  });
});

async function steps<Step>(walk: AsyncIterable<Step>): Promise<readonly Step[]> {
  const all: Step[] = [];
  for await (const step of walk) all.push(step);
  return all;
}

describe('An answer line by line', () => {
  const log = createLog('spec');
  log.level = 'silent';
  const caller = {
    keyId: 'k',
    scopes: new Set<never>(),
    expiresAt: undefined,
    requestId: 'r',
  };

  async function text(lines: AsyncGenerator<string>): Promise<string> {
    let all = '';
    for await (const chunk of (
      await streamLines(new LineAnswer(lines, 'It broke off.'), caller, log)
    ).getStream()) {
      all += String(chunk);
    }
    return all;
  }

  it('ends with a line that says so when it breaks off', async () => {
    async function* breaking() {
      yield { one: 1 };
      yield { two: 2 };
      throw new EventStoreUnavailable('gone');
    }
    expect(await text(jsonLines(breaking()))).toBe(
      '{"one":1}\n{"two":2}\n{"error":{"title":"It broke off.","requestId":"r"}}\n',
    );
  });

  it('throws when it fails before the first line', async () => {
    async function* broken(): AsyncGenerator<object> {
      await Promise.reject(new EventStoreUnavailable('gone'));
      yield {};
    }
    await expect(text(jsonLines(broken()))).rejects.toThrow(EventStoreUnavailable);
  });

  it('ends its source when the client has gone, read or not', async () => {
    for (const reads of [0, 1]) {
      let isOver = false;
      async function* endless() {
        try {
          for (;;) yield { more: 'to come' };
        } finally {
          isOver = true;
        }
      }
      const answer = await streamLines(new LineAnswer(jsonLines(endless()), ''), caller, log);
      const stream = answer.getStream();
      const closed = new Promise((resolve) => stream.once('close', resolve));
      if (reads > 0) {
        await new Promise((resolve) => stream.once('readable', resolve));
        stream.read();
      }
      stream.destroy();
      await closed;
      await Promise.resolve();
      expect(isOver).toBe(true);
    }
  });
});
