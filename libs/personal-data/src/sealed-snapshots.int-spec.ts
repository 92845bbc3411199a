import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { KeyRing } from '@app/account-secrets';
import { accountEventTypes, accountStreamName, evolve, initialState } from '@app/accounts';
import type { Account, AccountEvent } from '@app/accounts';
import {
  ada,
  activeAccount,
  noon,
  registeredAnew,
  registrationRefused,
} from '@app/accounts/testing/account-examples.js';
import { anyAccountEvent } from '@app/accounts/testing/any-account-event.js';
import { handleCommand, loadStream } from '@app/event-store';
import type { CommandContext, LoadedStream, StreamBehaviour } from '@app/event-store';
import { InMemoryEventStore } from '@app/event-store/testing/in-memory-event-store.js';
import { DatabaseUnavailable } from '@app/postgres';
import type { Database } from '@app/postgres';
import fc from 'fast-check';
import { openDatabase } from '../../../test/support/open-database.js';
import { AccountEventCodec } from './account-event-codec.js';
import { AccountKeys } from './account-keys.js';
import { SealBroken } from './seal.js';
import { SealedSnapshots, foldFingerprint } from './sealed-snapshots.js';

const ring = KeyRing.parse(`k1:${randomBytes(32).toString('base64')}`, 'PERSONAL_DATA_KEYS');
const today = foldFingerprint(evolve);
const context: CommandContext = {
  $correlationId: randomUUID(),
  $causationId: randomUUID(),
  actor: 'anonymous',
};

