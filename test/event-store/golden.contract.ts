import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import Duration from 'google-protobuf/google/protobuf/duration_pb.js';
import Timestamp from 'google-protobuf/google/protobuf/timestamp_pb.js';
import type { BehaviourVersion } from '../../apps/local/src/event-store/behaviour.js';
import { GoogleEmpty, shared, streams } from '../../apps/local/src/event-store/protocol.js';
import { FreshStore, goldenAnswers, received, told } from './golden-answers.js';
import type { GoldenAnswers } from './golden-answers.js';
import { appendMessage, appendOptions, batchOptions } from './wire-client.js';
import type { WireEvent, WireRead, WireSubscription } from './wire-client.js';

const MATCHING = ['match-'];
const LIMIT = 1_048_576;
const OWN_TYPE_SIZE = 2 * 'type'.length;

/** Stores that the tests of one version have to themselves, until the test ends. */
const started: FreshStore[] = [];

async function freshStore(
  ...options: Parameters<typeof FreshStore.start>
): ReturnType<typeof FreshStore.start> {
  const store = await FreshStore.start(...options);
  started.push(store);
  return store;
}

const filtered = (interval: number, window: number | undefined = 32): WireRead => ({
  from: 'start',
  filter: { prefixes: MATCHING, interval, ...(window === undefined ? {} : { window }) },
});

/** The subscription that the name of a scenario describes: "from start, interval 1, window 32". */
function named(scenario: string): WireRead {
  if (scenario === 'no filter') return { from: 'start' };
  if (scenario === 'filtered from end') return { ...filtered(1), from: 'end' };
  if (scenario.startsWith('without system events'))
    return { from: 'start', filter: { typeRegex: '^[^$].*', interval: 1, window: 32 } };
  const interval = Number(/interval (\d+)/.exec(scenario)![1]);
  const window = /window (\w+)/.exec(scenario)?.[1] ?? '32';
  return filtered(interval, window === 'count' ? undefined : Number(window));
}

/** what subscriptions get that begin one beside the other, by the names of the expected ones. */
async function toldTo(
  store: FreshStore,
  expected: Readonly<Record<string, readonly string[]>>,
  meanwhile?: () => Promise<void>,
): Promise<Record<string, string[]>> {
  const names = Object.keys(expected);
  const subscriptions = names.map((name) => store.client.subscribe(named(name)));
  if (meanwhile !== undefined) {
    await received(
      subscriptions,
      names.map(() => 2),
    );
    await meanwhile();
  }
  await received(
    subscriptions,
    names.map((name) => expected[name]!.length),
  );
  return written(store, names, subscriptions);
}

async function written(
  store: FreshStore,
  names: readonly string[],
  subscriptions: readonly WireSubscription[],
): Promise<Record<string, string[]>> {
  const positions = await store.positions();
  return Object.fromEntries(
    names.map((name, index) => [name, told(subscriptions[index]!, positions)]),
  );
}

/** Messages with streams and revisions instead of places. */
function inWords({ messages, error }: WireSubscription): string[] {
  const words = messages.map(({ kind, stream, revision }) =>
    kind === 'event' ? `event:${stream}/${revision}` : kind,
  );
  return [...words, ...(error === undefined ? [] : [error])];
}

/** Long lists stand in the golden answers without their middle. */
function shortened(messages: readonly string[]): string[] {
  if (messages.length <= 8) return [...messages];
  return [...messages.slice(0, 3), `... ${messages.length} in all`, ...messages.slice(-2)];
}

