import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import {
  MalformedAccountEvent,
  UnknownAccountEvent,
  accountIdOfStream,
  accountStreamName,
  erased,
  personalFieldsOf,
  toStored,
} from '@app/accounts';
import type { AccountEvent, AccountRegistered } from '@app/accounts';
import type { Circumstances, NewestEvents, RecordedEvent, StoredShape } from '@app/event-store';
import fc from 'fast-check';
import { storedAccountEvents } from '@app/accounts/testing/stored-account-events.js';
import { AccountEventCodec } from './account-event-codec.js';
import { AccountKeyMissing, keyIdOf } from './account-keys.js';
import type { AccountKeys } from './account-keys.js';
import { SealBroken } from './seal.js';

const ada = accountStreamName('11111111-1111-4111-8111-111111111111');
const grace = accountStreamName('22222222-2222-4222-8222-222222222222');
const everyEvent = storedAccountEvents.map(({ event }) => event);
const ofClaim = {
  networkKey: '00112233445566778899aabbccddeeff',
  network: 'n',
  language: 'en',
} as const;
const registered: AccountRegistered = {
  type: 'AccountRegistered',
  data: {
    address: 'Ada.Lovelace@Example.org',
    passwordHash: 'v1$p1$hash-of-ada',
    ...ofClaim,
    registeredAt: 0,
  },
};

