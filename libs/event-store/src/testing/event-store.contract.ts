import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sweep } from '../../../../test/support/sweep.js';
import { EventStoreUnavailable, WrongExpectedRevision } from '../event-store.js';
import type {
  EventStore,
  LogPosition,
  NewEvent,
  ReadStreamOptions,
  RecordedEvent,
} from '../event-store.js';
import { FollowedSubscription } from './followed-subscription.js';
import { newEvent, newEvents } from './new-events.js';

/** Everything JSON can hold and stores tend to lose. */
const awkwardData: readonly unknown[] = [
  {},
  [],
  null,
  '',
  'plain text',
  0,
  -0.1,
  9_007_199_254_740_991,
  true,
  {
    text: 'Grüße, 你好, 👩‍👩‍👧, עברית, \u0000 \u2028 \\ " \r\n',
    '': 'no name',
    ключ: [1, { a: null }],
  },
  { lone: '\ud83d surrogate', proto: JSON.parse('{"__proto__": 1}') as unknown },
];

/**
 * The behaviour of an event store that this product relies on. Works on a store that others use too: every
 * test has stream names of its own.
 *
 * @param connect gives a new connection at each call; the suite closes what it opened
 */
export function describeEventStore(name: string, connect: () => Promise<EventStore>): void {
  describe(`Event store contract: ${name}`, () => {
    let store: EventStore;
    /** Begins the name of every stream of the test. */
    let prefix: string;
    let stream: string;

    beforeAll(async () => {
      store = await connect();
    });
    afterAll(async () => {
      await store.close();
    });
    beforeEach(() => {
      prefix = `contract_${randomUUID()}`;
      stream = `${prefix}-1`;
    });

    async function read(streamName: string, options?: ReadStreamOptions): Promise<RecordedEvent[]> {
      return collected(store.readStream(streamName, options));
    }

    /** End of the log as it is now. */
    async function here(): Promise<LogPosition> {
      const { position } = await store.append(`marker_${randomUUID()}`, 'no-stream', [newEvent()]);
      return position;
    }

    function follow(
      after: LogPosition | 'start',
      whenReceived?: () => Promise<void>,
      prefixes: readonly [string, ...string[]] = [prefix],
    ): FollowedSubscription {
      return new FollowedSubscription(store, { after, streamNamePrefixes: prefixes }, whenReceived);
    }

    // First, because the stores that err here do so only while their log is short.
    it('from the start delivers what matches at last, and reports only places of the log', async () => {
      await appendInPortions(store, `other_${prefix}`, 20);
      const subscription = follow('start');
      await subscription.until(({ caughtUp }) => caughtUp, 'to catch up');
      const first = await store.append(stream, 'no-stream', newEvents(2));
      await subscription.until(({ events }) => events.length === 2, 'what matches');
      await appendInPortions(store, `other_${prefix}2`, 600);
      const isBeyond = (at: LogPosition) => at > first.position;
      await subscription.until(({ checkpoints }) => checkpoints.some(isBeyond), 'how far it is');
      const last = await store.append(stream, first.revision, [newEvent()]);
      await subscription.until(({ events }) => events.length >= 3, 'what matches then');
      await subscription.stop();
      expect(subscription.events).toEqual(await read(stream));
      const resumables = resumable(subscription);
      const positions = resumables.map(({ position }) => position);
      expect(isAscending(positions, { strictly: false })).toBe(true);
      expect(positions.at(-1)).toBe(last.position);
      for (const { position, remaining } of sampled(resumables, 4)) {
        const resumed = follow(position);
        await resumed.until(({ events }) => events.length >= remaining.length, 'the rest');
        await resumed.stop();
        expect(idsOf(resumed.events)).toEqual(remaining);
      }
    });

    it('answers when asked whether it is there', async () => {
      await expect(store.checkAvailable()).resolves.toBeUndefined();
    });

    describe('append', () => {
      it('stores an event as it was given', async () => {
        const event = newEvent({ number: 1 }, 'ThingHappened');
        const before = Date.now();
        const { revision, position } = await store.append(stream, 'no-stream', [event]);
        const [recorded, ...more] = await read(stream);
        expect(more).toEqual([]);
        expect(recorded).toEqual({
          ...event,
          streamName: stream,
          revision: 0n,
          position,
          recordedAt: expect.any(Date),
        });
        expect(revision).toBe(0n);
        // The store may have a clock of its own.
        const minutesApart = Math.abs(Number(recorded?.recordedAt) - before) / 60_000;
        expect(minutesApart).toBeLessThan(10);
      });

      it('stores whatever JSON can hold', async () => {
        const [first, ...rest] = awkwardData.map((data) => newEvent(data));
        if (!first) throw new Error('there is no example');
        await store.append(stream, 'no-stream', [first, ...rest]);
        expect((await read(stream)).map(({ data }) => data)).toEqual(awkwardData);
      });

      it('stores any JSON object', async () => {
        let revision: bigint | 'no-stream' = 'no-stream';
        await fc.assert(
          fc.asyncProperty(
            fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 3 }), {
              maxKeys: 5,
            }),
            async (generated) => {
              const data = JSON.parse(JSON.stringify(generated)) as unknown;
              ({ revision } = await store.append(stream, revision, [newEvent(data)]));
              const [recorded] = await read(stream, { fromRevision: revision });
              expect(recorded?.data).toEqual(data);
            },
          ),
          { numRuns: 50 },
        );
      });

      it.each([
        ['undefined', undefined],
        ['a 64-bit integer', { value: 1n }],
        ['a circle', circle()],
        ['a function', () => undefined],
      ])('refuses data that JSON cannot hold: %s', async (_, data) => {
        await expect(
          store.append(stream, 'no-stream', [newEvent(), { ...newEvent(), data }]),
        ).rejects.toThrow(TypeError);
        expect(await read(stream)).toEqual([]);
      });

      it('takes stream names and types of any language', async () => {
        const name = `${prefix}-Überfluß-日本-👋`;
        await store.append(name, 'no-stream', [newEvent({}, 'Geändert')]);
        expect(await read(name)).toMatchObject([{ streamName: name, type: 'Geändert' }]);
      });

      it('takes an event of half a megabyte', async () => {
        const data = { text: 'é'.repeat(250_000) };
        await store.append(stream, 'no-stream', [newEvent(data)]);
        expect((await read(stream))[0]?.data).toEqual(data);
      });

      it('numbers the events of a stream and answers with the last of them', async () => {
        const first = await store.append(stream, 'no-stream', newEvents(3));
        const second = await store.append(stream, 2n, newEvents(2));
        const events = await read(stream);
        expect(events.map(({ revision }) => revision)).toEqual([0n, 1n, 2n, 3n, 4n]);
        expect(first).toEqual({ revision: 2n, position: events[2]?.position });
        expect(second).toEqual({ revision: 4n, position: events[4]?.position });
      });

      it('is seen by the very next read', async () => {
        for (let revision = -1n; revision < 50n; revision++) {
          await store.append(stream, revision < 0n ? 'no-stream' : revision, [newEvent()]);
          const [seen] = await read(stream, { fromRevision: revision + 1n });
          expect(seen?.revision).toBe(revision + 1n);
        }
      });

      it.each([
        ['no stream, but there is one', 'no-stream'],
        ['a stale revision', 0n],
        ['a revision that is not reached yet', 2n],
      ] as const)('is refused when it expects %s', async (_, expected) => {
        const kept = newEvents(2);
        await store.append(stream, 'no-stream', kept);
        const refused = store.append(stream, expected, newEvents(3));
        await expect(refused).rejects.toThrow(new WrongExpectedRevision(stream, expected));
        await expect(refused).rejects.toBeInstanceOf(WrongExpectedRevision);
        expect(idsOf(await read(stream))).toEqual(idsOf(kept));
      });

      it('is refused when it expects a revision of a stream that does not exist', async () => {
        await expect(store.append(stream, 0n, [newEvent()])).rejects.toThrow(WrongExpectedRevision);
        expect(await read(stream)).toEqual([]);
      });

      it('lets exactly one of 50 rivals win, each with several events', async () => {
        await store.append(stream, 'no-stream', [newEvent()]);
        const rivals = Array.from({ length: 50 }, () => newEvents(3));
        const outcomes = await Promise.allSettled(
          rivals.map((events) => store.append(stream, 0n, events)),
        );
        const winners = rivals.filter((_, index) => outcomes[index]?.status === 'fulfilled');
        expect(winners).toHaveLength(1);
        for (const outcome of outcomes) {
          if (outcome.status === 'rejected') {
            expect(outcome.reason).toBeInstanceOf(WrongExpectedRevision);
          }
        }
        expect(idsOf(await read(stream)).slice(1)).toEqual(idsOf(winners[0] ?? []));
      });

      it('lets exactly one of 50 rivals begin a stream', async () => {
        const outcomes = await Promise.allSettled(
          Array.from({ length: 50 }, () => store.append(stream, 'no-stream', [newEvent()])),
        );
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        expect(await read(stream)).toHaveLength(1);
      });

      it('keeps the events of one append together in the log', async () => {
        const after = await here();
        await Promise.all(
          Array.from({ length: 40 }, (_, number) =>
            store.append(`${prefix}-${number}`, 'no-stream', newEvents(5)),
          ),
        );
        const subscription = follow(after);
        await subscription.until(({ events }) => events.length === 200, 'all 200 events');
        await subscription.stop();
        const names = subscription.events.map(({ streamName }) => streamName);
        const changes = names.filter((streamName, index) => streamName !== names[index - 1]);
        expect(changes).toHaveLength(40);
      });
    });

    describe('appending the same events again', () => {
      it('at the same expected revision changes nothing and answers as before', async () => {
        const begun = newEvents(2);
        const first = await store.append(stream, 'no-stream', begun);
        expect(await store.append(stream, 'no-stream', begun)).toEqual(first);
        const continued = newEvents(3);
        const second = await store.append(stream, 1n, continued);
        expect(await store.append(stream, 1n, continued)).toEqual(second);
        expect(idsOf(await read(stream))).toEqual(idsOf([...begun, ...continued]));
      });

      it('does so after others have appended, too', async () => {
        const begun = newEvents(2);
        const first = await store.append(stream, 'no-stream', begun);
        await store.append(stream, 1n, newEvents(4));
        expect(await store.append(stream, 'no-stream', begun)).toEqual(first);
        expect(await read(stream)).toHaveLength(6);
      });

      it('is refused when not all of them are the same', async () => {
        const [known, alsoKnown] = [newEvent(), newEvent()];
        await store.append(stream, 'no-stream', [known, alsoKnown]);
        await store.append(stream, 1n, [newEvent()]);
        const repetitions: [NewEvent, ...NewEvent[]][] = [
          [newEvent(), alsoKnown],
          [known, newEvent()],
          [alsoKnown, known],
        ];
        for (const events of repetitions) {
          await expect(store.append(stream, 'no-stream', events)).rejects.toThrow(
            WrongExpectedRevision,
          );
        }
        expect(await read(stream)).toHaveLength(3);
      });

      it('many times at once stores them once, and answers all alike, but for those that it cannot answer yet', async () => {
        const events = newEvents(2);
        const appends = Array.from({ length: 20 }, () => store.append(stream, 'no-stream', events));
        const outcomes = await Promise.allSettled(appends);
        const again = await store.append(stream, 'no-stream', events);
        let answered = 0;
        for (const outcome of outcomes) {
          if (outcome.status === 'fulfilled') {
            answered += 1;
            expect(outcome.value).toEqual(again);
          } else expect(outcome.reason).toBeInstanceOf(EventStoreUnavailable);
        }
        expect(answered).toBeGreaterThan(0);
        expect(idsOf(await read(stream))).toEqual(idsOf(events));
      });
    });

    describe('readStream', () => {
      it('finds nothing where there is no stream', async () => {
        expect(await read(stream)).toEqual([]);
        expect(await read(stream, { fromRevision: 3n, maxCount: 2 })).toEqual([]);
      });

      it('begins at a revision and ends at a count', async () => {
        await store.append(stream, 'no-stream', newEvents(10));
        const revisions = async (options: ReadStreamOptions) =>
          (await read(stream, options)).map(({ revision }) => Number(revision));
        expect(await revisions({ fromRevision: 7n })).toEqual([7, 8, 9]);
        expect(await revisions({ maxCount: 2 })).toEqual([0, 1]);
        expect(await revisions({ fromRevision: 4n, maxCount: 3 })).toEqual([4, 5, 6]);
        expect(await revisions({ fromRevision: 9n, maxCount: 3 })).toEqual([9]);
        expect(await revisions({ fromRevision: 10n })).toEqual([]);
      });

      it('reads a long stream in order, however slow the reader', async () => {
        await appendInPortions(store, stream, 2_000);
        const numbers: unknown[] = [];
        for await (const { data } of store.readStream(stream)) {
          if (numbers.length % 50 === 0) await nextTurn();
          numbers.push((data as { number: number }).number);
        }
        expect(numbers).toEqual(Array.from({ length: 2_000 }, (_, number) => number));
      });

      it('may be left early, again and again', async () => {
        await appendInPortions(store, stream, 300);
        for (let round = 0; round < 150; round++) {
          for await (const { revision } of store.readStream(stream)) {
            expect(revision).toBe(0n);
            break;
          }
        }
        expect(await read(stream)).toHaveLength(300);
      });

      it('serves many readers at once', async () => {
        await store.append(stream, 'no-stream', newEvents(20));
        const reads = await Promise.all(Array.from({ length: 60 }, () => read(stream)));
        expect(reads.map(({ length }) => length)).toEqual(Array.from({ length: 60 }, () => 20));
      });
    });

    describe('positions', () => {
      it('grow with every event, across streams', async () => {
        const answers: LogPosition[] = [];
        for (let number = 0; number < 20; number++) {
          const name = `${prefix}-${number}`;
          answers.push(
            (await store.append(name, 'no-stream', newEvents(1 + (number % 3)))).position,
          );
          const events = await read(name);
          expect(isAscending(positionsOf(events))).toBe(true);
          expect(positionsOf(events).at(-1)).toBe(answers.at(-1));
        }
        expect(isAscending(answers)).toBe(true);
      });

      it('are the same for a reader and for a subscriber', async () => {
        const after = await here();
        await store.append(stream, 'no-stream', newEvents(7));
        const subscription = follow(after);
        await subscription.until(({ events }) => events.length === 7, 'all 7 events');
        await subscription.stop();
        expect(subscription.events).toEqual(await read(stream));
      });
    });

    describe('subscribeToAll', () => {
      it('from the start delivers what was recorded before and what follows', async () => {
        await store.append(stream, 'no-stream', newEvents(3));
        const subscription = follow('start');
        await subscription.until(({ caughtUp }) => caughtUp, 'to catch up');
        await store.append(stream, 2n, newEvents(2));
        await subscription.until(({ events }) => events.length === 5, 'all 5 events');
        await subscription.stop();
        expect(subscription.events).toEqual(await read(stream));
      });

      it('begins after its position, not at it', async () => {
        await store.append(stream, 'no-stream', newEvents(5));
        const events = await read(stream);
        for (const [index, { position }] of events.entries()) {
          const subscription = follow(position);
          await subscription.until(({ caughtUp }) => caughtUp, 'to catch up');
          await subscription.stop();
          expect(subscription.events).toEqual(events.slice(index + 1));
        }
      });

      it('delivers only streams whose names begin as asked', async () => {
        const after = await here();
        for (const name of ['a-1', 'b-1', 'ab-1', 'c-1', 'A-1', '-a-1']) {
          await store.append(prefix + name, 'no-stream', [newEvent()]);
        }
        const subscription = follow(after, undefined, [`${prefix}a-`, `${prefix}c`]);
        await subscription.until(({ caughtUp }) => caughtUp, 'to catch up');
        await store.append(`${prefix}b-1`, 0n, [newEvent()]);
        await store.append(`${prefix}a-1`, 0n, [newEvent()]);
        await subscription.until(({ events }) => events.length === 3, 'three events');
        await subscription.stop();
        const names = subscription.events.map(({ streamName }) => streamName.slice(prefix.length));
        expect(names).toEqual(['a-1', 'c-1', 'a-1']);
      });

      it('says that it has caught up once everything older was delivered', async () => {
        const after = await here();
        await appendInPortions(store, stream, 300);
        const subscription = follow(after);
        await subscription.until(({ caughtUp }) => caughtUp, 'to catch up');
        await store.append(stream, 299n, [newEvent()]);
        await subscription.until(({ events }) => events.length === 301, 'the news');
        await subscription.stop();
        const kinds = subscription.messages
          .map(({ kind }) => kind)
          .filter((kind) => kind !== 'checkpoint');
        expect(kinds.indexOf('caught-up')).toBe(300);
      });

      it('says that it has caught up where there is nothing to deliver', async () => {
        const subscription = follow(await here());
        await subscription.until(({ caughtUp }) => caughtUp, 'to catch up');
        await subscription.stop();
        expect(subscription.events).toEqual([]);
      });

      it('reports how far it has come although nothing matches', async () => {
        const after = await here();
        const subscription = follow(after);
        await subscription.until(({ caughtUp }) => caughtUp, 'to catch up');
        const ofNoInterest = `other_${prefix}-1`;
        const { position: middle } = await appendInPortions(store, ofNoInterest, 600);
        await subscription.until(({ checkpoints }) => checkpoints.some((at) => at > after), 'live');
        await subscription.stop();
        expect(isAscending([after, ...subscription.checkpoints], { strictly: false })).toBe(true);

        const later = follow(after);
        await later.until(({ caughtUp }) => caughtUp, 'to catch up');
        await appendInPortions(store, `${ofNoInterest}2`, 600);
        await later.until(({ checkpoints }) => checkpoints.some((at) => at > middle), 'beyond');
        await later.stop();
        expect(isAscending([after, ...later.checkpoints], { strictly: false })).toBe(true);
        expect([...subscription.events, ...later.events]).toEqual([]);
      });

      it('may be resumed from every position it reported, and skips nothing', async () => {
        const appends = fc.array(
          fc.record({ matches: fc.boolean(), events: fc.integer({ min: 1, max: 90 }) }),
          { minLength: 6, maxLength: 24 },
        );
        await fc.assert(
          fc.asyncProperty(appends, fc.nat({ max: 24 }), async (planned, history) => {
            const mine = `resumed_${randomUUID()}`;
            const after = await here();
            const expected: string[] = [];
            const append = async ({ matches, events }: { matches: boolean; events: number }) => {
              const appended = newEvents(events);
              const name = `${matches ? mine : 'other'}-${randomUUID()}`;
              await store.append(name, 'no-stream', appended);
              if (matches) expected.push(...idsOf(appended));
            };
            for (const one of planned.slice(0, history)) await append(one);
            const whole = follow(after, undefined, [mine]);
            await whole.until(({ caughtUp }) => caughtUp, 'to catch up');
            for (const one of planned.slice(history)) await append(one);
            await append({ matches: true, events: 1 });
            await whole.until(({ events }) => events.length >= expected.length, 'all events');
            await whole.stop();
            expect(idsOf(whole.events)).toEqual(expected);

            for (const { position, remaining } of sampled(resumable(whole), 8)) {
              const resumed = follow(position, undefined, [mine]);
              await resumed.until(({ events }) => events.length >= remaining.length, 'the rest');
              await resumed.stop();
              expect(idsOf(resumed.events)).toEqual(remaining);
            }
          }),
          { numRuns: 6, endOnFailure: true },
        );
      });

      it('loses and reorders nothing however slowly it is iterated', async () => {
        const after = await here();
        const count = 5_000;
        await appendInPortions(store, stream, count);
        let received = 0;
        const subscription = follow(after, async () => {
          received++;
          if (received % 10 === 0) await nextTurn();
        });
        await subscription.until(({ events }) => events.length === count, `all ${count} events`);
        await subscription.until(({ caughtUp }) => caughtUp, 'to catch up');
        await subscription.stop();
        const revisions = subscription.events.map(({ revision }) => Number(revision));
        expect(revisions).toEqual(Array.from({ length: count }, (_, number) => number));
      });

      it('reports no position, and not that it has caught up, before the events that lie before', async () => {
        const after = await here();
        await appendInPortions(store, stream, 1_005);
        await appendInPortions(store, `other_${prefix}`, 1_500);
        await appendInPortions(store, `${stream}-last`, 5);
        let open = (): void => undefined;
        const opened = new Promise<void>((resolve) => (open = resolve));
        const slow = follow(after, () => opened);
        const quick = follow(after);
        await quick.until(({ caughtUp }) => caughtUp, 'to catch up');
        await quick.stop();
        open();
        await slow.until(({ caughtUp }) => caughtUp, 'to catch up');
        await slow.stop();
        expect(slow.events).toHaveLength(1_010);
        const resumables = resumable(slow).map(({ position }) => position);
        expect(isAscending(resumables, { strictly: false })).toBe(true);
      });

      it('delivers what is appended while it catches up once and in order', async () => {
        const after = await here();
        await appendInPortions(store, stream, 1_000);
        const subscription = follow(after);
        for (let revision = 999n; revision < 1_099n; revision++) {
          await store.append(stream, revision, [newEvent()]);
        }
        await subscription.until(({ events }) => events.length >= 1_100, 'all 1,100 events');
        await subscription.stop();
        expect(subscription.events.map(({ revision }) => Number(revision))).toEqual(
          Array.from({ length: 1_100 }, (_, number) => number),
        );
      });

      it('ends quickly and without an error when aborted while it waits', async () => {
        const subscription = follow(await here());
        await subscription.until(({ caughtUp }) => caughtUp, 'to catch up');
        const abortedAt = performance.now();
        await subscription.stop();
        expect(performance.now() - abortedAt).toBeLessThan(500);
      });

      it('delivers nothing more once aborted by its consumer', async () => {
        const after = await here();
        await appendInPortions(store, stream, 500);
        const aborting = new AbortController();
        let received = 0;
        for await (const message of store.subscribeToAll({
          after,
          streamNamePrefixes: [prefix],
          signal: aborting.signal,
        })) {
          if (message.kind === 'event') received++;
          if (received === 10) aborting.abort();
        }
        expect(received).toBe(10);
      });

      it('delivers nothing when aborted beforehand', async () => {
        await store.append(stream, 'no-stream', [newEvent()]);
        const messages = store.subscribeToAll({
          after: 'start',
          streamNamePrefixes: [prefix],
          signal: AbortSignal.abort(),
        });
        expect(await collected(messages)).toEqual([]);
      });

      it('may be left by its consumer, again and again', async () => {
        const after = await here();
        await appendInPortions(store, stream, 200);
        for (let round = 0; round < sweep(40, 120); round++) {
          const messages = store.subscribeToAll({
            after,
            streamNamePrefixes: [prefix],
            signal: new AbortController().signal,
          });
          for await (const { kind } of messages) if (kind === 'event') break;
        }
        expect(await read(stream)).toHaveLength(200);
      });

      it('serves many subscribers at once beside appends and reads', async () => {
        const after = await here();
        const subscriptions = Array.from({ length: sweep(12, 40) }, () => follow(after));
        for (const one of subscriptions) await one.until(({ caughtUp }) => caughtUp, 'to catch up');
        for (let number = 0; number < 25; number++) {
          await store.append(stream, number === 0 ? 'no-stream' : BigInt(number - 1), [newEvent()]);
        }
        const expected = await read(stream);
        for (const subscription of subscriptions) {
          await subscription.until(({ events }) => events.length >= 25, 'all 25 events');
          await subscription.stop();
          expect(subscription.events).toEqual(expected);
        }
      });
    });

    describe('close', () => {
      it('never lets a read look complete that is not', async () => {
        for (const readBefore of [1, 20, 500]) {
          const closing = await connect();
          const name = `${prefix}-${readBefore}`;
          await appendInPortions(closing, name, 2_000);
          let count = 0;
          const reading = async () => {
            for await (const { revision } of closing.readStream(name)) {
              expect(revision).toBe(BigInt(count));
              count++;
              if (count === readBefore) await closing.close();
              await nextTurn();
            }
          };
          const outcome = await Promise.allSettled([reading()]);
          if (outcome[0].status === 'rejected') {
            expect(outcome[0].reason).toBeInstanceOf(EventStoreUnavailable);
          } else {
            expect(count).toBe(2_000);
          }
        }
      });

      it('waits for nothing that was left early', async () => {
        const closing = await connect();
        await closing.append(stream, 'no-stream', newEvents(5));
        for (let round = 0; round < 100; round++) {
          for await (const { revision } of closing.readStream(stream)) {
            // Lets the rest arrive before the reader leaves, or not.
            for (let turn = 0; turn < round % 10; turn++) await nextTurn();
            if (revision === BigInt(round % 5)) break;
          }
        }
        const closedAt = performance.now();
        await closing.close();
        expect(performance.now() - closedAt).toBeLessThan(1_000);
      });

      it('ends every subscription and may be called when there is none', async () => {
        const unused = await connect();
        await unused.close();

        const closing = await connect();
        const subscriptions = Array.from(
          { length: 3 },
          () => new FollowedSubscription(closing, { after: 'start', streamNamePrefixes: [prefix] }),
        );
        for (const one of subscriptions) await one.until(({ caughtUp }) => caughtUp, 'to catch up');
        await closing.close();
        for (const { ended } of subscriptions) {
          await expect(ended).rejects.toThrow(EventStoreUnavailable);
        }
      });
    });
  });
}

