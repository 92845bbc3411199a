import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import type {
  EventStore,
  LogPosition,
  SubscribeToAllOptions,
  SubscriptionMessage,
} from '@app/event-store';
import { messageOfEvent } from '@app/event-store/testing/messages.js';
import { plainAccountCodec } from '@app/personal-data/testing/plain-account-codec.js';
import { eventually } from '../../../../test/support/eventually.js';
import { InMemoryDatabase } from '../testing/in-memory-database.js';
import { silentLog } from '../testing/silent-log.js';
import { RecordedFact } from './recorded-fact.js';
import { SagaFeed } from './saga-feed.js';

/** WAITING_EVENTS=1000000 takes half a minute. */
const EVENTS = Number(process.env['WAITING_EVENTS'] ?? 50_000);
const SMALL = 2_000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

class CodeIssued extends RecordedFact<'ActivationCodeIssued'> {}

describe('One event that is stuck in a saga', () => {
  it(`takes no more memory with ${EVENTS} events behind it than with few`, async () => {
    // A mail that waits for a provider, and what happens meanwhile and concerns no saga.
    let delivered = 0;
    const heapAt = new Map<number, number>();
    const store = {
      async *subscribeToAll({
        signal,
      }: SubscribeToAllOptions): AsyncGenerator<SubscriptionMessage> {
        for (let number = 0; number < EVENTS; number++) {
          const type = number === 0 ? 'ActivationCodeIssued' : 'AccountActivated';
          const message = messageOfEvent(number);
          if (message.kind !== 'event') throw new Error('an event was expected');
          yield { kind: 'event', event: { ...message.event, type } };
          delivered += 1;
          if (delivered !== SMALL && delivered !== EVENTS) continue;
          await new Promise(setImmediate);
          collectGarbage();
          heapAt.set(delivered, process.memoryUsage().heapUsed);
        }
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
      async *readStream() {},
    } as unknown as EventStore;
    const database = new InMemoryDatabase();
    let opened: () => void = () => undefined;
    const open = new Promise<void>((resolve) => (opened = resolve));
    const feed = new SagaFeed({
      name: 'spec',
      streamNamePrefixes: ['account-'],
      store,
      database,
      codec: plainAccountCodec,
      eventBus: { dispatch: async () => undefined },
      events: { ActivationCodeIssued: CodeIssued },
      gate: {
        isClosed: true,
        enter: async () => {
          await open;
          return () => undefined;
        },
      },
      clock: Date.now,
      windowSize: 4,
      log: silentLog(),
    });
    feed.start();
    await eventually(() => expect(heapAt.size).toBe(2), { within: 120_000 });
    expect(database.saved).toEqual([]);
    const grown = Number(heapAt.get(EVENTS)) - Number(heapAt.get(SMALL));
    // A list with one entry for each would take ten times as much.
    expect(grown).toBeLessThan(EVENTS * 20);
    opened();
    const last: LogPosition | undefined = await eventually(() => {
      const position = database.checkpoints.get('spec');
      expect(position).toBeDefined();
      return position;
    });
    expect(last).toBeGreaterThan(BigInt(EVENTS));
    await feed.stop();
  }, 180_000);
});
