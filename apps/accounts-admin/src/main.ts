import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { EVENT_STORE_TIMEOUT_MS, EventStoreUnavailable } from '@app/event-store';
import { EventStoreDBEventStore } from '@app/event-store/eventstoredb-event-store.js';
import { createHttpService, listen, measureAnswers } from '@app/http-service';
import type { Database } from '@app/postgres';
import { createPool } from '@app/postgres/postgres.js';
import {
  LETTING_GO_MS,
  createMetrics,
  runProcess,
  startInternalServer,
  untilAnswered,
} from '@app/process';
import type { Log, RunningProcess } from '@app/process';
import { StartUp } from '@app/start-up';
import { exportSpans } from '@app/tracing/otlp.js';
import { AccountsAdminModule } from './accounts-admin.module.js';
import { readAdminSettings } from './accounts-admin.settings.js';
import { AuditLog } from './evidence/audit/audit-log.js';
import { AdminKeys } from './keys/admin-keys.js';
import { adminProblemTable, adminProblems } from './admin-problems.js';
import { describeAdminApi } from './api-description/api-description.js';
import { ErasureReceipts } from './accounts/erase-account/erasure-receipts.js';

const STATEMENT_TIMEOUT_MS = 5_000;
/** An answer of each store, a connection to the database, and two events of a command. Exports and scans are cut. */
const LONGEST_CALL_MS = STATEMENT_TIMEOUT_MS + 3_000 + 2 * EVENT_STORE_TIMEOUT_MS;
/** Indexes over, and comparison of, tables with millions of rows. */
const REBUILD_STATEMENT_TIMEOUT_MS = 600_000;
const REBUILD_CONNECTIONS = 4;

async function start(log: Log): Promise<RunningProcess> {
  const settings = readAdminSettings();
  const tracing = await exportSpans({
    endpoint: settings.OTEL_EXPORTER_OTLP_ENDPOINT,
    service: 'accounts-admin',
    onOutage: (error) => log.warn({ err: error }, 'traces cannot be handed over and are dropped'),
  });
  const metrics = createMetrics();
  const eventStore = new EventStoreDBEventStore({ url: settings.EVENTSTORE_URL });
  const connect = (applicationName: string, max: number, statementTimeoutMs: number): Database =>
    createPool(settings.DATABASE_URL, {
      max,
      applicationName,
      statementTimeoutMs,
      onConnectionLost: (error) => log.warn({ err: error }, 'a database connection was lost'),
    });
  const database = connect('accounts-admin', settings.DATABASE_CONNECTIONS, STATEMENT_TIMEOUT_MS);
  const rebuildDatabase = connect(
    'accounts-admin rebuild',
    REBUILD_CONNECTIONS,
    REBUILD_STATEMENT_TIMEOUT_MS,
  );
  // Works with any database, and has a connection whatever the others do.
  const clockDatabase = createPool(settings.DATABASE_URL, {
    max: 1,
    applicationName: 'accounts-admin clock',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    allowUnconfirmed: true,
  });
  const startUp = new StartUp('admin', clockDatabase, metrics, log);
  const { clock } = startUp;
  const stopping = new AbortController();
  const internal = await startInternalServer({
    host: settings.HOST,
    port: settings.INTERNAL_PORT,
    metrics,
    checks: {
      eventStore: () => eventStore.checkAvailable(),
      ...startUp.checksOf(database),
    },
  });
  eventStore.checkAvailable().catch((error: unknown) => {
    log.warn({ err: error }, 'the event store does not answer yet');
  });
  const { ADDRESS_KEY, ACTIVATION_CODE_KEYS, PERSONAL_DATA_KEYS } = settings;
  await startUp.untilReady(
    {
      ADDRESS_KEY,
      ACTIVATION_CODE_KEYS,
      PERSONAL_DATA_KEYS,
    },
    stopping.signal,
  );
  const audit = new AuditLog(eventStore, clock.now);
  const caller = { keyId: 'configuration', requestId: randomUUID() };
  await untilAnswered(
    () =>
      new AdminKeys(database).adoptConfigured(settings.ADMIN_KEY, (operation, subjectKeyId) =>
        audit.record(caller, { operation, outcome: 'answered', accountIds: [], subjectKeyId }),
      ),
    (error) => error instanceof EventStoreUnavailable,
    { log, signal: stopping.signal },
  );

  const module = AccountsAdminModule.with(settings, {
    eventStore,
    database,
    rebuildDatabase,
    clock: clock.now,
    log,
  });
  const app = await createHttpService(module, {
    log,
    problemTypes: Object.values(adminProblems),
    problemTable: adminProblemTable,
    onAnswer: measureAnswers(metrics),
    longestCallMs: LONGEST_CALL_MS,
  });
  if (settings.RECEIPT_KEY) {
    const { fingerprint } = new ErasureReceipts(settings.RECEIPT_KEY);
    log.info({ fingerprint }, 'receipts are signed with');
  }
  describeAdminApi(app);
  const url = await listen(app, settings.HOST, settings.ADMIN_PORT, 'ADMIN_PORT');
  return {
    endpoints: { admin: url, internal: internal.url },
    stopsWithinMs: LONGEST_CALL_MS + LETTING_GO_MS,
    async stop() {
      stopping.abort();
      await app.close();
      await internal.close();
      await eventStore.close();
      await rebuildDatabase.close();
      await clockDatabase.close();
      await database.close();
      await tracing.stop();
    },
  };
}

runProcess('admin', start);