describe('Snapshots of accounts', () => {
  let database: Database;
  let keys: AccountKeys;
  let accountId: string;
  let streamName: string;
  let faults: unknown[];

  beforeAll(async () => {
    database = await openDatabase();
  });
  afterAll(() => database.close());
  beforeEach(() => {
    keys = new AccountKeys(database, ring);
    accountId = randomUUID();
    streamName = accountStreamName(accountId);
    faults = [];
  });

  const snapshots = (fold = today) =>
    new SealedSnapshots(database, keys, (error) => faults.push(error), fold);

  function folded(facts: readonly AccountEvent[], from: Account = initialState): Account {
    return facts.reduce(evolve, from);
  }

  function loaded(facts: readonly AccountEvent[]): LoadedStream<Account> {
    return {
      state: folded(facts),
      revision: BigInt(facts.length - 1),
      head: 'a'.repeat(64),
      newest: new Map(),
    };
  }

  async function row(): Promise<Record<string, unknown> | undefined> {
    const { rows } = await database.query<Record<string, unknown>>({
      text: 'select * from personal_data.account_snapshots where account_id = $1',
      values: [accountId],
    });
    return rows[0];
  }

  async function change(assignment: string): Promise<void> {
    await database.query({
      text: `update personal_data.account_snapshots set ${assignment} where account_id = $1`,
      values: [accountId],
    });
  }

  it('give back what was kept, and the newest of it', async () => {
    expect(await snapshots().find(streamName)).toBeUndefined();
    await keys.obtain(accountId);
    await snapshots().keep(streamName, loaded(activeAccount.slice(0, 2)));
    await snapshots().keep(streamName, loaded(activeAccount));
    expect(await snapshots().find(streamName)).toEqual(loaded(activeAccount));
    expect(faults).toEqual([]);
  });

  it('hold nothing of a person that can be read', async () => {
    await keys.obtain(accountId);
    await snapshots().keep(streamName, loaded(activeAccount));
    const stored = Buffer.from((await row())?.['sealed'] as Uint8Array);
    for (const text of [ada.address, ada.passwordHash]) expect(stored.includes(text)).toBe(false);
  });

  it('lead to the state that all events lead to, wherever any history is cut', async () => {
    await keys.obtain(accountId);
    const fact = anyAccountEvent({ min: noon, max: noon + 86_400_000 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fact, { minLength: 1, maxLength: 40 }),
        fc.nat(),
        async (facts, place) => {
          const cut = 1 + (place % facts.length);
          await snapshots().keep(streamName, loaded(facts.slice(0, cut)));
          const kept = await snapshots().find(streamName);
          expect(faults).toEqual([]);
          expect(folded(facts.slice(cut), kept?.state)).toEqual(folded(facts));
          expect(kept?.state).toEqual(folded(facts.slice(0, cut)));
        },
      ),
      { numRuns: 100 },
    );
    expect(faults).toEqual([]);
  });

  it('are not those of another fold', async () => {
    await keys.obtain(accountId);
    await snapshots().keep(streamName, loaded(activeAccount));
    expect(await snapshots('another fold').find(streamName)).toBeUndefined();
    expect(faults).toEqual([]);
  });

  it.each([
    ['revision', 'revision = revision + 1'],
    ['link', "head = repeat('b', 64)"],
    ['bytes', 'sealed = set_byte(sealed, 40, 255 - get_byte(sealed, 40))'],
    ['length', "sealed = ''"],
  ])('cannot be used with another %s, and say so', async (_, assignment) => {
    await keys.obtain(accountId);
    await snapshots().keep(streamName, loaded(activeAccount));
    await change(assignment);
    expect(await snapshots().find(streamName)).toBeUndefined();
    expect(faults).toEqual([expect.any(SealBroken)]);
  });

  it('cannot be used for another account', async () => {
    const other = randomUUID();
    await keys.obtain(accountId);
    await keys.obtain(other);
    await snapshots().keep(streamName, loaded(activeAccount));
    await change(`account_id = '${other}'`);
    expect(await snapshots().find(accountStreamName(other))).toBeUndefined();
    expect(faults).toEqual([expect.any(SealBroken)]);
  });

  it('go with the key of the person, and are kept no more', async () => {
    await keys.obtain(accountId);
    // Another process, which remembers the key for a minute.
    const slow = new AccountKeys(database, ring);
    await slow.obtain(accountId);
    await snapshots().keep(streamName, loaded(activeAccount));
    await keys.destroy(accountId, 1);
    expect(await row()).toBeUndefined();
    const late = new SealedSnapshots(database, slow, (error) => faults.push(error), today);
    await late.keep(streamName, loaded(activeAccount));
    await snapshots().keep(streamName, loaded(activeAccount));
    expect(await row()).toBeUndefined();
    expect(faults).toEqual([]);
  });

  it('cost nothing but time while the database is away', async () => {
    const away = new DatabaseUnavailable('down');
    const query = () => Promise.reject(away);
    const unreachable = new SealedSnapshots({ query }, keys, (error) => faults.push(error), today);
    expect(await unreachable.find(streamName)).toBeUndefined();
    await keys.obtain(accountId);
    await unreachable.keep(streamName, loaded(activeAccount));
    expect(faults).toEqual([away, away]);
  });

  it('let an account with a thousand events be loaded, and registered anew after it was forgotten', async () => {
    const store = new InMemoryEventStore();
    const behaviour: StreamBehaviour<readonly AccountEvent[], AccountEvent, Account> = {
      store,
      codec: new AccountEventCodec(keys),
      decider: { initialState, decide: (facts) => facts, evolve },
      snapshots: snapshots(),
    };
    const add = (facts: readonly AccountEvent[]) =>
      handleCommand(behaviour, streamName, () => facts, context);
    const everyEvent = { store, codec: behaviour.codec, decider: behaviour.decider };
    const expectTheSame = async () =>
      expect(await loadStream(behaviour, streamName)).toEqual(
        await loadStream(everyEvent, streamName),
      );
    const refusals = Array.from({ length: 1_000 }, (_, index) => registrationRefused(noon + index));

    await add([...activeAccount, ...refusals]);
    await expectTheSame();
    expect(await row()).toMatchObject({ generation: 1, revision: 1_003n });
    await add([registrationRefused(noon + 2_000)]);
    await expectTheSame();

    await add([
      {
        type: 'AccountErased',
        data: {
          receiptId: randomUUID(),
          reason: 'requested-by-owner',
          registrationNumber: 1,
          erasedAt: noon + 3_000,
        },
      },
    ]);
    await keys.destroy(accountId, 1);
    await expectTheSame();
    expect(await row()).toBeUndefined();

    await add([registeredAnew(noon + 4_000)]);
    await expectTheSame();
    expect(await row()).toMatchObject({ generation: 2, revision: 1_006n });
    expect(faults).toEqual([]);
  });
});

describe('The fingerprint of a fold', () => {
  it('is the same each time, in whichever way the engine keeps its numbers', () => {
    const asDouble = (value: unknown) => (typeof value === 'number' ? value + 0.5 - 0.5 : value);
    const fold = (state: Account, { type, data }: AccountEvent) => {
      const values = Object.entries(data).map(([name, value]) => [name, asDouble(value)]);
      return evolve(state, { type, data: Object.fromEntries(values) } as AccountEvent);
    };
    expect(foldFingerprint(fold)).toBe(today);
    expect(foldFingerprint(evolve)).toBe(today);
  });

  it.each<[string, (state: Account, event: AccountEvent) => Account]>([
    ['has one more field', (state, event) => ({ ...evolve(state, event), ...{ more: 0 } })],
    [
      'leaves a field out when it has no value',
      (state, event) => JSON.parse(JSON.stringify(evolve(state, event))) as Account,
    ],
  ])('is another one for a fold that %s', (_, other) => {
    expect(foldFingerprint(other)).not.toBe(foldFingerprint(evolve));
  });
  it.each(accountEventTypes)('is another one for a fold that does not know %s', (type) => {
    const other = (state: Account, event: AccountEvent) =>
      event.type === type ? state : evolve(state, event);
    expect(foldFingerprint(other)).not.toBe(foldFingerprint(evolve));
  });
});