describe('Account events', () => {
  it('of every type are read as they were written', async () => {
    const { codec } = encrypting();
    expect(await stored(codec, ada, everyEvent).then((events) => codec.decode(events))).toEqual(
      everyEvent,
    );
  });

  it('are read as they were written, whatever the personal data is', async () => {
    const { codec } = encrypting();
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme' }),
        fc.string({ unit: 'grapheme' }),
        async (address, passwordHash) => {
          const event: AccountEvent = {
            type: 'AccountRegistered',
            data: { address, passwordHash, ...ofClaim, registeredAt: 0 },
          };
          expect(await codec.decode(await stored(codec, ada, [event]))).toEqual([event]);
        },
      ),
    );
  });

  it('of several accounts are read in their order, with one look at the keys', async () => {
    const { codec, keys } = encrypting();
    const ofAda = await stored(codec, ada, [registered, ...everyEvent]);
    const ofGrace = await stored(codec, grace, everyEvent);
    const mixed = ofGrace.flatMap((event, index) => [event, ...ofAda.slice(index, index + 1)]);
    const lookedUp = keys.lookUps.length;
    const read = await codec.decode(mixed);
    expect(read.map(({ type }) => type)).toEqual(mixed.map(({ type }) => type));
    expect(keys.lookUps.slice(lookedUp)).toEqual([
      [accountIdOfStream(grace), accountIdOfStream(ada)],
    ]);
  });

  it('hold no personal data in the JSON that is stored', async () => {
    const { codec } = encrypting();
    for (const event of everyEvent) {
      const [shape] = await codec.encode(ada, [event]);
      const json = JSON.stringify(shape).toLowerCase();
      for (const name of personalFieldsOf(event.type)) {
        const value = (event.data as unknown as Record<string, string>)[name];
        if (value === undefined) throw new Error(`${event.type} has no ${name}`);
        expect(json).toContain(`"${name.toLowerCase()}":{"sealed":"`);
        expect(json).not.toContain(value.toLowerCase());
        expect(json).not.toContain(Buffer.from(value).toString('base64').toLowerCase());
        expect(json).not.toContain(Buffer.from(value).toString('hex'));
      }
    }
  });

  it('without personal data are stored as they are, without a key', async () => {
    const { codec, keys } = encrypting();
    const plain = everyEvent.filter(({ type }) => personalFieldsOf(type).length === 0);
    expect(await codec.encode(ada, plain)).toEqual(plain.map(toStored));
    expect(await codec.decode(await stored(codec, ada, plain))).toEqual(plain);
    expect(keys.made).toEqual([]);
  });

  it('look different each time, though they say the same', async () => {
    const { codec } = encrypting();
    const shapes = await codec.encode(ada, [registered, registered]);
    expect(JSON.stringify(shapes[0])).not.toBe(JSON.stringify(shapes[1]));
  });

  it('cannot be read in the stream of another account', async () => {
    const { codec, keys } = encrypting();
    const [event] = await stored(codec, ada, [registered]);
    keys.byAccount.set(accountIdOfStream(grace), keys.of(ada));
    await expect(codec.decode([{ ...recorded(event), streamName: grace }])).rejects.toThrow(
      SealBroken,
    );
  });

  it('cannot be read as another type or field', async () => {
    const { codec } = encrypting();
    const [event] = await stored(codec, ada, [registered]);
    const { address, passwordHash } = recorded(event).data as Record<string, unknown>;
    const renewedAt = '2026-11-22T12:00:00.000Z';
    const moved: RecordedEvent[] = [
      { ...recorded(event), type: 'RegistrationRenewed', data: { passwordHash, renewedAt } },
      {
        ...recorded(event),
        data: { ...(recorded(event).data as object), address: passwordHash, passwordHash: address },
      },
    ];
    for (const one of moved) await expect(codec.decode([one])).rejects.toThrow(SealBroken);
  });

  it('cannot be read when the sealed text was changed or replaced by a plain one', async () => {
    const { codec } = encrypting();
    const [event] = await stored(codec, ada, [registered]);
    for (const address of ['eve@example.org', { sealed: '' }, { sealed: 'AAAA' }, {}, null, 7]) {
      const data = { ...(recorded(event).data as object), address };
      const reading = codec.decode([{ ...recorded(event), data }]);
      await expect(reading).rejects.toThrow(SealBroken);
      await expect(reading).rejects.not.toThrow(/eve/);
    }
  });

  it('cannot be read without the key, and the error names the account', async () => {
    const { codec, keys } = encrypting();
    const events = await stored(codec, ada, [registered]);
    keys.byAccount.clear();
    await expect(codec.decode(events)).rejects.toThrow(
      new AccountKeyMissing(accountIdOfStream(ada)),
    );
  });

  it('of a person whose key was destroyed are read without the person, and all else stays', async () => {
    const { codec, keys } = encrypting();
    const events = await stored(codec, ada, everyEvent);
    const ofGrace = await stored(codec, grace, [registered]);
    keys.destroy(accountIdOfStream(ada));
    const read = await codec.decode([...events, ...ofGrace]);
    expect(read.at(-1)).toEqual(registered);
    everyEvent.forEach((event, index) => {
      const withoutPerson = Object.fromEntries(
        personalFieldsOf(event.type).map((name) => [name, erased] as const),
      );
      expect(read[index]).toEqual({ ...event, data: { ...event.data, ...withoutPerson } });
    });
  });

  it('that are erased are not stored again', async () => {
    const { codec } = encrypting();
    const data = { ...registered.data, address: erased, passwordHash: erased };
    await expect(codec.encode(ada, [{ type: 'AccountRegistered', data }])).rejects.toThrow(
      TypeError,
    );
  });

  it('of a person who registers the address anew are sealed with a key of their own', async () => {
    const { codec, keys } = encrypting();
    const before = await stored(codec, ada, [registered]);
    keys.destroy(accountIdOfStream(ada));
    const anew: AccountEvent = {
      type: 'AccountRegistered',
      data: { ...registered.data, address: 'a@b.c', registeredAt: 1, registrationNumber: 3 },
    };
    const renewed: AccountEvent = {
      type: 'RegistrationRenewed',
      data: {
        address: 'a@b.c',
        passwordHash: 'another',
        network: 'n',
        language: 'en',
        renewedAt: 2,
      },
    };
    const after = await stored(codec, ada, [anew]);
    const later = await stored(codec, ada, [renewed], { newest: newestOf([...before, ...after]) });
    expect(keys.made).toEqual([accountIdOfStream(ada), `${accountIdOfStream(ada)}/3`]);
    expect(await codec.decode([...before, ...after, ...later])).toEqual([
      {
        type: 'AccountRegistered',
        data: {
          ...registered.data,
          address: erased,
          passwordHash: erased,
          networkKey: erased,
        },
      },
      anew,
      renewed,
    ]);
    for (const generation of [0, 1, -3, 1.5, '3', 2 ** 40]) {
      const data = { ...(recorded(later[0]).data as object) } as { passwordHash: object };
      const moved = { ...data, passwordHash: { ...data.passwordHash, generation } };
      await expect(codec.decode([{ ...recorded(later[0]), data: moved }])).rejects.toThrow(
        SealBroken,
      );
    }
  });

  it('cannot be read with another key', async () => {
    const { codec, keys } = encrypting();
    const events = await stored(codec, ada, [registered]);
    keys.byAccount.set(accountIdOfStream(ada), randomBytes(32));
    await expect(codec.decode(events)).rejects.toThrow(SealBroken);
  });

  it('of an unknown type are refused', async () => {
    const { codec } = encrypting();
    const [event] = await stored(codec, ada, [registered]);
    for (const type of ['AccountRenamed', '__proto__', 'constructor']) {
      await expect(codec.decode([{ ...recorded(event), type }])).rejects.toThrow(
        UnknownAccountEvent,
      );
    }
  });

  it('are refused by name when their data is none', async () => {
    const { codec } = encrypting();
    const [event] = await stored(codec, ada, [registered]);
    for (const data of [null, undefined, 'text']) {
      await expect(codec.decode([{ ...recorded(event), data }])).rejects.toThrow(
        MalformedAccountEvent,
      );
    }
  });

  it('are not written to a stream that is none of an account', async () => {
    const { codec, keys } = encrypting();
    await expect(codec.encode('invoice-1', [registered])).rejects.toThrow(RangeError);
    expect(keys.made).toEqual([]);
  });

  it('may be none', async () => {
    const { codec } = encrypting();
    expect(await codec.encode(ada, [])).toEqual([]);
    expect(await codec.decode([])).toEqual([]);
  });
});

