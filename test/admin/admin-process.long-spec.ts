import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KeyRing } from '@app/account-secrets';
import { accountStreamName } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import {
  accountRegistered,
  codeIssued,
  codeSent,
  noon,
} from '@app/accounts/testing/account-examples.js';
import type { NewEvent } from '@app/event-store';
import { EventStoreDBEventStore } from '@app/event-store/eventstoredb-event-store.js';
import { AccountEventCodec, AccountKeys } from '@app/personal-data';
import { projections } from '@app/views';
import { credentialsOf } from '@app/views/testing/credentials-of.js';
import type { Database } from '@app/postgres';
import { createPool } from '@app/postgres/postgres.js';
import { exampleAccountId } from '@app/views/testing/account-lives.js';
import { startDevEventStore } from '../support/dev-event-store.js';
import type { DevEventStore } from '../support/dev-event-store.js';
import { eventually } from '../support/eventually.js';
import { freshDatabase } from '../support/postgres.js';
import { giveLogins } from '../support/postgres-logins.js';
import type { FreshDatabase } from '../support/postgres.js';
import { startRestartableApp } from '../support/restartable-app.js';
import type { RestartableApp } from '../support/restartable-app.js';

const ACCOUNTS = 200;
const secretKey = () => randomBytes(32).toString('base64');

interface ProjectionAnswer {
  readonly name: string;
  readonly state: string;
  readonly position: string | null;
  readonly lag: { readonly events: number; readonly seconds: number } | null;
  readonly rebuild: { readonly rebuildId: string; readonly state: string } | null;
}