async function appendEqually(
  version: BehaviourVersion,
): Promise<GoldenAnswers['equalAppendsAtOnce']> {
  const store = await FreshStore.start(version);
  const oneConnection = Array.from({ length: 20 }, () => store.client);
  const connections = Array.from({ length: 20 }, () => store.connect());
  const play = async (
    scenario: string,
    stream: string,
    append: (client: typeof store.client, event: WireEvent) => Promise<string>,
    clients = oneConnection,
    hasDifferentIds = false,
  ) => {
    const event = { id: randomUUID() };
    const answers = await Promise.all(
      clients.map((client) => append(client, hasDifferentIds ? {} : event)),
    );
    const { messages } = await store.client.read({ stream, from: 'start' });
    const onceMoreAfterwards = await append(store.client, hasDifferentIds ? {} : event);
    const distinct = [...new Set(answers)].sort();
    return [scenario, { answers: distinct, stored: messages.length, onceMoreAfterwards }] as const;
  };
  const toNone = (stream: string) => (client: typeof store.client, event: WireEvent) =>
    client.append(appendOptions(stream).setNoStream(new shared.Empty()), [event]);
  await store.append('four', 1);
  const played = await Promise.all([
    play('unary, no-stream, one connection', 'one', toNone('one')),
    play('unary, no-stream, 20 connections', 'two', toNone('two'), connections),
    play('unary, any', 'three', (client, event) => client.appendTo('three', [event])),
    play('unary, revision 0', 'four', (client, event) =>
      client.append(appendOptions('four').setRevision('0'), [event]),
    ),
    play('batch, no-stream', 'five', (client, event) => {
      const options = batchOptions('five');
      options.setNoStream(new GoogleEmpty());
      return client.batch(options, [event]);
    }),
    play('unary, no-stream, 20 different ids', 'six', toNone('six'), oneConnection, true),
  ]);
  await store.remove();
  return Object.fromEntries(played);
}

