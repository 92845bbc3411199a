import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { KeyRing } from '@app/account-secrets';
import { accountDecider, accountStreamName, defaultActivationPolicy } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import {
  accountRegistered,
  activeAccount,
  codeIssued,
  DAY,
  noon,
} from '@app/accounts/testing/account-examples.js';
import { EventStoreUnavailable } from '@app/event-store';
import { InMemoryEventStore } from '@app/event-store/testing/in-memory-event-store.js';
import { AccountEventCodec, AccountKeys } from '@app/personal-data';
import { accountsProjection } from '@app/views';
import type { Database } from '@app/postgres';
import { createPool } from '@app/postgres/postgres.js';
import { freshDatabase } from '../../../../test/support/postgres.js';
import type { FreshDatabase } from '../../../../test/support/postgres.js';
import { silentLog } from '../testing/silent-log.js';
import { LapseRegistrations } from './lapse-registrations.js';

describe('Registrations that were not completed', () => {
  let fresh: FreshDatabase;
  let database: Database;
  let store: InMemoryEventStore;
  let codec: AccountEventCodec;
  const never = new AbortController().signal;

  beforeEach(async () => {
    fresh = await freshDatabase();
    database = createPool(fresh.url, {
      max: 4,
      applicationName: 'spec',
      statementTimeoutMs: 5_000,
    });
    store = new InMemoryEventStore();
    const ring = KeyRing.parse(`k1:${randomBytes(32).toString('base64')}`, 'PERSONAL_DATA_KEYS');
    codec = new AccountEventCodec(new AccountKeys(database, ring));
  });
  afterEach(async () => {
    await database.close();
    await fresh.drop();
  });

  async function account(...facts: AccountEvent[]): Promise<string> {
    const accountId = randomUUID();
    const streamName = accountStreamName(accountId);
    const shapes = await codec.encode(streamName, facts);
    const [first, ...rest] = shapes.map(({ type, schemaVersion, data }) => ({
      id: randomUUID(),
      type,
      data,
      metadata: { schemaVersion, $correlationId: 'c', $causationId: 'c', actor: 'anonymous' },
    }));
    if (first === undefined) throw new Error('an account has at least one fact');
    const { position } = await store.append(streamName, 'no-stream', [first, ...rest]);
    const projected = facts.map((event, revision) => ({
      streamName,
      revision: BigInt(revision),
      position,
      event,
    }));
    await accountsProjection.write(database, 'read_model.accounts', projected);
    return accountId;
  }

  async function typesOf(accountId: string): Promise<string[]> {
    const types: string[] = [];
    for await (const { type } of store.readStream(accountStreamName(accountId))) types.push(type);
    return types;
  }

  function lapsing(now: number): LapseRegistrations {
    const accounts = { store, codec, decider: accountDecider(defaultActivationPolicy) };
    const policy = { retentionMs: 30 * DAY, pauseMs: 0, intervalMs: 60_000 };
    return new LapseRegistrations(accounts, database, policy, () => now, silentLog());
  }

  it('lapse, page by page, and no others; a second round finds nothing more', async () => {
    const due: string[] = [];
    for (let index = 0; index < 130; index++) {
      due.push(await account(accountRegistered(noon + index), codeIssued(1, noon + index)));
    }
    const asked = await account(
      accountRegistered(),
      codeIssued(1, noon),
      codeIssued(2, noon + DAY),
    );
    const active = await account(...activeAccount);
    const young = await account(accountRegistered(noon + DAY));
    const now = noon + 30 * DAY + 500;
    expect(await lapsing(now).sweep(never)).toBe(130);
    for (const accountId of due)
      expect((await typesOf(accountId)).at(-1)).toBe('RegistrationLapsed');
    for (const accountId of [asked, active, young]) {
      expect(await typesOf(accountId)).not.toContain('RegistrationLapsed');
    }
    expect(await lapsing(now).sweep(never)).toBe(0);
  });

  it('lapse although one of them cannot be read', async () => {
    const unreadable = await account(accountRegistered());
    const readable = await account(accountRegistered());
    await database.query({
      text: 'delete from personal_data.account_keys where account_id = $1',
      values: [unreadable],
    });
    const ring = KeyRing.parse(`k1:${randomBytes(32).toString('base64')}`, 'PERSONAL_DATA_KEYS');
    const keys = new AccountKeys(database, ring);
    await keys.destroy(readable, 1);
    codec = new AccountEventCodec(keys);
    expect(await lapsing(noon + 31 * DAY).sweep(never)).toBe(1);
    expect(await typesOf(readable)).toContain('RegistrationLapsed');
  });

  /** Has reads of these streams run out of time. */
  function readsOverdue(isOverdue: (streamName: string) => boolean): void {
    const readStream = store.readStream.bind(store);
    store.readStream = async function* (streamName, options) {
      if (isOverdue(streamName)) throw new EventStoreUnavailable('no answer within 5000 ms');
      yield* readStream(streamName, options);
    };
  }

  it('lapse although one of them, the oldest, is not read in time; it lapses in a later round', async () => {
    const oldest = await account(accountRegistered(noon - 1));
    const younger = [await account(accountRegistered()), await account(accountRegistered())];
    let isSlow = true;
    readsOverdue((streamName) => isSlow && streamName === accountStreamName(oldest));
    const sweeping = lapsing(noon + 31 * DAY);
    expect(await sweeping.sweep(never)).toBe(2);
    isSlow = false;
    for (const accountId of younger) {
      expect(await typesOf(accountId)).toContain('RegistrationLapsed');
    }
    expect(await sweeping.sweep(never)).toBe(1);
    expect(await typesOf(oldest)).toContain('RegistrationLapsed');
  });

  it('wait for an event store that does not answer at all', async () => {
    await account(accountRegistered());
    store.goAway();
    await expect(lapsing(noon + 31 * DAY).sweep(never)).rejects.toThrow(EventStoreUnavailable);
  });

  it('are left alone once the worker stops', async () => {
    await account(accountRegistered());
    const stopped = new AbortController();
    stopped.abort();
    expect(await lapsing(noon + 31 * DAY).sweep(stopped.signal)).toBe(0);
  });
});
