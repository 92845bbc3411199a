import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accountStreamName } from '@app/accounts';
import type { RecordedEvent } from '@app/event-store';
import { EventStoreDBEventStore } from '@app/event-store/eventstoredb-event-store.js';
import { expectProblem, newCaller } from '../api/account-client.js';
import { freshDatabase } from '../support/postgres.js';
import type { FreshDatabase } from '../support/postgres.js';
import { temporaryFolder } from '../support/run-folder.js';
import { withClient } from './copies.js';
import { Service, soon, startSurroundings } from './service.js';
import type { Surroundings } from './service.js';
import type { Person } from './story.js';

describe('Accounts that cannot be read', () => {
  let surroundings: Surroundings;
  let database: FreshDatabase;
  let service: Service;
  let keyMissing: Person;
  let keyDamaged: Person;
  let truncated: Person;
  let moved: Person;
  let erased: Person;
  let neighbour: Person;
  let keyRow: Readonly<Record<string, unknown>>;
  let wrappedKey: Buffer;

  beforeAll(async () => {
    surroundings = await startSurroundings();
    database = await freshDatabase();
    service = new Service(surroundings, database.url, temporaryFolder('log'));
    await service.startAll();
    const people: Person[] = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const caller = newCaller();
        return { ...caller, accountId: await service.registerAndWaitForMail(caller) };
      }),
    );
    [keyMissing, keyDamaged, truncated, moved, erased, neighbour] = people as [
      Person,
      Person,
      Person,
      Person,
      Person,
      Person,
    ];
    const { status } = await service.admin(
      'DELETE',
      `/accounts/${erased.accountId}?reason=test-data`,
    );
    expect(status).toBe(200);
    for (const name of ['worker', 'api', 'admin'] as const) await service.part(name).stop();
    await damage();
    // Every row is built again from the log, as after a restore.
    await service.migrate('--follow-log');
    await service.part('worker').restart();
    await service.part('api').restart();
    await soon(async () => expect((await service.readiness('api')).status).toBe(200));
    await service.part('admin').restart();
  }, 120_000);
  afterAll(async () => {
    await service.stop();
    await surroundings.mailbox.stop();
    await database.drop();
  });

  async function damage(): Promise<void> {
    await withClient(database.url, async (client) => {
      const { rows } = await client.query<Record<string, unknown>>(
        'delete from personal_data.account_keys where account_id = $1 returning *',
        [keyMissing.accountId],
      );
      keyRow = rows[0] ?? {};
      const { rows: before } = await client.query<{ wrapped_key: Buffer }>(
        'select wrapped_key from personal_data.account_keys where account_id = $1',
        [keyDamaged.accountId],
      );
      wrappedKey = before[0]?.wrapped_key ?? Buffer.alloc(0);
      const damaged = Buffer.from(wrappedKey);
      damaged.writeUInt8((damaged.at(-1) ?? 0) ^ 1, damaged.length - 1);
      await putKey(damaged);
    });
    // The event store does not open what it appends: renewals with a password hash that cannot be read.
    const sealed = sealedHashOf(await registrationOf(neighbour));
    await renew(moved, sealed);
    const own = sealedHashOf(await registrationOf(truncated));
    await renew(truncated, { ...own, sealed: own.sealed.slice(0, 24) });
  }

  function putKey(wrapped: Buffer): Promise<unknown> {
    return withClient(database.url, (client) =>
      client.query('update personal_data.account_keys set wrapped_key = $2 where account_id = $1', [
        keyDamaged.accountId,
        wrapped,
      ]),
    );
  }

  async function registrationOf({ accountId }: Person): Promise<RecordedEvent> {
    for await (const event of service.events(accountId)) return event;
    throw new Error('there is no such account');
  }

  function sealedHashOf({ data }: RecordedEvent): { readonly sealed: string } {
    return (data as { passwordHash: { sealed: string } }).passwordHash;
  }

  async function renew({ accountId }: Person, passwordHash: object): Promise<void> {
    const events: RecordedEvent[] = [];
    for await (const event of service.events(accountId)) events.push(event);
    const last = events.at(-1);
    if (last === undefined) throw new Error('there is no such account');
    const store = new EventStoreDBEventStore({ url: service.eventStoreUrl });
    try {
      await store.append(accountStreamName(accountId), last.revision, [
        {
          id: randomUUID(),
          type: 'RegistrationRenewed',
          data: {
            address: passwordHash,
            passwordHash,
            network: 'elsewhere',
            language: 'en',
            renewedAt: new Date().toISOString(),
          },
          metadata: { ...last.metadata, schemaVersion: 1 },
        },
      ]);
    } finally {
      await store.close();
    }
  }

  it('are named, each with its fault, and hold up no other account', async () => {
    const { body } = await service.readiness('worker');
    expect(body).toMatchObject({ consumers: { accounts: { state: 'live' } } });
    expect(await service.figure('unreadable_accounts')).toBe(4);
    const faults = await withClient(database.url, async (client) => {
      const { rows } = await client.query<{ account_id: string; error: string }>(
        'select account_id, error from operations.unreadable_accounts',
      );
      return new Map(rows.map((row) => [row.account_id, row.error]));
    });
    expect(faults.get(keyMissing.accountId)).toMatch(/^AccountKeyMissing: /);
    expect(faults.get(keyDamaged.accountId)).toMatch(/^AccountKeyUnreadable: /);
    for (const person of [truncated, moved]) {
      expect(faults.get(person.accountId)).toBe(
        `SealBroken: the sealed value at ${accountStreamName(person.accountId)}|RegistrationRenewed|1|address cannot be opened`,
      );
    }
    for (const { accountId } of [keyMissing, keyDamaged, truncated, moved]) {
      expect(service.part('worker').output()).toContain(accountId);
    }
  });

  it('have no credentials left, not even older ones', async () => {
    for (const person of [keyMissing, keyDamaged, truncated, moved, erased]) {
      expect((await service.client.view(person)).status).toBe(401);
    }
    expect((await service.client.view(neighbour)).status).toBe(200);
  });

  it('are shown to operators without anything made up, and their chains verify', async () => {
    for (const { accountId } of [keyMissing, keyDamaged]) {
      const { status, body } = await service.admin('GET', `/accounts/${accountId}`);
      expect({ status, body }).toMatchObject({
        status: 200,
        body: { email: null, status: 'pending' },
      });
      const verification = await service.admin('GET', `/accounts/${accountId}/verification`);
      expect(verification).toMatchObject({ status: 200, body: { intact: true } });
    }
    const history = await service.admin('GET', `/accounts/${neighbour.accountId}/history`);
    expect(history.status).toBe(200);
    for (const { accountId } of [keyMissing, keyDamaged, truncated, moved]) {
      const answer = await service.admin('GET', `/accounts/${accountId}/history`);
      expect(answer).toMatchObject({ status: 500, body: { type: '/problems/account-unreadable' } });
    }
    expect(service.part('admin').output()).toContain('AccountKeyMissing');
  });

  it('do not keep the rows of all others from being built anew', async () => {
    const { status } = await service.admin('POST', '/projections/accounts/rebuild');
    expect(status).toBe(202);
    await soon(async () => {
      const { body } = await service.admin('GET', '/projections');
      const projections = body['projections'] as { name: string; rebuild: unknown }[];
      expect(projections.find(({ name }) => name === 'accounts')?.rebuild).toMatchObject({
        state: 'switched',
      });
    });
    expect((await service.client.view(neighbour)).status).toBe(200);
    for (const person of [keyMissing, keyDamaged, truncated, moved]) {
      expect((await service.client.view(person)).status).toBe(401);
    }
  });

  it('are refused by name when a caller registers their address, and others are served', async () => {
    // From here on this process decides upon new accounts without a read.
    await service.registerAndWaitForMail(newCaller());
    for (const { email, password } of [keyMissing, keyDamaged, truncated, moved]) {
      const answer = await service.client.register({ email, password });
      expectProblem(answer, 500, 'account-unreadable');
    }
    for (const fault of ['AccountKeyMissing', 'AccountKeyUnreadable', 'SealBroken']) {
      expect(service.part('api').output()).toContain(fault);
    }
    const caller = newCaller();
    await service.registerAndWaitForMail(caller);
    await service.activate(caller);
    expect(await service.register(erased)).toBe(erased.accountId);
    await soon(async () => expect((await service.client.view(erased)).status).toBe(200));
  });

  it('come back when their keys are put back', async () => {
    await putKey(wrappedKey);
    await withClient(database.url, async (client) => {
      await client.query(
        `insert into personal_data.account_keys
         select * from json_populate_record(null::personal_data.account_keys, $1::json)`,
        [
          JSON.stringify({
            ...keyRow,
            wrapped_key: `\\x${(keyRow['wrapped_key'] as Buffer).toString('hex')}`,
          }),
        ],
      );
    });
    await service.part('worker').restart();
    await soon(async () => {
      expect(await service.figure('unreadable_accounts')).toBe(2);
      for (const person of [keyMissing, keyDamaged]) {
        expect((await service.client.view(person)).status).toBe(200);
      }
    });
    for (const person of [truncated, moved]) {
      expect((await service.client.view(person)).status).toBe(401);
    }
  });

  it('are not made by a wrong key-encryption key: nothing is begun with one', async () => {
    const wrong = { PERSONAL_DATA_KEYS: `k1:${randomBytes(32).toString('base64')}` };
    await service.part('worker').stop();
    await service.part('api').stop();
    for (const name of ['worker', 'api'] as const) {
      await expect(service.start(name, wrong)).rejects.toThrow(
        /PERSONAL_DATA_KEYS has another key under the id k1 than the one/,
      );
    }
    await service.start('api');
    expect((await service.client.view(neighbour)).status).toBe(200);
    const caller = newCaller();
    await service.start('worker');
    expect(await service.figure('unreadable_accounts')).toBe(2);
    await service.registerAndWaitForMail(caller);
  });
});