/** Replays what a real server of this version answered against the development store. */
export function describeGoldenAnswers(version: BehaviourVersion): void {
  describe(`the development store answers as ${version}:`, () => {
    const golden = goldenAnswers(version);
    let equalAppends: ReturnType<typeof appendEqually>;

    // They wait for a timeout of the server: meanwhile there is other work.
    beforeAll(() => {
      equalAppends = appendEqually(version);
    });
    afterEach(async () => {
      await Promise.all(started.splice(0).map((store) => store.remove()));
    });
    afterAll(() => equalAppends);

    it('a fresh log', async () => {
      const store = await freshStore(version);
      const { messages } = await store.client.read({ from: 'start' });
      expect(messages.map(({ stream, type }) => `${stream} ${type}`)).toEqual(
        golden.eventsOfFreshLog,
      );
      expect(await toldTo(store, golden.freshLog)).toEqual(golden.freshLog);
    });

    it('subscriptions that are open while events come', async () => {
      const expected = golden.openOnFreshLogThen200NotMatchingIn10AppendsAnd1;
      const store = await freshStore(version);
      const open = await toldTo(store, expected, async () => {
        await store.append('other', 200, 20);
        await store.append('match-1', 1);
      });
      expect(open).toEqual(expected);
      const later = await toldTo(store, golden.after200NotMatchingAnd1);
      for (const [name, messages] of Object.entries(golden.after200NotMatchingAnd1))
        expect({ [name]: later[name]!.slice(0, messages.length) }).toEqual({ [name]: messages });
    });

    it('logs of all lengths', async () => {
      const store = await freshStore(version);
      let length = 1;
      for (const [name, expected] of Object.entries(golden.lengths)) {
        const events = Number.parseInt(name, 10);
        if (events > length) await store.append('other', events - length);
        length = events;
        const messages = await toldTo(store, expected);
        const short = Object.entries(messages).map(([key, list]) => [key, shortened(list)]);
        expect({ [name]: Object.fromEntries(short) }).toEqual({ [name]: expected });
      }
    });

    it('a log that grew, and resuming in it', async () => {
      const store = await freshStore(version);
      const expected = golden.opened300And1And300And1And300Ago;
      const open = await toldTo(store, expected, async () => {
        for (const [stream, count] of [
          ['other', 300],
          ['match-1', 1],
          ['other', 300],
          ['match-1', 1],
          ['other', 300],
        ] as const)
          await store.append(stream, count, 100);
      });
      expect(open).toEqual(expected);
      const end = String(2n ** 64n - 1n);
      const resumed = ['resume from 2^64-1', 'resume from 0/0'].map((name, index) => {
        const place = index === 0 ? end : '0';
        const from = { commit: place, prepare: place };
        return [name, store.client.subscribe({ ...filtered(8), from })] as const;
      });
      await received(
        resumed.map(([, subscription]) => subscription),
        resumed.map(([name]) => golden.resumed[name]!.length),
      );
      const positions = await store.positions();
      for (const [name, subscription] of resumed)
        expect({ [name]: told(subscription, positions) }).toEqual({ [name]: golden.resumed[name] });
    });

    it('subscriptions from an event', async () => {
      const messages: Record<string, string[]> = {};
      for (const [name, stream, count] of [
        ['1 that matches', 'match-1', 1],
        ['200 that do not', 'other', 200],
      ] as const) {
        const store = await freshStore(version);
        await store.append('anchor', 1);
        const from = store.client.lastPosition!;
        await store.append(stream, count);
        const subscription = store.client.subscribe({ ...filtered(1), from });
        await received([subscription], [golden.fromAnchor[name]!.length]);
        const positions = (await store.positions()).slice(1);
        messages[name] = told(subscription, positions).map((message) =>
          message
            .replace(/^checkpoint @(\d+)\/(\w+)/, 'checkpoint at event $1 prepare $2')
            .replace(
              'at event 1 prepare same',
              count === 1 ? 'at matching event prepare same' : '$&',
            )
            .replace(/^event.*/, 'event'),
        );
      }
      expect(messages).toEqual(golden.fromAnchor);
    });

    it('live subscriptions', async () => {
      for (const [name, { appendsOf, messages }] of Object.entries(golden.live)) {
        const store = await freshStore(version);
        const subscription = store.client.subscribe({ ...filtered(1), from: 'end' });
        await received([subscription], [2]);
        let length = 0;
        for (const [, at] of messages.join('\n').matchAll(/^event @(\d+)/gm)) {
          const others = Number(at) - length - 1;
          if (others > 0) await store.append('other', others, appendsOf);
          await store.append('match-1', 1);
          length = Number(at);
        }
        await received([subscription], [messages.length]);
        const positions = await store.positions();
        expect({ [name]: told(subscription, positions) }).toEqual({ [name]: messages });
      }
    });

    it('many events in one append', async () => {
      const found: typeof golden.bursts = {};
      await Promise.all(
        Object.entries(golden.bursts).map(async ([count, expected]) => {
          const store = await freshStore(version);
          const subscription = store.client.subscribe({ ...filtered(1), from: 'end' });
          await received([subscription], [2]);
          await store.append('match-1', Number(count));
          const { ended, ...counts } = expected;
          const total = Object.values(counts as Record<string, number>).reduce((a, b) => a + b);
          await received([subscription], [total]);
          const kinds: Record<string, unknown> = { ended: null };
          for (const { kind } of subscription.messages) kinds[kind] = Number(kinds[kind] ?? 0) + 1;
          const { error } = subscription;
          if (error !== undefined)
            kinds['ended'] = { error: error.split(': ')[0], details: error.replace(/^\w+: /, '') };
          found[count] = kinds;
          expect({ ended }).toBeDefined();
        }),
      );
      expect(found).toEqual(golden.bursts);
    });

    it('positions where no event is', async () => {
      const store = await freshStore(version);
      await store.append('t', 3);
      const { commit } = (await store.positions())[1]!;
      const next = String(Number(commit) + 1);
      const from = { commit: next, prepare: next };
      const plain = store.client.subscribe({ from });
      const withFilter = store.client.subscribe({ ...filtered(1), from });
      const { noEvent } = golden.positions;
      await received([plain, withFilter], [2, 2]);
      expect({
        read: (await store.client.read({ from })).error,
        readBackwards: (await store.client.read({ from, backwards: true })).error,
        filteredSub: inWords(withFilter),
        plainSub: inWords(plain),
        commitLessThanPrepare: (await store.client.read({ from: { commit, prepare: next } })).error,
      }).toEqual(noEvent);

      const last = (await store.positions())[3]!.commit;
      const before = store.client.subscribe({
        from: { commit: last, prepare: '0' },
        filter: { prefixes: ['t'], interval: 1 },
      });
      await received([before], [golden.positions.prepareZero.length]);
      expect(inWords(before)).toEqual(golden.positions.prepareZero);
    });

    it('positions beyond the end', async () => {
      const store = await freshStore(version);
      await store.append('t', 1);
      const beyond = { commit: '1000000000', prepare: '1000000000' };
      const filter = { prefixes: ['t'], interval: 1 };
      const [withFilter, plain] = [{ filter }, {}].map((read) =>
        store.client.subscribe({ ...read, from: beyond }),
      );
      await received([withFilter!, plain!], [2, 2]);
      await store.append('t', 1);
      await received([withFilter!, plain!], [2, 2]);
      const max = String(2n ** 64n - 1n);
      const atMax = store.client.subscribe({ filter, from: { commit: max, prepare: max } });
      await received([atMax], [2]);
      const toldBeyond = [withFilter!, plain!].map(inWords);
      await store.append('t', 1);
      await received([atMax], [3]);
      expect({
        filtered: toldBeyond[0],
        plain: toldBeyond[1],
        readBeyond: inWords(await store.client.read({ from: beyond })).join(' '),
        filteredMax: inWords(atMax),
      }).toEqual(golden.positions.beyondEnd);
    });

    it('the place of an empty append', async () => {
      const store = await freshStore(version);
      await store.client.appendTo('match-1', []);
      const from = store.client.lastPosition!;
      await store.append('match-1', 2);
      const subscription = store.client.subscribe({ ...filtered(1), from });
      await received([subscription], [3]);
      const isSkipped = golden.emptyAppend.resumeFromIt.startsWith('the FIRST event after it');
      const revisions = inWords(subscription).filter((message) => message.startsWith('event'));
      expect(revisions).toEqual(
        isSkipped ? ['event:match-1/1'] : ['event:match-1/0', 'event:match-1/1'],
      );
    });

    it('requests of all shapes', async () => {
      const store = await freshStore(version);
      await store.append('t', 3);
      const place = (text: string) => ({ commit: text, prepare: text });
      const max = String(2n ** 64n - 1n);
      const tooLarge = String(2n ** 63n);
      const largest = String(2n ** 63n - 1n);
      const requests: Record<string, WireRead> = {
        neither: { stream: 't', from: 'start', count: '' },
        subBackwards: { stream: 't', from: 'start', subscribes: true, backwards: true },
        subAllBackwards: { from: 'start', subscribes: true, backwards: true },
        streamWithFilter: { stream: 't', ...filtered(1) },
        noFrom: { stream: 't' },
        'rev 2^63': { stream: 't', from: tooLarge },
        'rev max': { stream: 't', from: max },
        'rev max back': { stream: 't', from: max, backwards: true },
        'rev 2^63-1 fwd': { stream: 't', from: largest },
        'all 2^63': { from: place(tooLarge) },
        'all max': { from: place(max) },
        'all max back': { from: place(max), backwards: true, count: '1' },
        'all 2^63-1': { from: place(largest) },
        'all end fwd': { from: 'end' },
        'all start back': { from: 'start', backwards: true },
        'stream start back': { stream: 't', from: 'start', backwards: true },
        'sub 2^63': { stream: 't', from: tooLarge, subscribes: true },
        'sub max': { stream: 't', from: max, subscribes: true },
        'suball 2^63': { from: place(tooLarge), subscribes: true },
        'suball 2^63-1': { from: place(largest), subscribes: true },
        'suball 1,1': { from: place('1'), subscribes: true },
        emptyName: { stream: '', from: 'start' },
        prefixNone: { from: 'start', filter: { prefixes: [], interval: 1 } },
      };
      const answers = await Promise.all(
        Object.entries(requests).map(async ([name, request]) => {
          const words = inWords(await store.client.readUntilQuiet(request, 250)).join(' ');
          return [name, name === 'all max back' ? words.replace(/:.*/, '') : words] as const;
        }),
      );
      expect(Object.fromEntries(answers)).toEqual(golden.requests);

      const none = { from: 'start', count: '0' } as const;
      const countZero = {
        forwards: await store.client.read({ ...none, stream: 't' }),
        backwards: await store.client.read({ ...none, stream: 't', backwards: true }),
        all: await store.client.read(none, 100),
        missing: await store.client.read({ ...none, stream: 'missing' }),
      };
      for (const [name, { error, messages }] of Object.entries(countZero)) {
        const isUnanswered = golden.countZero[name] === 'DEADLINE_EXCEEDED';
        expect({ [name]: error }).toEqual({
          [name]: isUnanswered ? undefined : golden.countZero[name],
        });
        expect(messages).toEqual([]);
      }
      expect(countZero.all.wasAnswered).toBe(false);
    });

    it('subscriptions to a stream that does not exist', async () => {
      const store = await freshStore(version);
      const expected = golden.subscriptionsToMissingStream;
      const froms = Object.keys(expected).map((name) => name.replace('from ', ''));
      const subscriptions = froms.map((from) => store.client.subscribe({ stream: 't', from }));
      await received(
        subscriptions,
        froms.map(() => 1),
      );
      await store.append('t', 8);
      await received(
        subscriptions,
        Object.values(expected).map((messages) => messages.split(' ').length),
      );
      expect(subscriptions.map((subscription) => inWords(subscription).join(' '))).toEqual(
        Object.values(expected),
      );
    });

    it('names of streams', async () => {
      const store = await freshStore(version);
      const revisionsOf = async (stream: string) => {
        const { messages, error } = await store.client.read({ stream, from: 'start' });
        if (error !== undefined) return error;
        const [first] = messages;
        return first?.kind === 'event'
          ? messages.map(({ revision }) => revision).join()
          : first?.kind;
      };
      for (const name of ['', ' '])
        expect([await store.client.appendTo(name, [{}]), await revisionsOf(name)]).toEqual(
          golden.names[name],
        );
      expect({
        unary: await store.client.appendTo('$all', [{}]),
        batch: await store.client.batch(batchOptions('$all'), [{}]),
        readStreamNamedAll: await revisionsOf('$all'),
      }).toEqual(golden.streamNamedAll);
      const [answer, read] = golden.names['$$']!;
      const isEnd = answer!.includes('the server ends');
      const given = await store.client.appendTo('$$', [{}]);
      expect(store.failures).toHaveLength(isEnd ? 1 : 0);
      if (!isEnd) expect([given, await revisionsOf('$$')]).toEqual([answer, read]);
    });

    it('batch calls whose client ends its side', async () => {
      const { client } = await freshStore(version);
      const found: Record<string, string> = {};
      for (const [answered, due] of [
        [0, 0],
        [1, 0],
        [0, 50],
        [1, 1],
      ] as const) {
        found[`${answered} answered, ${due} due`] = await client.halfClosedBatch(answered, due);
      }
      // Only one server was asked; nothing speaks for another answer of the others.
      expect(found).toEqual(goldenAnswers('24.10.14').halfClosedBatches);
    });

    it('deadlines', async () => {
      const store = await freshStore(version);
      const now = Date.now() / 1_000;
      const timestamp = (seconds: number) => {
        const options = batchOptions(randomUUID());
        options.setDeadline(new Timestamp.Timestamp().setSeconds(Math.round(seconds)));
        return options;
      };
      /** The client's messages do not know this field. */
      const duration = (seconds: number) => {
        const field = new Duration.Duration().setSeconds(seconds).serializeBinary();
        const options = batchOptions(randomUUID()).serializeBinary();
        return Buffer.concat([options, Buffer.from([(7 << 3) | 2, field.length]), field]);
      };
      const options = {
        none: batchOptions(randomUUID()),
        durationZero: duration(0),
        duration5s: duration(5),
        durationMinus1s: duration(-1),
        timestampPast: timestamp(now - 60),
        timestampFuture: timestamp(now + 60),
      };
      for (const [name, wanted] of Object.entries(options)) {
        const answer = await store.client.batch(wanted, [{}]);
        expect({ [name]: `${answer} at once` }).toEqual({ [name]: golden.deadlines[name] });
      }
    });

    it('appends and events that cannot be used', async () => {
      const store = await freshStore(version);
      const id = randomUUID();
      const type = { type: 'T', 'content-type': 'application/json' };
      const events: Record<string, WireEvent[]> = {
        'empty type': [{ metadata: { ...type, type: '' } }],
        'zero id': [{ id: '00000000-0000-0000-0000-000000000000' }],
        'no id': [{ id: '' }],
        'bad id': [{ id: 'nonsense' }],
        'id upper': [{ id: id.toUpperCase() }],
        'id braces': [{ id: `{${id}}` }],
        'no type': [{ metadata: { 'content-type': 'application/json' } }],
        'no content-type': [{ metadata: { type: 'T' } }],
        'other content-type': [{ metadata: { ...type, 'content-type': 'text/plain' } }],
        'bad json': [{ data: Buffer.from('{') }],
        'empty data json': [{ data: Buffer.alloc(0) }],
        'no events': [],
      };
      const unary: Record<string, string> = {};
      const batch: Record<string, string> = {};
      for (const [name, list] of Object.entries(events)) {
        unary[name] = await store.client.appendTo(randomUUID(), list);
        batch[name] = await store.client.batch(batchOptions(randomUUID()), list);
      }
      const revisions = {
        'no expected': '',
        'revision max': '18446744073709551615',
        'revision 2^63': '9223372036854775808',
      };
      for (const [name, revision] of Object.entries(revisions)) {
        const [one, many] = [appendOptions(randomUUID()), batchOptions(randomUUID())];
        one.clearAny();
        many.clearAny();
        if (revision !== '') {
          one.setRevision(revision);
          many.setStreamPosition(revision);
        }
        unary[name] = await store.client.append(one, [{}]);
        batch[name] = await store.client.batch(many, [{}]);
      }
      expect({ unary, batch }).toEqual(golden.badEvents);

      const { AppendReq } = streams;
      const options = () => new AppendReq().setOptions(appendOptions('shaped'));
      const event = () => appendMessage({});
      const nameless = appendOptions('');
      nameless.clearStreamIdentifier();
      const shapes = {
        eventFirst: [event(), options()],
        noOptions: [event()],
        nothing: [],
        emptyMessage: [new AppendReq()],
        twoOptions: [options(), options()],
        optionsOnly: [options()],
        noStreamId: [new AppendReq().setOptions(nameless)],
      };
      for (const [name, messages] of Object.entries(shapes)) {
        const answer = await store.client.appendMessages(messages);
        expect({ [name]: answer }).toEqual({ [name]: golden.appends[name]!.replace(' pos', '') });
      }
    });

    it('sizes of appends', async () => {
      const store = await freshStore(version);
      const sized = (data: number, metadata = 0): WireEvent => ({
        type: 'type',
        data: Buffer.alloc(data),
        customMetadata: Buffer.alloc(metadata),
      });
      const events: Record<string, WireEvent[]> = {
        'data L-9': [sized(LIMIT - 9)],
        'data L-8': [sized(LIMIT - OWN_TYPE_SIZE)],
        'data L-7': [sized(LIMIT - 7)],
        'data L-4': [sized(LIMIT - 4)],
        'data L': [sized(LIMIT)],
        'data L+1': [sized(LIMIT + 1)],
        'data L-108, metadata 100': [sized(LIMIT - 108, 100)],
        'data L-107, metadata 100': [sized(LIMIT - 107, 100)],
        'data 1, metadata L': [sized(1, LIMIT)],
        'two events of L/2': [sized(LIMIT / 2), sized(LIMIT / 2)],
        'two events of L/2-8': [sized(LIMIT / 2 - 8), sized(LIMIT / 2 - 8)],
        'data 5 MB': [sized(5_000_000)],
      };
      const found: Record<string, unknown> = {};
      for (const [name, list] of Object.entries(events)) {
        const unary = await store.client.appendTo(`${name} unary`, list);
        const batch = await store.client.batch(batchOptions(`${name} batch`), list);
        found[name] = { unary: unary.replace(/ \[.*/, ''), batch };
      }
      expect(found).toEqual(golden.sizes);
    });

    it('more subscriptions than a connection takes', async () => {
      const store = await freshStore(version);
      const subscriptions = Array.from({ length: 150 }, () =>
        store.client.subscribe({ from: 'end' }),
      );
      const confirmed = () => subscriptions.filter(({ messages }) => messages.length > 0).length;
      await received(subscriptions.slice(0, 100), Array<number>(100).fill(2));
      const atFirst = confirmed();
      const append = store.client.appendTo('t', [{}]);
      const isStarving = await Promise.race([
        append.then(() => false),
        pause(100).then(() => true),
      ]);
      for (const subscription of subscriptions.slice(0, 60)) subscription.cancel();
      await received(subscriptions, Array<number>(150).fill(1));
      expect({
        confirmed: atFirst,
        confirmedAfterClosing60: confirmed(),
        appendMeanwhile: isStarving ? 'DEADLINE_EXCEEDED' : 'answered',
      }).toEqual(golden.streamsOfOneConnection);
      expect(await append).toBe('ok 0');
    });

    it('HTTP', async () => {
      const store = await freshStore(version);
      for (const [path, expected] of Object.entries(golden.http)) {
        const answer = await fetch(`http://127.0.0.1:${store.port}${path}`);
        const body = await answer.text();
        const { status, headers } = answer;
        const type = headers.get('content-type');
        const words = [status, ...(type === null ? [] : [type]), ...(body === '' ? [] : ['body'])];
        expect({ [path]: words.join(' ') }).toEqual({ [path]: expected });
      }
      expect(golden.version).toBe(version);
    });

    it('equal appends at once', async () => {
      const played = await equalAppends;
      for (const [name, { answers, ...rest }] of Object.entries(golden.equalAppendsAtOnce)) {
        const { answers: found, ...foundRest } = played[name]!;
        expect({ [name]: foundRest }).toEqual({ [name]: rest });
        // How many are answered is random.
        expect(answers).toEqual(expect.arrayContaining(found));
        expect(found.some((answer) => answer.startsWith('ok'))).toBe(true);
      }
      const all = Object.values(played).flatMap(({ answers }) => answers);
      expect(all).toContain('ABORTED: Operation timed out: Commit phase timeout.');
    });

    if (golden.notReady !== undefined)
      it('a start that takes a while', async () => {
        const store = await freshStore(version, { readyAfterMs: 600_000 });
        const unary = await store.client.appendTo('t', [{}]);
        const read = (await store.client.read({ from: 'start' })).error;
        const subscription = store.client.subscribe(filtered(1));
        await received([subscription], [1]);
        expect({
          append: unary,
          'append (requires-leader)': unary,
          'batch append': await store.client.batch(batchOptions('t'), [{}]),
          read,
          'read (requires-leader)': read,
          'filtered $all subscription': subscription.error,
        }).toEqual(golden.notReady);
      });
  });
}
