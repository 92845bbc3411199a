import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KeyRing } from '@app/account-secrets';
import { accountStreamName, evolve, initialState } from '@app/accounts';
import type { Account, AccountEvent } from '@app/accounts';
import {
  activeAccount,
  noon,
  registrationRefused,
} from '@app/accounts/testing/account-examples.js';
import { handleCommand } from '@app/event-store';
import type { CommandContext, StreamBehaviour } from '@app/event-store';
import { EventStoreDBEventStore } from '@app/event-store/eventstoredb-event-store.js';
import { AccountEventCodec, AccountKeys, SealedSnapshots } from '@app/personal-data';
import type { Database } from '@app/postgres';
import { createPool } from '@app/postgres/postgres.js';
import { median } from '../security/timing-samples.js';
import { startDevEventStore } from '../support/dev-event-store.js';
import type { DevEventStore } from '../support/dev-event-store.js';
import { freshDatabase } from '../support/postgres.js';
import type { FreshDatabase } from '../support/postgres.js';

const LONG = 100_000;
const SHORT = 10;
const COMMANDS = 200;
const APPENDED_AT_ONCE = 1_000;
/** What a command on the long stream may cost of one on a short stream. */
const MOST = 2;

type Behaviour = StreamBehaviour<readonly AccountEvent[], AccountEvent, Account>;

/** The goal of docs/security.md, "Growth": without syncing to disk, which costs the same for both. */
describe(`A command on a stream of ${LONG} events`, () => {
  let eventStore: DevEventStore;
  let fresh: FreshDatabase;
  let database: Database;
  let store: EventStoreDBEventStore;
  let keys: AccountKeys;
  let behaviour: Behaviour;

  beforeAll(async () => {
    eventStore = await startDevEventStore();
    fresh = await freshDatabase();
    database = createPool(fresh.url, {
      max: 4,
      applicationName: 'bench',
      statementTimeoutMs: 5_000,
    });
    store = new EventStoreDBEventStore({ url: eventStore.url });
    keys = new AccountKeys(
      database,
      KeyRing.parse(`k1:${randomBytes(32).toString('base64')}`, 'PERSONAL_DATA_KEYS'),
    );
    behaviour = newProcess();
  });
  afterAll(async () => {
    await store.close();
    await database.close();
    await fresh.drop();
    await eventStore.stop();
  });

  /** Remembers nothing of streams. */
  function newProcess(): Behaviour {
    return {
      store,
      codec: new AccountEventCodec(keys),
      decider: { initialState, decide: (facts) => facts, evolve },
      snapshots: new SealedSnapshots(database, keys, (error) => {
        throw error;
      }),
    };
  }

  const context = (): CommandContext => ({
    $correlationId: randomUUID(),
    $causationId: randomUUID(),
    actor: 'anonymous',
  });

  async function append(streamName: string, facts: readonly AccountEvent[]): Promise<void> {
    await handleCommand(behaviour, streamName, () => facts, context());
  }

  async function streamOf(events: number): Promise<string> {
    const streamName = accountStreamName(randomUUID());
    await append(streamName, activeAccount);
    for (let length = activeAccount.length; length < events;) {
      const count = Math.min(APPENDED_AT_ONCE, events - length);
      await append(streamName, Array<AccountEvent>(count).fill(registrationRefused(noon)));
      length += count;
    }
    return streamName;
  }

  async function timeOfCommand(streamName: string): Promise<number> {
    const startedAt = performance.now();
    await append(streamName, [registrationRefused(noon)]);
    return performance.now() - startedAt;
  }

  it(`costs at most ${MOST} times what one on a stream of ${SHORT} costs`, async () => {
    const long = await streamOf(LONG);
    const short: string[] = [];
    while (short.length < COMMANDS) short.push(await streamOf(SHORT));
    const times = { short: [] as number[], long: [] as number[] };
    for (const streamName of short) {
      times.short.push(await timeOfCommand(streamName));
      times.long.push(await timeOfCommand(long));
    }
    behaviour = newProcess();
    const first = await timeOfCommand(long);
    const { codec, decider } = behaviour;
    behaviour = { store, codec, decider };
    const whole = await timeOfCommand(long);
    const ratio = median(times.long) / median(times.short);
    process.stderr.write(
      `a command, median of ${COMMANDS}: ${median(times.short).toFixed(2)} ms with ${SHORT} events, ` +
        `${median(times.long).toFixed(2)} ms with ${LONG} (${ratio.toFixed(2)} x); ` +
        `the first one of a process ${first.toFixed(1)} ms; without a snapshot ${whole.toFixed(0)} ms\n`,
    );
    expect(ratio).toBeLessThan(MOST);
  }, 600_000);
});