describe('Where a request came from', () => {
  const client = { address: '203.0.113.77', userAgent: 'Lovelace/1.0 (engine)' };
  const refused: AccountEvent = {
    type: 'ActivationRefused',
    data: { issueNumber: 1, claimNumber: 1, reason: 'incorrect', refusedAt: 0 },
  };

  it('is stored sealed beside every event, and read again', async () => {
    const { codec } = encrypting();
    const events = await stored(codec, ada, everyEvent, { client });
    expect(await codec.clientsOf(events)).toEqual(everyEvent.map(() => client));
    expect(await codec.decode(events)).toEqual(everyEvent);
    expect(events.map((event) => JSON.stringify(event.metadata)).join()).not.toMatch(
      /203\.0\.113\.77|Lovelace/,
    );
  });

  it('is unknown of an event that no request led to', async () => {
    const { codec } = encrypting();
    const worked = await stored(codec, ada, [refused]);
    const asked = await stored(codec, ada, [refused], { client: { address: '::1' } });
    expect(await codec.clientsOf([...worked, ...asked])).toEqual([undefined, { address: '::1' }]);
  });

  it('is forgotten with the person, and kept of the next person with the address', async () => {
    const { codec, keys } = encrypting();
    const before = await stored(codec, ada, [registered, refused], { client });
    keys.destroy(accountIdOfStream(ada));
    const anew: AccountEvent = {
      type: 'AccountRegistered',
      data: { ...registered.data, address: 'a@b.c', registeredAt: 1, registrationNumber: 2 },
    };
    const after = await stored(codec, ada, [anew], { client, newest: newestOf(before) });
    const later = await stored(codec, ada, [refused], {
      client,
      newest: newestOf([...before, ...after]),
    });
    expect(await codec.clientsOf([...before, ...after, ...later])).toEqual([
      erased,
      erased,
      client,
      client,
    ]);
    expect(keys.made).toEqual([accountIdOfStream(ada), `${accountIdOfStream(ada)}/2`]);
  });

  it('cannot be read elsewhere, in the clear, or without the key', async () => {
    const { codec, keys } = encrypting();
    const [one] = await stored(codec, ada, [refused], { client });
    const event = recorded(one);
    const { address } = recorded((await stored(codec, ada, [registered]))[0]).data as {
      address: unknown;
    };
    for (const moved of [
      { ...event, type: 'AccountActivated' },
      { ...event, metadata: { ...event.metadata, schemaVersion: 2 } },
      ...[address, client, 'text', null, {}].map((value) => ({
        ...event,
        metadata: { ...event.metadata, client: value },
      })),
    ]) {
      await expect(codec.clientsOf([moved])).rejects.toThrow(SealBroken);
    }
    keys.byAccount.clear();
    await expect(codec.clientsOf([event])).rejects.toThrow(AccountKeyMissing);
  });
});

class KeysInMemory implements Pick<AccountKeys, 'obtain' | 'find' | 'findDestroyed'> {
  /** By the id of the key, which is the account's for the first. */
  readonly byAccount = new Map<string, Buffer>();
  readonly destroyed = new Set<string>();
  readonly made: string[] = [];
  readonly lookUps: (readonly string[])[] = [];

  async obtain(accountId: string, generation = 1): Promise<Buffer> {
    const keyId = keyIdOf(accountId, generation);
    const key = this.byAccount.get(keyId) ?? randomBytes(32);
    if (!this.byAccount.has(keyId)) this.made.push(keyId);
    this.byAccount.set(keyId, key);
    return key;
  }

  async findDestroyed(keyIds: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(keyIds.filter((keyId) => this.destroyed.has(keyId)));
  }

  destroy(keyId: string): void {
    this.byAccount.delete(keyId);
    this.destroyed.add(keyId);
  }

  async find(accountIds: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
    this.lookUps.push(accountIds);
    return new Map([...this.byAccount].filter(([accountId]) => accountIds.includes(accountId)));
  }

  of(streamName: string): Buffer {
    const key = this.byAccount.get(accountIdOfStream(streamName));
    if (!key) throw new Error(`${streamName} has no key`);
    return key;
  }
}

function encrypting() {
  const keys = new KeysInMemory();
  return { codec: new AccountEventCodec(keys), keys };
}

/** The events as a log gives them back. */
async function stored(
  codec: AccountEventCodec,
  streamName: string,
  events: readonly AccountEvent[],
  circumstances?: Circumstances,
): Promise<RecordedEvent[]> {
  const shapes: StoredShape[] = await codec.encode(streamName, events, circumstances);
  return shapes.map(({ type, schemaVersion, data, client }, index) => ({
    id: randomUUID(),
    type,
    data: JSON.parse(JSON.stringify(data)) as unknown,
    metadata: {
      schemaVersion,
      $correlationId: randomUUID(),
      $causationId: randomUUID(),
      actor: 'anonymous',
      ...(client !== undefined && { client: JSON.parse(JSON.stringify(client)) as unknown }),
    },
    streamName,
    revision: BigInt(index),
    position: BigInt(index + 1) * 100n,
    recordedAt: new Date(0),
  }));
}

function recorded(event: RecordedEvent | undefined): RecordedEvent {
  if (!event) throw new Error('there is no event');
  return event;
}

function newestOf(events: readonly RecordedEvent[]): NewestEvents {
  return new Map(events.map((event) => [event.type, event]));
}
