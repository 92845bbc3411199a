import 'reflect-metadata';
import { ActivationCodes } from '@app/account-secrets';
import { accountDecider, activationPolicyOf } from '@app/accounts';
import { SharingEventStore } from '@app/event-store';
import { EventStoreDBEventStore } from '@app/event-store/eventstoredb-event-store.js';
import { NestLog } from '@app/http-service';
import { AccountEventCodec, AccountKeys, setAside } from '@app/personal-data';
import { listUnreadableAccounts } from '@app/read-model';
import { createPool } from '@app/read-model/postgres.js';
import { createMetrics, runProcess, startInternalServer, systemClock } from '@app/service';
import type { Log, RunningProcess } from '@app/service';
import { NestFactory } from '@nestjs/core';
import { AccountsWorkerModule } from './accounts-worker.module.js';
import { readWorkerSettings } from './accounts-worker.settings.js';
import type { AccountsWorkerSettings } from './accounts-worker.settings.js';
import { DurableEventBus } from './durable-sagas/durable-event-bus.js';
import { SagaFeed } from './durable-sagas/saga-feed.js';
import { FORGET_PERSONS } from './forget-person/forget-recorded-persons.js';
import { PersonForgottenEvent } from './forget-person/forget-person.saga.js';
import { compareCopies, keepConfirmed } from './keep-accounts/compare-copies.js';
import { KeepAccounts } from './keep-accounts/keep-accounts.js';
import { KeepOperatorViews } from './keep-operator-views/keep-operator-views.js';
import { OwnerNoticeIssuedEvent } from './notify-owner/notify-owner.saga.js';
import { ActivationCodeIssuedEvent } from './send-activation-code/send-activation-code.saga.js';
import { GuardedMailProvider } from './mail-delivery/guarded-mail-provider.js';
import { HttpMailSender } from './mail-delivery/http-mail-sender.js';
import { MailGate } from './mail-delivery/mail-gate.js';
import { MailProviders } from './mail-delivery/mail-providers.js';
import { measureWork } from './worker-metrics.js';

const STATEMENT_TIMEOUT_MS = 10_000;
const DAY_MS = 86_400_000;
/** At most ten registrations a second lapse. */
const LAPSE_PAUSE_MS = 100;
const LAPSE_INTERVAL_MS = 3_600_000;
const FORGET_CONCURRENCY = 8;