describe('the admin process beside a worker', () => {
  let fresh: FreshDatabase;
  let eventStore: DevEventStore;
  let store: EventStoreDBEventStore;
  let database: Database;
  let worker: RestartableApp;
  let admin: RestartableApp;
  const key = `spec-key.${randomBytes(32).toString('base64url')}`;
  const personalDataKeys = `k1:${secretKey()}`;

  beforeAll(async () => {
    [fresh, eventStore] = await Promise.all([freshDatabase(), startDevEventStore()]);
    store = new EventStoreDBEventStore({ url: eventStore.url });
    database = createPool(fresh.url, {
      max: 8,
      applicationName: 'spec',
      statementTimeoutMs: 10_000,
      connectionTimeoutMs: 10_000,
    });
    const { urls } = await giveLogins(fresh.url);
    const common = {
      EVENTSTORE_URL: eventStore.url,
      PERSONAL_DATA_KEYS: personalDataKeys,
      ACTIVATION_CODE_KEYS: `k1:${secretKey()}`,
    };
    const addressKey = secretKey();
    await append(0, ACCOUNTS);
    [worker, admin] = await Promise.all([
      startRestartableApp('accounts-worker/src', () => ({
        ...common,
        DATABASE_URL: urls.worker,
        EMAIL_API_URL: 'http://127.0.0.1:1',
        EMAIL_API_KEY: 'none',
      })),
      startRestartableApp('accounts-admin/src', (port) => ({
        ...common,
        DATABASE_URL: urls.admin,
        ADMIN_PORT: port('admin'),
        ADDRESS_KEY: addressKey,
        ADMIN_KEY: key,
      })),
    ]);
  });
  afterAll(async () => {
    await Promise.all([worker.stop(), admin.stop()]);
    await store.close();
    await eventStore.stop();
    await database.close();
    await fresh.drop();
  });

  async function append(from: number, to: number): Promise<void> {
    const keys = new AccountKeys(database, KeyRing.parse(personalDataKeys, 'PERSONAL_DATA_KEYS'));
    const codec = new AccountEventCodec(keys);
    const one = async (number: number) => {
      const facts: AccountEvent[] = [
        accountRegistered(noon),
        codeIssued(1, noon),
        codeSent(1, noon),
      ];
      const streamName = accountStreamName(exampleAccountId(number));
      const [first, ...rest] = (await codec.encode(streamName, facts)).map(
        ({ type, schemaVersion, data }): NewEvent => ({
          id: randomUUID(),
          type,
          data,
          metadata: {
            schemaVersion,
            $correlationId: randomUUID(),
            $causationId: randomUUID(),
            actor: 'anonymous',
          },
        }),
      );
      if (first === undefined) throw new Error('nothing to append');
      await store.append(streamName, 'no-stream', [first, ...rest]);
    };
    let next = from;
    const writer = async () => {
      for (let number = next++; number < to; number = next++) await one(number);
    };
    await Promise.all(Array.from({ length: 8 }, writer));
  }

  async function call(method: string, path: string): Promise<Record<string, unknown>> {
    const response = await fetch(`${admin.url('admin')}/admin/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${key}` },
    });
    return (await response.json()) as Record<string, unknown>;
  }

  async function projection(name: string): Promise<ProjectionAnswer> {
    const { projections } = await call('GET', '/projections');
    const found = (projections as ProjectionAnswer[]).find((one) => one.name === name);
    if (found === undefined) throw new Error(`${name} is not listed`);
    return found;
  }

  async function caughtUp(): Promise<void> {
    await eventually(
      async () => {
        for (const { name } of projections) {
          expect(await projection(name)).toMatchObject({ state: 'live', lag: { events: 0 } });
        }
      },
      { within: 15_000 },
    );
  }

  async function rebuilt(name: string, rebuildId: unknown): Promise<void> {
    await eventually(
      async () => {
        expect((await projection(name)).rebuild).toMatchObject({ rebuildId, state: 'switched' });
      },
      { within: 15_000 },
    );
  }

  it('knows how far the worker has come', async () => {
    await caughtUp();
    const { projections } = await call('GET', '/projections');
    expect((projections as ProjectionAnswer[]).map(({ name }) => name)).toEqual([
      'accounts',
      'statistics',
      'activation-mails',
      'audit',
      'activation-mail',
      'forget-persons',
    ]);
  });

  it('has put its own key on record, and shows what was read a moment ago', async () => {
    const { calls } = await call('GET', '/audit');
    const [configured] = key.split('.');
    expect(calls).toEqual([
      expect.objectContaining({
        keyId: 'configuration',
        operation: 'issue-key',
        subjectKeyId: configured,
      }),
    ]);
    await call('GET', `/accounts/${exampleAccountId(1)}`);
    const looked = await call('GET', `/accounts/${exampleAccountId(1)}/audit`);
    expect(looked['calls']).toMatchObject([{ keyId: configured, operation: 'view-account' }]);
  });

  it('counts in the log how far a worker is behind that does not say so itself', async () => {
    await worker.kill();
    await append(ACCOUNTS, ACCOUNTS + 5);
    await eventually(
      async () => {
        const { state, lag } = await projection('accounts');
        expect({ state, events: lag?.events }).toEqual({ state: 'unknown', events: 15 });
        expect(lag?.seconds).toBeGreaterThan(0);
      },
      { within: 10_000 },
    );
    await worker.restart();
    await caughtUp();
  });

  it.each(projections)('rebuilds $name to the same rows', async ({ name }) => {
    const { rebuildId } = await call('POST', `/projections/${name}/rebuild`);
    await rebuilt(name, rebuildId);
  });

  it('killed in the middle of a rebuild, leaves the old rows serving; a new one can begin', async () => {
    const everybody = Array.from({ length: ACCOUNTS }, (_, number) => exampleAccountId(number));
    let misses = 0;
    let reading = true;
    const readers = Array.from({ length: 3 }, async (_, reader) => {
      for (let number = reader; reading; number = (number + 1) % ACCOUNTS) {
        if (!(await credentialsOf(database, everybody[number] ?? ''))) misses += 1;
      }
    });
    try {
      // A session that holds the checkpoint keeps the rebuild from its last step.
      const holder = await database.openSession('spec');
      await holder.query({ text: 'begin' });
      await holder.query({
        text: `select 1 from read_model.checkpoints where consumer = 'accounts' for update`,
      });
      const { rebuildId } = await call('POST', '/projections/accounts/rebuild');
      await eventually(async () => {
        const { rebuild } = await projection('accounts');
        expect(rebuild).toMatchObject({ rebuildId, state: 'comparing' });
      });
      await admin.kill();
      await holder.query({ text: 'rollback' });
      await holder.close();
      await admin.restart();
      await eventually(async () => {
        expect((await projection('accounts')).rebuild?.state).toBe('abandoned');
      });
      const again = await call('POST', '/projections/accounts/rebuild');
      await rebuilt('accounts', again['rebuildId']);
    } finally {
      reading = false;
      await Promise.all(readers);
    }
    expect(misses).toBe(0);
    await caughtUp();
  });

  it('answers while the event store is away', async () => {
    await eventStore.kill();
    expect(await projection('accounts')).toMatchObject({ lag: null });
    expect(await call('GET', `/accounts/${exampleAccountId(1)}/history`)).toMatchObject({
      type: '/problems/service-unavailable',
    });
    await eventStore.restart();
    await eventually(
      async () => {
        const history = await call('GET', `/accounts/${exampleAccountId(1)}/history`);
        expect(history['events']).toHaveLength(3);
      },
      { within: 15_000 },
    );
  });
});
