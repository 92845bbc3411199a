import type { PreparedLogins } from '@app/postgres';
import { developmentSecrets } from '../../apps/local/src/launcher/development-secrets.js';
import { PARTS } from '../../apps/local/src/launcher/parts.js';
import type { Surroundings } from '../../apps/local/src/launcher/parts.js';
import type { DevEventStore } from './dev-event-store.js';
import { startDevEventStore } from './dev-event-store.js';
import type { TestEventStore } from './event-store.js';
import { startEventStore } from './event-store.js';
import { freshDatabase } from './postgres.js';
import { giveLogins } from './postgres-logins.js';
import type { Environment } from './process.js';
import type { RestartableApp } from './restartable-app.js';
import { startRestartableApp } from './restartable-app.js';
import { temporaryFolder } from './run-folder.js';

export interface ProductOverrides {
  /** How many workers run side by side; 1 when left out. */
  readonly workers?: number;
  /** Settings for every process, before those of one part. */
  readonly environment?: Environment;
  readonly api?: Environment;
  readonly worker?: Environment;
  readonly mailbox?: Environment;
}

/** The whole product as processes of its own, each of which a test can kill and bring back. */
export interface Product<EventStore extends TestEventStore = TestEventStore> {
  readonly endpoints: {
    readonly api: string;
    readonly mailbox: string;
    readonly eventstore: string;
    readonly database: string;
  };
  /** Of the same database, with the login of each process; `endpoints.database` has the superuser's. */
  readonly databaseUrls: PreparedLogins;
  readonly api: RestartableApp;
  readonly workers: readonly [RestartableApp, ...RestartableApp[]];
  readonly mailbox: RestartableApp;
  readonly eventStore: EventStore;
  /** Stops every process that still runs; rejects when one of them did not leave cleanly. */
  stop(): Promise<void>;
}

/** Quick enough to register hundreds; the real cost has its own tests. */
const TEST_BCRYPT_COST = '4';

/** All callers of a test are one machine, and some tests have one caller only; limits have their own tests. */
export const WIDE_LIMITS: Environment = {
  REGISTRATIONS_PER_NETWORK_PER_HOUR: '1000000',
  REGISTRATIONS_PER_ADDRESS_PER_HOUR: '1000000',
  REGISTRATIONS_PER_ADDRESS_AND_NETWORK_PER_HOUR: '1000000',
  REGISTRATIONS_PER_ADDRESS_AND_NETWORK_PER_DAY: '1000000',
  WRONG_CODES_PER_NETWORK_PER_HOUR: '1000000',
  MAILS_PER_INBOX_AND_NETWORK_PER_HOUR: '1000000',
  MAILS_PER_INBOX_AND_NETWORK_PER_DAY: '1000000',
  MAILS_PER_INBOX_PER_DAY: '1000000',
  MAILS_PER_DOMAIN_AND_NETWORK_PER_DAY: '1000000',
  NEW_CODES_PER_NETWORK_PER_HOUR: '1000000',
  NEW_CODES_PER_ADDRESS_PER_HOUR: '1000000',
  FAILED_LOGINS_PER_NETWORK_PER_HOUR: '1000000',
  FAILED_LOGINS_PER_ADDRESS_PER_HOUR: '1000000',
  FAILED_LOGINS_PER_ADDRESS_AND_NETWORK_PER_HOUR: '1000000',
};

/**
 * Starts every part on free ports, on a fresh database and an empty event log.
 *
 * @throws Error with what the failing process printed; the others are stopped
 */
export function startProduct(overrides: ProductOverrides = {}): Promise<Product> {
  return startProductOn(startEventStore, overrides);
}

/** The same on the development event store, for tests that need its fault switches or one of its behaviours. */
export function startProductOnDevEventStore(
  overrides: ProductOverrides & { readonly eventStore?: Environment } = {},
): Promise<Product<DevEventStore>> {
  const environment = { ...overrides.environment, ...overrides.eventStore };
  return startProductOn(() => startDevEventStore({ environment }), overrides);
}

async function startProductOn<EventStore extends TestEventStore>(
  startStore: () => Promise<EventStore>,
  overrides: ProductOverrides,
): Promise<Product<EventStore>> {
  const started: { stop(): Promise<void> }[] = [];
  const stop = async () => {
    for (const part of started.splice(0).reverse()) await part.stop();
  };
  const startedNow = <Part extends { stop(): Promise<void> }>(part: Part): Part => {
    started.push(part);
    return part;
  };
  try {
    const dataDir = temporaryFolder('product');
    const secrets = developmentSecrets(`${dataDir}/secrets`);
    const common = { ...overrides.environment };
    const urls = new Map<string, string>();
    const start = async (name: string, own: Environment = {}) => {
      const part = PARTS.find((candidate) => candidate.name === name);
      if (!part) throw new Error(`the product has no part called ${name}`);
      const app = await startRestartableApp(part.app, (port) => {
        const surroundings: Surroundings = {
          settings: { host: '127.0.0.1', dataDir },
          secrets,
          inherited: { ...common, ...own },
          portOf: (listener) => Number(port(listener)),
          urlOf: (wanted) => urls.get(wanted) ?? '',
          databaseUrlOf: (role) => urls.get(`database of ${role}`) ?? '',
          // A browser's page may call, as under npm start: what looks like its requests is answered by other code.
          signUpUrl: 'http://127.0.0.1:8060',
        };
        return {
          BCRYPT_COST: TEST_BCRYPT_COST,
          ...WIDE_LIMITS,
          ...part.environment(surroundings),
          ...common,
          ...own,
        };
      });
      return startedNow(app);
    };

    const [database, eventStore, mailbox] = await allSettledThenAll([
      freshDatabase().then(async (fresh) => ({ ...fresh, ...(await giveLogins(fresh.url)) })),
      startStore().then(startedNow),
      start('mailbox', overrides.mailbox),
    ]);
    for (const [role, url] of Object.entries(database.urls)) urls.set(`database of ${role}`, url);
    urls.set('eventstore', eventStore.url);
    urls.set('mailbox', mailbox.url('mailbox'));
    const [worker, api, ...moreWorkers] = await allSettledThenAll([
      start('worker', overrides.worker),
      start('api', overrides.api),
      ...Array.from({ length: (overrides.workers ?? 1) - 1 }, () =>
        start('worker', overrides.worker),
      ),
    ]);
    return {
      endpoints: {
        api: api.url('api'),
        mailbox: mailbox.url('mailbox'),
        eventstore: eventStore.url,
        database: database.url,
      },
      databaseUrls: database.urls,
      api,
      workers: [worker, ...moreWorkers],
      mailbox,
      eventStore,
      stop: async () => {
        await stop();
        await database.drop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Promise.all that leaves none of them under way behind the back of another's failure. */
async function allSettledThenAll<Results extends readonly unknown[]>(promises: {
  [Index in keyof Results]: Promise<Results[Index]>;
}): Promise<Results> {
  await Promise.allSettled(promises);
  return (await Promise.all(promises)) as unknown as Results;
}
