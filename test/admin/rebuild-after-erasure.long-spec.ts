import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KeyRing } from '@app/account-secrets';
import { accountStreamName } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import {
  accountErased,
  accountRegistered,
  codeIssued,
  noon,
  registeredAnew,
} from '@app/accounts/testing/account-examples.js';
import { AccountEventCodec, AccountKeyMissing, AccountKeys } from '@app/personal-data';
import { ProjectionRebuild, runProjection } from '@app/consumers';
import { accountsProjection } from '@app/views';
import type { Database } from '@app/postgres';
import { createPool } from '@app/postgres/postgres.js';
import { exampleAccountId } from '@app/views/testing/account-lives.js';
import type { NewEvent } from '@app/event-store';
import { EventStoreDBEventStore } from '@app/event-store/eventstoredb-event-store.js';
import { startDevEventStore } from '../support/dev-event-store.js';
import type { DevEventStore } from '../support/dev-event-store.js';
import { eventually } from '../support/eventually.js';
import { freshDatabase } from '../support/postgres.js';
import type { FreshDatabase } from '../support/postgres.js';

const WRITERS = 16;

/** @param accounts a multiple of 200: one in a hundred is erased, and half of these addresses are taken again */
function provesRebuildAfterErasure(accounts: number): void {
  const erased = accounts / 100;
  describe(`${accounts} accounts, of which ${erased} were erased`, () => {
    const ring = KeyRing.parse(`k1:${randomBytes(32).toString('base64')}`, 'PERSONAL_DATA_KEYS');
    const next = new Map<string, bigint>();
    let eventStore: DevEventStore;
    let store: EventStoreDBEventStore;
    let fresh: FreshDatabase;
    let database: Database;
    let keys: AccountKeys;

    beforeAll(async () => {
      [fresh, eventStore] = await Promise.all([freshDatabase(), startDevEventStore()]);
      store = new EventStoreDBEventStore({ url: eventStore.url });
      database = createPool(fresh.url, {
        max: WRITERS,
        applicationName: 'spec',
        statementTimeoutMs: 10_000,
        connectionTimeoutMs: 10_000,
      });
      keys = new AccountKeys(database, ring);
      let begun = 0;
      const writer = async () => {
        for (let number = begun++; number < accounts; number = begun++) {
          await record(number, accountRegistered(noon + number), codeIssued(1, noon + number));
        }
      };
      await Promise.all(Array.from({ length: WRITERS }, writer));
    }, 90_000);
    afterAll(async () => {
      await store.close();
      await eventStore.stop();
      await database.close();
      await fresh.drop();
    });

    async function record(number: number, ...facts: AccountEvent[]): Promise<void> {
      const stream = accountStreamName(exampleAccountId(number));
      const [first, ...rest] = (await new AccountEventCodec(keys).encode(stream, facts)).map(
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
      if (first === undefined) throw new Error('there is nothing to record');
      const { revision } = await store.append(stream, next.get(stream) ?? 'no-stream', [
        first,
        ...rest,
      ]);
      next.set(stream, revision);
    }

    /** By a process that remembers no keys. */
    async function rebuild() {
      const begun = await ProjectionRebuild.begin({
        projection: accountsProjection,
        store,
        codec: new AccountEventCodec(new AccountKeys(database, ring)),
        database,
        startedBy: 'spec',
        switchWhenDifferent: false,
        signal: new AbortController().signal,
      });
      return begun.run();
    }

    it('are projected and rebuilt to the same rows', async () => {
      for (let number = 0; number < erased; number++) {
        await record(number, accountErased(noon + accounts));
        // Some before the projection has seen them, some after; half of the addresses are taken again.
        if (number % 4 === 0) await keys.destroy(exampleAccountId(number), 1);
        if (number % 2 === 0) await record(number, registeredAnew(noon + accounts + number));
      }
      const stopping = new AbortController();
      const faults: unknown[] = [];
      let caughtUp = false;
      const running = runProjection({
        projection: accountsProjection,
        store,
        codec: new AccountEventCodec(keys),
        database,
        signal: stopping.signal,
        observer: {
          onSubscribed: () => undefined,
          onCaughtUp: () => (caughtUp = true),
          onAdvanced: () => undefined,
          onFault: (error) => faults.push(error),
          onSetAside: ({ error }) => faults.push(error),
          onRetryFault: (error) => faults.push(error),
          onFailing: () => undefined,
        },
      });
      await eventually(() => expect(caughtUp).toBe(true), { within: 60_000 });
      stopping.abort();
      await running;
      expect(faults).toEqual([]);
      for (let number = 0; number < erased; number++) {
        await keys.destroy(exampleAccountId(number), 1);
      }
      const outcome = await rebuild();
      expect(outcome).toMatchObject({ state: 'switched', before: { rows: BigInt(accounts) } });
      expect(outcome.after).toEqual(outcome.before);
      const { rows } = await database.query<{ status: string; accounts: bigint; known: bigint }>({
        text: `select status, count(*) as accounts, count(address) as known
             from read_model.accounts group by status order by status`,
      });
      expect(rows).toEqual([
        { status: 'erased', accounts: BigInt(erased / 2), known: 0n },
        {
          status: 'pending',
          accounts: BigInt(accounts - erased / 2),
          known: BigInt(accounts - erased / 2),
        },
      ]);
    }, 120_000);

    it('are not rebuilt past a key that was lost, and the account is named', async () => {
      const lost = exampleAccountId(accounts - 1);
      await database.query({
        text: 'delete from personal_data.account_keys where account_id = $1',
        values: [lost],
      });
      await expect(rebuild()).rejects.toThrow(new AccountKeyMissing(lost).message);
      const { rows } = await database.query<{ accounts: bigint }>({
        text: 'select count(*) as accounts from read_model.accounts',
      });
      expect(rows).toEqual([{ accounts: BigInt(accounts) }]);
    }, 60_000);
  });
}

/** `REBUILD_ACCOUNTS=10000 npm run test:long -- rebuild-after` takes more. */
provesRebuildAfterErasure(Number(process.env['REBUILD_ACCOUNTS'] ?? 3_000));
