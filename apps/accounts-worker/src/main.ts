import 'reflect-metadata';
import { SharingEventStore } from '@app/event-store';
import { countFailingEvents } from '@app/consumers';
import { NestLog } from '@app/http-service';
import { AccountKeys } from '@app/personal-data';
import { accountsProjection, listUnreadableAccounts, recentStatistics } from '@app/views';
import { LETTING_GO_MS, runProcess } from '@app/process';
import type { Log, RunningProcess } from '@app/process';
import { StartUp } from '@app/start-up/start-up.js';
import { NestFactory } from '@nestjs/core';
import { AccountsWorkerModule } from './accounts-worker.module.js';
import { readWorkerSettings } from './accounts-worker.settings.js';
import { compareCopies, keepConfirmed } from './views/compare-copies.js';
import { connectMailProviders } from './mail-delivery/connect-mail-providers.js';
import { ConsumerProgress } from './consumer-progress.js';
import { RunningConsumers } from './running-consumers.js';
import { WORKER_STATEMENT_TIMEOUT_MS, longestWorkMs } from './longest-work.js';
import { measureWork } from './worker-metrics.js';

async function start(log: Log): Promise<RunningProcess> {
  const settings = readWorkerSettings();
  const startUp = await StartUp.begin({
    role: 'worker',
    settings,
    statementTimeoutMs: WORKER_STATEMENT_TIMEOUT_MS,
    log,
  });
  const { clock, metrics, stopping } = startUp;
  // All consumers share one feed of new events.
  const store = new SharingEventStore(startUp.eventStore);
  // The worker finds out whether the database may be used.
  const database = startUp.connect({ max: settings.DATABASE_CONNECTIONS, allowUnconfirmed: true });
  const keys = new AccountKeys(database, settings.PERSONAL_DATA_KEYS);
  const mailProviders = connectMailProviders(settings, clock.now);
  let compared = false;
  let checkConsumers: () => void = () => undefined;
  let details: () => Readonly<Record<string, unknown>> = () => ({});
  const internal = await startUp.serveHealth(
    database,
    {
      copies: async () => {
        if (!compared) throw new Error('the databases have not been compared yet');
      },
      consumers: async () => checkConsumers(),
    },
    () => details(),
  );
  const { ACTIVATION_CODE_KEYS, PERSONAL_DATA_KEYS } = settings;
  await startUp.untilReady({ ACTIVATION_CODE_KEYS, PERSONAL_DATA_KEYS });
  const copies = { store, database, keys, log, signal: stopping.signal };
  await compareCopies(copies);
  compared = true;
  const rewrapped = rewrapAccountKeys(keys, log, stopping.signal);
  const app = await NestFactory.createApplicationContext(
    AccountsWorkerModule.with({
      settings,
      store,
      database,
      keys,
      mailProviders,
      clock: clock.now,
      log,
    }),
    { logger: new NestLog(log), abortOnError: false },
  );
  const consumers = app.get(RunningConsumers);
  consumers.start();
  const progress = new ConsumerProgress();
  checkConsumers = () => progress.check(consumers.statuses);
  const accounts = consumers.projections.get(accountsProjection.name);
  const confirming = keepConfirmed(copies, () => accounts?.status.state === 'live');
  measureWork(metrics, {
    consumers,
    mailProviders,
    countUnreadableAccounts: async () => (await listUnreadableAccounts(database)).length,
    countFailingEvents: () => countFailingEvents(database),
    countRecentEvents: () => recentStatistics(database, clock.now()),
  });
  details = () => ({
    consumers: Object.fromEntries(
      [...consumers.statuses].map(([name, status]) => [name, readable(status)]),
    ),
    mailProviders: mailProviders.status,
  });
  return {
    endpoints: { internal },
    stopsWithinMs: longestWorkMs(settings) + LETTING_GO_MS,
    async stop() {
      stopping.abort();
      await confirming;
      await rewrapped;
      // First: the commands of the sagas still need everything else.
      await consumers.stop();
      await app.close();
      mailProviders.close();
      await startUp.stop();
    },
  };
}

/** Runs once a process, in the background: a new key-encryption key may have been put first. */
async function rewrapAccountKeys(keys: AccountKeys, log: Log, signal: AbortSignal): Promise<void> {
  try {
    const rewrapped = await keys.rewrapAll(signal);
    if (rewrapped > 0) log.info({ rewrapped }, 'keys of accounts are under the current key now');
  } catch (error) {
    log.warn({ err: error }, 'keys of accounts could not be brought under the current key');
  }
}

/** JSON has no bigint; positions are text wherever they leave the process. */
function readable(status: object): object {
  return Object.fromEntries(
    Object.entries(status).map(([name, value]) => [
      name,
      typeof value === 'bigint' ? String(value) : value,
    ]),
  );
}

runProcess('worker', start);
