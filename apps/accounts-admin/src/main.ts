import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { EVENT_STORE_TIMEOUT_MS, EventStoreUnavailable } from '@app/event-store';
import { listen, measureAnswers } from '@app/http-service';
import { createHttpService } from '@app/http-service/http-service.js';
import { LETTING_GO_MS, runProcess, untilAnswered } from '@app/process';
import type { Log, RunningProcess } from '@app/process';
import { StartUp } from '@app/start-up/start-up.js';
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
  const startUp = await StartUp.begin({
    role: 'admin',
    settings,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    log,
  });
  const { eventStore, clock } = startUp;
  const database = startUp.connect({ max: settings.DATABASE_CONNECTIONS });
  const rebuildDatabase = startUp.connect({
    name: 'rebuild',
    max: REBUILD_CONNECTIONS,
    statementTimeoutMs: REBUILD_STATEMENT_TIMEOUT_MS,
  });
  const internal = await startUp.serveHealth(database);
  startUp.warnWithoutEventStore();
  const { ADDRESS_KEY, ACTIVATION_CODE_KEYS, PERSONAL_DATA_KEYS } = settings;
  await startUp.untilReady({ ADDRESS_KEY, ACTIVATION_CODE_KEYS, PERSONAL_DATA_KEYS });
  const audit = new AuditLog(eventStore, clock.now);
  const caller = { keyId: 'configuration', requestId: randomUUID() };
  await untilAnswered(
    () =>
      new AdminKeys(database).adoptConfigured(settings.ADMIN_KEY, (operation, subjectKeyId) =>
        audit.record(caller, { operation, outcome: 'answered', accountIds: [], subjectKeyId }),
      ),
    (error) => error instanceof EventStoreUnavailable,
    { log, signal: startUp.stopping.signal },
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
    onAnswer: measureAnswers(startUp.metrics),
    longestCallMs: LONGEST_CALL_MS,
  });
  if (settings.RECEIPT_KEY) {
    const { fingerprint } = new ErasureReceipts(settings.RECEIPT_KEY);
    log.info({ fingerprint }, 'receipts are signed with');
  }
  describeAdminApi(app);
  const url = await listen(app, settings.HOST, settings.ADMIN_PORT, 'ADMIN_PORT');
  return {
    endpoints: { admin: url, internal },
    stopsWithinMs: LONGEST_CALL_MS + LETTING_GO_MS,
    async stop() {
      startUp.stopping.abort();
      await app.close();
      await startUp.stop();
    },
  };
}

runProcess('admin', start);
