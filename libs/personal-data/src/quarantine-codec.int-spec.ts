import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { KeyRing } from '@app/account-secrets';
import { accountStreamName, erased } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import {
  accountErased,
  accountRegistered,
  ada,
  codeIssued,
  noon,
  registeredAnew,
  registrationRenewed,
} from '@app/accounts/testing/account-examples.js';
import type { RecordedEvent } from '@app/event-store';
import { listUnreadableAccounts } from '@app/views';
import type { Database } from '@app/postgres';
import { openDatabase } from '../../../test/support/open-database.js';
import { AccountEventCodec } from './account-event-codec.js';
import { AccountKeys, KeyEncryptionKeyWrong } from './account-keys.js';
import { QuarantineCodec } from './quarantine-codec.js';

describe('Reading a log in which some accounts cannot be read', () => {
  const ring = newRing();
  let database: Database;
  let position = 0n;
  const quarantine: string[] = [];

  beforeAll(async () => {
    database = await openDatabase();
  });
  beforeEach(async () => {
    quarantine.length = 0;
    await database.query({
      text: 'truncate personal_data.account_keys, operations.unreadable_accounts',
    });
  });
  afterAll(() => database.close());

  function newRing(): KeyRing {
    return KeyRing.parse(`k1:${randomBytes(32).toString('base64')}`, 'PERSONAL_DATA_KEYS');
  }

  /** With nothing in memory, as in a process that has just started. */
  function reader(keyRing = ring): QuarantineCodec {
    const keys = new AccountKeys(database, keyRing);
    return new QuarantineCodec(new AccountEventCodec(keys), {
      keys,
      database,
      consumer: 'spec',
      onQuarantined: (accountId) => quarantine.push(accountId),
    });
  }

  async function recorded(accountId: string, facts: AccountEvent[]): Promise<RecordedEvent[]> {
    const streamName = accountStreamName(accountId);
    const codec = new AccountEventCodec(new AccountKeys(database, ring));
    const events: RecordedEvent[] = [];
    for (const [index, fact] of facts.entries()) {
      const [stored] = await codec.encode(streamName, [fact]);
      if (stored === undefined) throw new Error('nothing was encoded');
      const { type, data, schemaVersion } = stored;
      events.push({
        id: randomUUID(),
        type,
        data,
        metadata: { schemaVersion, $correlationId: 'c', $causationId: 'c', actor: 'anonymous' },
        streamName,
        revision: BigInt(index),
        position: (position += 10n),
        recordedAt: new Date(noon),
      });
    }
    return events;
  }

  function truncatedHash(event: RecordedEvent | undefined): RecordedEvent {
    if (event === undefined) throw new Error('there is no event');
    const data = event.data as { passwordHash: { sealed: string } };
    return {
      ...event,
      data: { ...data, passwordHash: { sealed: data.passwordHash.sealed.slice(0, 8) } },
    };
  }

  it('reads all others as they are', async () => {
    const [lost, other] = [randomUUID(), randomUUID()];
    const events = [
      ...(await recorded(lost, [accountRegistered(), codeIssued()])),
      ...(await recorded(other, [accountRegistered(), codeIssued()])),
    ];
    await database.query({
      text: 'delete from personal_data.account_keys where account_id = $1',
      values: [lost],
    });
    const facts = await reader().decode(events);
    expect(facts[0]).toMatchObject({ data: { address: erased, passwordHash: erased } });
    expect(facts.slice(1)).toEqual([codeIssued(), accountRegistered(), codeIssued()]);
    expect(quarantine).toEqual([lost]);
    expect(await listUnreadableAccounts(database)).toEqual([lost]);
  });

  it('does not bring an older password back, nor believe a later one', async () => {
    const { accountId } = ada;
    const [first, second, third] = await recorded(accountId, [
      accountRegistered(),
      registrationRenewed(noon),
      registrationRenewed(noon),
    ]);
    const events = [first, truncatedHash(second), third].flatMap((event) => event ?? []);
    const expected = [
      accountRegistered(),
      { type: 'RegistrationRenewed', data: { passwordHash: erased } },
      { type: 'RegistrationRenewed', data: { passwordHash: erased } },
    ];
    expect(await reader().decode(events)).toMatchObject(expected);
    // The same when it comes again, one by one and to another consumer.
    const again = reader();
    const facts = [];
    for (const event of events) facts.push(...(await again.decode([event])));
    expect(facts).toMatchObject(expected);
  });

  it('ends where the person is forgotten: the next person is read', async () => {
    const { accountId } = ada;
    const events = await recorded(accountId, [
      accountRegistered(),
      accountErased(noon, 1),
      registeredAnew(noon),
    ]);
    const damaged = [truncatedHash(events[0]), ...events.slice(1)];
    const facts = await reader().decode(damaged);
    expect(facts[0]).toMatchObject({ data: { passwordHash: erased } });
    expect(facts.slice(1)).toEqual([accountErased(noon, 1), registeredAnew(noon)]);
    expect(await listUnreadableAccounts(database)).toEqual([]);
    expect(await reader().decode(damaged)).toEqual(facts);
  });

  it('sets no account aside for a key-encryption key that is wrong', async () => {
    const events = await recorded(randomUUID(), [accountRegistered()]);
    await expect(reader(newRing()).decode(events)).rejects.toThrow(KeyEncryptionKeyWrong);
    expect(await listUnreadableAccounts(database)).toEqual([]);
  });

  it('leaves faults of the program to the caller', async () => {
    const [event] = await recorded(randomUUID(), [accountRegistered()]);
    if (event === undefined) throw new Error('there is no event');
    await expect(reader().decode([{ ...event, type: 'SomethingElse' }])).rejects.toThrow(
      /SomethingElse/,
    );
    expect(await listUnreadableAccounts(database)).toEqual([]);
  });
});
