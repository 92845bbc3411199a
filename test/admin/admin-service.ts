import { randomBytes, randomUUID } from 'node:crypto';
import { AccountIds } from '@app/account-secrets';
import { accountStreamName, addressKeyOf } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import { EventStoreUnavailable } from '@app/event-store';
import type {
  AppendResult,
  NewEvent,
  ReadStreamOptions,
  RecordedEvent,
  SubscribeToAllOptions,
  SubscriptionMessage,
} from '@app/event-store';
import { appendLinked } from '@app/event-store/testing/append-linked.js';
import { listen } from '@app/http-service';
import { createHttpService } from '@app/http-service/http-service.js';
import { AccountEventCodec, AccountKeys } from '@app/personal-data';
import { factsOf, liveTable, saveCheckpoint } from '@app/consumers';
import { auditProjection, auditReader, auditStreamPrefix, projections } from '@app/views';
import type { Database } from '@app/postgres';
import type { ProjectedEvent } from '@app/consumers';
import { createPool } from '@app/postgres/postgres.js';
import { InMemoryEventStore } from '@app/event-store/testing/in-memory-event-store.js';
import { createLog } from '@app/process';
import type { DynamicModule, Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AccountsAdminModule } from '../../apps/accounts-admin/src/accounts-admin.module.js';
import { readAdminSettings } from '../../apps/accounts-admin/src/accounts-admin.settings.js';
import { AdminKeys } from '../../apps/accounts-admin/src/keys/admin-keys.js';
import type { Scope } from '../../apps/accounts-admin/src/keys/scopes.js';
import { adminProblemTable, adminProblems } from '../../apps/accounts-admin/src/admin-problems.js';
import { describeAdminApi } from '../../apps/accounts-admin/src/api-description/api-description.js';
import { freshDatabase } from '../support/postgres.js';
import { giveLogins } from '../support/postgres-logins.js';

/** An event store that can be taken away, at once or in the middle of a stream, and that can be made to lie. */
export class FragileEventStore extends InMemoryEventStore {
  isDown = false;
  /** Reads break off after so many events. */
  breaksAfter = Infinity;
  /** In place of a worker that follows the log. */
  onAppended: (streamName: string, events: number, end: AppendResult) => Promise<void> = async () =>
    undefined;
  /** What is answered in place of what was appended, in the order of the log. */
  tamper: (events: readonly RecordedEvent[]) => readonly RecordedEvent[] = (events) => events;

  override async append(
    streamName: string,
    expectedRevision: bigint | 'no-stream',
    events: readonly [NewEvent, ...NewEvent[]],
  ): Promise<AppendResult> {
    if (this.isDown) throw new EventStoreUnavailable('it is down');
    const appended = await super.append(streamName, expectedRevision, events);
    await this.onAppended(streamName, events.length, appended);
    return appended;
  }

  override async *readStream(
    streamName: string,
    options: ReadStreamOptions = {},
  ): AsyncGenerator<RecordedEvent, void, void> {
    await this.checkAvailable();
    const { fromRevision = 0n, maxCount = Infinity } = options;
    const all: RecordedEvent[] = [];
    for await (const event of super.readStream(streamName)) all.push(event);
    const wanted = this.tamper(all).filter(({ revision }) => revision >= fromRevision);
    yield* this.untilItBreaks(wanted.slice(0, maxCount));
  }

  override async *subscribeToAll(
    options: SubscribeToAllOptions,
  ): AsyncGenerator<SubscriptionMessage, void, void> {
    await this.checkAvailable();
    const all: RecordedEvent[] = [];
    for await (const message of super.subscribeToAll(options)) {
      if (message.kind === 'caught-up') break;
      if (message.kind === 'event') all.push(message.event);
    }
    for await (const event of this.untilItBreaks(this.tamper(all))) yield { kind: 'event', event };
    yield { kind: 'caught-up' };
  }

  override async checkAvailable(): Promise<void> {
    if (this.isDown) throw new EventStoreUnavailable('it is down');
    await super.checkAvailable();
  }

  private async *untilItBreaks(
    events: readonly RecordedEvent[],
  ): AsyncGenerator<RecordedEvent, void, void> {
    for (const [index, event] of events.entries()) {
      if (index >= this.breaksAfter) throw new EventStoreUnavailable('the connection was lost');
      yield event;
    }
  }
}

/** Where all requests come from that led to recorded events. */
export const exampleClient = { address: '203.0.113.9', userAgent: 'Example/1.0' };

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** Undefined when the text is no JSON. */
  readonly body: Record<string, unknown>;
}

export interface Route {
  readonly method: string;
  readonly url: string;
}

/** The admin API in this process, over a database and an event store of its own. */
export interface AdminService {
  readonly database: Database;
  readonly store: FragileEventStore;
  readonly keys: AdminKeys;
  /** Every route it registered. */
  readonly routes: readonly Route[];
  readonly url: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Changed by tests; milliseconds since the Unix epoch. */
  now: () => number;
  accountIdOf(address: string): string;
  /** Records facts about the account of this address, and projects them. */
  record(address: string, ...facts: readonly AccountEvent[]): Promise<void>;
  /** Only records them; answers the whole history. */
  append(address: string, ...facts: readonly AccountEvent[]): Promise<readonly RecordedEvent[]>;
  /** `id.secret` of a new key. */
  keyWith(...scopes: readonly Scope[]): Promise<string>;
  call(
    method: string,
    path: string,
    options?: { readonly key?: string; readonly body?: unknown; readonly accept?: string },
  ): Promise<Answer>;
  stop(): Promise<void>;
}

