import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import {
  MalformedAccountEvent,
  UnknownAccountEvent,
  accountIdOfStream,
  accountStreamName,
  personalFields,
  toStored,
} from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import type { RecordedEvent, StoredShape } from '@app/event-store';
import fc from 'fast-check';
import { storedAccountEvents } from '@app/accounts/testing/stored-account-events.js';
import { AccountEventCodec } from './account-event-codec.js';
import { AccountKeyMissing } from './account-keys.js';
import type { AccountKeys } from './account-keys.js';
import { SealBroken } from './seal.js';

const ada = accountStreamName('11111111-1111-4111-8111-111111111111');
const grace = accountStreamName('22222222-2222-4222-8222-222222222222');
const everyEvent = storedAccountEvents.map(({ event }) => event);
const registered: AccountEvent = {
  type: 'AccountRegistered',
  data: { address: 'Ada.Lovelace@Example.org', passwordHash: 'v1$p1$hash-of-ada', registeredAt: 0 },
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
            data: { address, passwordHash, registeredAt: 0 },
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
      for (const name of personalFields[event.type]) {
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
    const plain = everyEvent.filter(({ type }) => personalFields[type].length === 0);
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

  it('cannot be read as another type, version or field', async () => {
    const { codec } = encrypting();
    const [event] = await stored(codec, ada, [registered]);
    const { address, passwordHash } = recorded(event).data as Record<string, unknown>;
    const renewedAt = '2026-11-22T12:00:00.000Z';
    const moved: RecordedEvent[] = [
      { ...recorded(event), type: 'RegistrationRenewed', data: { passwordHash, renewedAt } },
      { ...recorded(event), metadata: { ...recorded(event).metadata, schemaVersion: 2 } },
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

class KeysInMemory implements Pick<AccountKeys, 'obtain' | 'find'> {
  readonly byAccount = new Map<string, Buffer>();
  readonly made: string[] = [];
  readonly lookUps: (readonly string[])[] = [];

  async obtain(accountId: string): Promise<Buffer> {
    const key = this.byAccount.get(accountId) ?? randomBytes(32);
    if (!this.byAccount.has(accountId)) this.made.push(accountId);
    this.byAccount.set(accountId, key);
    return key;
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
): Promise<RecordedEvent[]> {
  const shapes: StoredShape[] = await codec.encode(streamName, events);
  return shapes.map(({ type, schemaVersion, data }, index) => ({
    id: randomUUID(),
    type,
    data: JSON.parse(JSON.stringify(data)) as unknown,
    metadata: {
      schemaVersion,
      $correlationId: randomUUID(),
      $causationId: randomUUID(),
      actor: 'anonymous',
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