function circle(): unknown {
  const data: { self?: unknown } = {};
  data.self = data;
  return data;
}

async function collected<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Begins a stream of so many events, numbered from 0 in their data. */
async function appendInPortions(store: EventStore, streamName: string, count: number) {
  const events = newEvents(count);
  let result = { revision: -1n, position: 0n };
  while (result.revision < BigInt(count - 1)) {
    const next = Number(result.revision) + 1;
    const [first, ...rest] = events.slice(next, next + 100);
    if (!first) throw new Error(`no event of number ${next}`);
    const expected = next === 0 ? 'no-stream' : result.revision;
    result = await store.append(streamName, expected, [first, ...rest]);
  }
  return result;
}

/** Each position a subscription reported, with the ids of what it delivered afterwards. */
function resumable(subscription: FollowedSubscription) {
  const ids = idsOf(subscription.events);
  let delivered = 0;
  return subscription.messages.flatMap((message) => {
    if (message.kind === 'caught-up') return [];
    if (message.kind === 'event') delivered++;
    const position = message.kind === 'event' ? message.event.position : message.position;
    return [{ kind: message.kind, position, remaining: ids.slice(delivered) }];
  });
}

/** So many of each kind, evenly spread. */
function sampled<Place extends { readonly kind: string }>(places: Place[], most: number): Place[] {
  return ['event', 'checkpoint'].flatMap((wanted) => {
    const ofKind = places.filter(({ kind }) => kind === wanted);
    const step = Math.max(1, Math.ceil(ofKind.length / most));
    return ofKind.filter((_, index) => index % step === 0);
  });
}

function idsOf(events: readonly { readonly id: string }[]): string[] {
  return events.map(({ id }) => id);
}

function positionsOf(events: readonly RecordedEvent[]): LogPosition[] {
  return events.map(({ position }) => position);
}

function isAscending(positions: readonly LogPosition[], { strictly = true } = {}): boolean {
  return positions.every((position, index) => {
    const before = positions[index - 1];
    return before === undefined || position > before || (!strictly && position === before);
  });
}