const secretKey = () => randomBytes(32).toString('base64');

/** @param canSign whether it has a key for receipts and exports */
export async function startAdminService(
  furtherControllers: readonly Type[] = [],
  canSign = true,
): Promise<AdminService> {
  const fresh = await freshDatabase();
  const database = createPool(fresh.url, {
    max: 8,
    applicationName: 'spec',
    statementTimeoutMs: 10_000,
    connectionTimeoutMs: 10_000,
  });
  // The admin API itself works with the rights of its own login.
  const { urls } = await giveLogins(fresh.url);
  const databaseOfAdmin = createPool(urls.admin, {
    max: 8,
    applicationName: 'accounts-admin',
    statementTimeoutMs: 10_000,
    connectionTimeoutMs: 10_000,
  });
  const store = new FragileEventStore();
  const log = createLog('spec');
  log.level = 'silent';
  const environment = {
    EVENTSTORE_URL: 'esdb://127.0.0.1:1?tls=false',
    DATABASE_URL: urls.admin,
    ADDRESS_KEY: secretKey(),
    ACTIVATION_CODE_KEYS: `k1:${secretKey()}`,
    PERSONAL_DATA_KEYS: `k1:${secretKey()}`,
    ...(canSign && { RECEIPT_KEY: secretKey() }),
  };
  store.onAppended = async (streamName, events, { revision, position }) => {
    if (!streamName.startsWith(auditStreamPrefix)) return;
    const fromRevision = revision + 1n - BigInt(events);
    const recorded: RecordedEvent[] = [];
    for await (const event of store.readStream(streamName, { fromRevision })) recorded.push(event);
    const facts = await factsOf(auditReader, auditProjection, recorded);
    await auditProjection.write(database, liveTable(auditProjection), facts);
    await saveCheckpoint(database, auditProjection.name, position);
  };
  const settings = readAdminSettings(environment);
  const clock = { now: () => Date.now() };
  const made: DynamicModule = AccountsAdminModule.with(settings, {
    eventStore: store,
    database: databaseOfAdmin,
    rebuildDatabase: databaseOfAdmin,
    log,
    clock: () => clock.now(),
    environment,
  });
  const module = { ...made, controllers: [...(made.controllers ?? []), ...furtherControllers] };
  const app: NestFastifyApplication = await createHttpService(module, {
    log,
    problemTypes: Object.values(adminProblems),
    problemTable: adminProblemTable,
    onAnswer: () => undefined,
  });
  const routes: Route[] = [];
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRoute', ({ method, url }: { method: string | string[]; url: string }) => {
      for (const one of [method].flat()) routes.push({ method: one, url });
    });
  describeAdminApi(app);
  const url = await listen(app, '127.0.0.1', 0, 'ADMIN_PORT');
  const keys = new AdminKeys(database);
  const accountIds = new AccountIds(settings.ADDRESS_KEY);
  const codec = new AccountEventCodec(new AccountKeys(database, settings.PERSONAL_DATA_KEYS));
  const accountIdOf = (address: string) => accountIds.accountIdOf(addressKeyOf(address));

  const append: AdminService['append'] = async (address, ...facts) => {
    const streamName = accountStreamName(accountIdOf(address));
    const stored = await codec.encode(streamName, facts, { client: exampleClient });
    const events = stored.map(({ type, schemaVersion, data, client }) => ({
      id: randomUUID(),
      type,
      data,
      metadata: {
        schemaVersion,
        $correlationId: randomUUID(),
        $causationId: randomUUID(),
        actor: 'anonymous',
        ...(client !== undefined && { client }),
      },
    }));
    await appendLinked(store, streamName, events);
    const recorded: RecordedEvent[] = [];
    for await (const event of store.readStream(streamName)) recorded.push(event);
    return recorded;
  };

  const record: AdminService['record'] = async (address, ...facts) => {
    const recorded = (await append(address, ...facts)).slice(-facts.length);
    for (const [index, { streamName, revision, position }] of recorded.entries()) {
      const event = facts[index];
      if (event === undefined) throw new Error('the codec made up an event');
      const fact: ProjectedEvent<AccountEvent> = { streamName, revision, position, event };
      for (const projection of projections) {
        await projection.write(database, liveTable(projection), [fact]);
      }
    }
  };

  return {
    database,
    store,
    keys,
    routes,
    url,
    environment,
    get now() {
      return clock.now;
    },
    set now(now) {
      clock.now = now;
    },
    accountIdOf,
    record,
    append,
    keyWith: async (...scopes) => {
      const wanted = { label: 'spec', scopes, expiresInDays: 90 };
      const issued = await keys.issue(wanted, 'spec', undefined);
      if (issued === undefined) throw new Error('the key was not made');
      return issued.key;
    },
    call: async (method, path, options = {}) => {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          ...(options.key && { Authorization: `Bearer ${options.key}` }),
          ...(options.accept && { Accept: options.accept }),
          ...(options.body !== undefined && { 'Content-Type': 'application/json' }),
        },
        ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
      });
      const text = await response.text();
      return {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        text,
        body: jsonOf(text),
      };
    },
    stop: async () => {
      await app.close();
      await databaseOfAdmin.close();
      await database.close();
      await fresh.drop();
    },
  };
}

function jsonOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    // NDJSON, HTML: the test looks at the text.
    return {};
  }
}