async function start(log: Log): Promise<RunningProcess> {
  const settings = readWorkerSettings();
  const metrics = createMetrics();
  // Five consumers follow the log here, and what is news to one is news to all.
  const eventStore = new SharingEventStore(
    new EventStoreDBEventStore({ url: settings.EVENTSTORE_URL }),
  );
  const database = createPool(settings.DATABASE_URL, {
    max: settings.DATABASE_CONNECTIONS,
    applicationName: 'accounts-worker',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    // This is who finds out whether the database may be used.
    allowUnpaired: true,
    onConnectionLost: (error) => log.warn({ err: error }, 'a database connection was lost'),
  });
  const policy = activationPolicyOf(settings);
  const accountKeys = new AccountKeys(database, settings.PERSONAL_DATA_KEYS);
  const accounts = {
    store: eventStore,
    codec: new AccountEventCodec(accountKeys),
    decider: accountDecider(policy),
  };
  const { mailProviders, closeConnections } = connectMailProviders(settings);
  let compared = false;
  let details: () => Readonly<Record<string, unknown>> = () => ({});
  const internal = await startInternalServer({
    host: settings.HOST,
    port: settings.INTERNAL_PORT,
    metrics,
    checks: {
      eventStore: () => eventStore.checkAvailable(),
      postgres: () => database.checkAvailable(),
      copies: async () => {
        if (!compared) throw new Error('the databases have not been compared yet');
      },
    },
    details: () => details(),
  });
  const stopping = new AbortController();
  const copies = { store: eventStore, database, keys: accountKeys, log, signal: stopping.signal };
  await compareCopies(copies);
  compared = true;
  const app = await NestFactory.createApplicationContext(
    AccountsWorkerModule.with({
      accounts,
      policy,
      retention: {
        retentionMs: settings.REGISTRATION_RETENTION_DAYS * DAY_MS,
        pauseMs: LAPSE_PAUSE_MS,
        intervalMs: LAPSE_INTERVAL_MS,
      },
      accountKeys,
      activationCodes: new ActivationCodes(settings.ACTIVATION_CODE_KEYS),
      mailSender: mailProviders,
      database,
      log,
    }),
    { logger: new NestLog(log), abortOnError: false },
  );
  const setAsideOptions = {
    keys: accountKeys,
    database,
    consumer: 'activation-mail',
    onSetAside: (accountId: string, error: Error) =>
      log.error({ accountId, err: error }, 'mails of an account that cannot be read are not sent'),
  };
  const activationMail = new SagaFeed({
    name: 'activation-mail',
    store: eventStore,
    database,
    codec: accounts.codec,
    eventBus: app.get(DurableEventBus),
    events: {
      ActivationCodeIssued: ActivationCodeIssuedEvent,
      OwnerNoticeIssued: OwnerNoticeIssuedEvent,
    },
    setAside: (recorded, error) => setAside(setAsideOptions, recorded, error),
    gate: new MailGate(mailProviders),
    windowSize: settings.EMAIL_CONCURRENCY,
    log: log.child({ saga: 'activation-mail' }),
  });
  activationMail.start();
  // Apart from the mails: whoever is to be forgotten does not wait for an e-mail provider.
  const forgetPersons = new SagaFeed({
    name: FORGET_PERSONS,
    store: eventStore,
    database,
    codec: accounts.codec,
    eventBus: app.get(DurableEventBus),
    events: { AccountErased: PersonForgottenEvent, RegistrationLapsed: PersonForgottenEvent },
    windowSize: FORGET_CONCURRENCY,
    log: log.child({ saga: FORGET_PERSONS }),
  });
  forgetPersons.start();
  const keepAccounts = app.get(KeepAccounts);
  const operatorViews = app.get(KeepOperatorViews);
  const confirming = keepConfirmed(copies, () => keepAccounts.status.state === 'live');
  measureWork(metrics, {
    projections: () =>
      new Map([['accounts', keepAccounts.status] as const, ...operatorViews.statuses]),
    sagas: { 'activation-mail': activationMail, [FORGET_PERSONS]: forgetPersons },
    mailProviders,
    countUnreadableAccounts: async () => (await listUnreadableAccounts(database)).length,
  });
  details = () => ({
    accountsProjection: readable(keepAccounts.status),
    operatorViews: Object.fromEntries(
      [...operatorViews.statuses].map(([name, status]) => [name, readable(status)]),
    ),
    activationMail: readable(activationMail.status),
    forgetPersons: readable(forgetPersons.status),
    mailProviders: mailProviders.status,
  });
  return {
    endpoints: { internal: internal.url },
    async stop() {
      stopping.abort();
      await confirming;
      // The feeds first: their commands still need everything else.
      await Promise.all([activationMail.stop(), forgetPersons.stop()]);
      await app.close();
      await internal.close();
      closeConnections();
      await eventStore.close();
      await database.close();
    },
  };
}

/** Each provider behind a breaker of its own; the second one is there only where it is configured. */
function connectMailProviders(settings: AccountsWorkerSettings) {
  const { EMAIL_API_FAILOVER_URL: failoverUrl, EMAIL_API_FAILOVER_KEY: failoverKey } = settings;
  const senders: HttpMailSender[] = [];
  const guarded = (name: string, url: string, apiKey: string) => {
    const sender = new HttpMailSender({
      url,
      apiKey,
      from: settings.EMAIL_FROM,
      timeoutMs: settings.EMAIL_TIMEOUT_MS,
      clock: systemClock,
    });
    senders.push(sender);
    return new GuardedMailProvider(name, sender, {
      failures: settings.EMAIL_BREAKER_FAILURES,
      pauseMs: settings.EMAIL_BREAKER_PAUSE_MS,
      longestPauseMs: settings.EMAIL_BREAKER_LONGEST_PAUSE_MS,
    });
  };
  const first = guarded('first', settings.EMAIL_API_URL, settings.EMAIL_API_KEY);
  const others =
    failoverUrl === undefined || failoverKey === undefined
      ? []
      : [guarded('failover', failoverUrl, failoverKey)];
  return {
    mailProviders: new MailProviders([first, ...others], settings.EMAIL_DOUBT_MS),
    closeConnections: () => senders.forEach((sender) => sender.close()),
  };
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
