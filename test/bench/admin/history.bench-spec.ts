/**
 * What the history of one account costs beside a bare read of its stream, and whether other accounts matter.
 *
 *   npm run test:jest -- --testMatch '**' + '/history.bench-spec.ts'
 *
 * BENCH_ACCOUNTS sets how many other accounts there are in the end (1,000,000 when left out).
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accountStreamName } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import {
  accountRegistered,
  activeAccount,
  ada,
  registrationRefused,
  noon,
} from '@app/accounts/testing/account-examples.js';
import type { NewEvent } from '@app/event-store';
import { EventStoreDBEventStore } from '@app/event-store/eventstoredb-event-store.js';
import { exampleAccountId } from '@app/read-model/testing/account-lives.js';
import { plainAccountCodec } from '@app/read-model/testing/plain-account-codec.js';
import { AccountHistory } from '../../../apps/accounts-admin/src/replay-account/account-history.js';
import { toEntry } from '../../../apps/accounts-admin/src/replay-account/replay-account.handler.js';
import { startDevEventStore } from '../../support/dev-event-store.js';
import type { DevEventStore } from '../../support/dev-event-store.js';

const FEW = 1_000;
const MANY = Number(process.env['BENCH_ACCOUNTS'] ?? 1_000_000);
const ROUNDS = 7;
const CALLS = 100;

describe('the history of one account', () => {
  let eventStore: DevEventStore;
  let store: EventStoreDBEventStore;
  let history: AccountHistory;
  const say = (text: string) => void process.stderr.write(`${text}\n`);

  beforeAll(async () => {
    eventStore = await startDevEventStore();
    store = new EventStoreDBEventStore({ url: eventStore.url, timeoutMs: 30_000 });
    history = new AccountHistory(store, plainAccountCodec);
    const refusals = Array.from({ length: 20 }, (_, n) => registrationRefused(noon + n));
    await append(ada.accountId, [...activeAccount, ...refusals]);
  }, 60_000);
  afterAll(async () => {
    await store.close();
    await eventStore.stop();
  });

  async function append(accountId: string, facts: readonly AccountEvent[]): Promise<void> {
    const [first, ...rest] = facts.map(({ type, data }): NewEvent => ({
      id: randomUUID(),
      type,
      data,
      metadata: {
        schemaVersion: 1,
        $correlationId: randomUUID(),
        $causationId: randomUUID(),
        actor: 'anonymous',
      },
    }));
    if (first === undefined) throw new Error('nothing to append');
    await store.append(accountStreamName(accountId), 'no-stream', [first, ...rest]);
  }

  async function appendOthers(from: number, to: number): Promise<void> {
    let next = from;
    const writer = async () => {
      for (let number = next++; number < to; number = next++) {
        await append(exampleAccountId(number), [accountRegistered()]);
      }
    };
    await Promise.all(Array.from({ length: 64 }, writer));
  }

  async function bareRead(): Promise<number> {
    let events = 0;
    for await (const event of store.readStream(accountStreamName(ada.accountId))) {
      if (event.type !== '') events += 1;
    }
    return events;
  }

  async function replay(): Promise<number> {
    let length = 0;
    for await (const event of history.replay(ada.accountId)) {
      length += JSON.stringify(toEntry(event)).length;
    }
    return length;
  }

  async function millisecondsPerCall(call: () => Promise<number>): Promise<number> {
    const startedAt = performance.now();
    for (let times = 0; times < CALLS; times++) expect(await call()).toBeGreaterThan(0);
    return (performance.now() - startedAt) / CALLS;
  }

  /** Alternating, so that whatever else happens on the machine hits both. */
  async function medians(): Promise<{ readonly bare: number; readonly replayed: number }> {
    const rounds: { readonly bare: number; readonly replayed: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      rounds.push({
        bare: await millisecondsPerCall(bareRead),
        replayed: await millisecondsPerCall(replay),
      });
    }
    const median = (values: readonly number[]) =>
      values.toSorted((one, other) => one - other)[Math.floor(ROUNDS / 2)] ?? 0;
    return {
      bare: median(rounds.map(({ bare }) => bare)),
      replayed: median(rounds.map(({ replayed }) => replayed)),
    };
  }

  it('costs little more than the read, and the same among many as among few', async () => {
    await appendOthers(0, FEW);
    await medians();
    const few = await medians();
    await appendOthers(FEW, MANY);
    const many = await medians();
    const line = (accounts: number, { bare, replayed }: typeof few) =>
      `${accounts} accounts: bare read ${bare.toFixed(2)} ms, history ${replayed.toFixed(2)} ms = ${(replayed / bare).toFixed(2)}`;
    say(line(FEW, few));
    say(line(MANY, many));
    say(`history among many against among few: ${(many.replayed / few.replayed).toFixed(2)}`);
    expect(many.replayed / few.replayed).toBeLessThan(2);
  }, 1_800_000);
});
