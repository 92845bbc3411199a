import 'reflect-metadata';
import { listen, measureAnswers } from '@app/http-service';
import { createHttpService } from '@app/http-service/http-service.js';
import { AccountKeys } from '@app/personal-data';
import { compositionRulesOf } from '@app/accounts';
import type { PasswordPolicy } from '@app/accounts';
import { accountsProjection, findHighestHashCost } from '@app/views';
import { ReadModelProgress } from '@app/consumers';
import { LETTING_GO_MS, runProcess } from '@app/process';
import type { Log, RunningProcess } from '@app/process';
import { StartUp } from '@app/start-up/start-up.js';
import type { FastifyInstance } from 'fastify';
import { Counter, Gauge } from 'prom-client';
import { accountProblemTable, accountProblems } from './account-problems.js';
import { AccountsApiModule, passwordPolicyOf } from './accounts-api.module.js';
import { readApiSettings } from './accounts-api.settings.js';
import { API_STATEMENT_TIMEOUT_MS, longestCallMs } from './longest-call.js';
import { allowOrigins, keepLoginBoxShut } from './browsers.js';
import { fieldSentences } from './field-sentences.js';
import { describeApi } from './api-description/api-description.js';
import { keepRawBodies } from './record-mail-event/raw-body.js';
import { MAIL_EVENTS_PATH } from './record-mail-event/record-mail-event.controller.js';
import { BcryptPasswordHasher } from './passwords/bcrypt-password-hasher.js';
import { SecurityEvents } from './security-events/security-events.js';
import { Throttle } from './limits/throttle.js';

const EVERY_MINUTE_MS = 60_000;

async function start(log: Log): Promise<RunningProcess> {
  const settings = readApiSettings();
  const startUp = await StartUp.begin({
    role: 'api',
    settings,
    statementTimeoutMs: API_STATEMENT_TIMEOUT_MS,
    log,
  });
  const { eventStore, clock, metrics } = startUp;
  const database = startUp.connect({ max: settings.DATABASE_CONNECTIONS });
  const internal = await startUp.serveHealth(database);
  startUp.warnWithoutEventStore();
  const { ADDRESS_KEY, ACTIVATION_CODE_KEYS, PASSWORD_PEPPERS, PERSONAL_DATA_KEYS } = settings;
  await startUp.untilReady({
    ADDRESS_KEY,
    ACTIVATION_CODE_KEYS,
    PASSWORD_PEPPERS,
    PERSONAL_DATA_KEYS,
  });
  const progress = new ReadModelProgress({
    database,
    consumer: accountsProjection.name,
    onListenFault: (error, retryInMs) =>
      log.warn({ err: error, retryInMs }, 'the read model cannot be listened to'),
  });
  const passwordHasher = await BcryptPasswordHasher.create({
    cost: settings.BCRYPT_COST,
    peppers: settings.PASSWORD_PEPPERS,
  });
  new Gauge({
    name: 'password_hashes_pending',
    help: 'Passwords being hashed or waiting to be',
    registers: [metrics],
    collect() {
      this.set(passwordHasher.load);
    },
  });
  new Gauge({
    name: 'password_check_cost',
    help: 'bcrypt cost of every check of a password: that of the dearest hash in use',
    registers: [metrics],
    collect() {
      this.set(passwordHasher.costOfChecks);
    },
  });

  const securityEventsTotal = new Counter({
    name: 'security_events_total',
    help: 'Security events by their name in the log',
    labelNames: ['event'],
    registers: [metrics],
  });
  const securityEvents = new SecurityEvents(log, (event) => securityEventsTotal.inc({ event }));
  const accountKeys = new AccountKeys(database, settings.PERSONAL_DATA_KEYS);
  const throttle = new Throttle(database, settings.ADDRESS_KEY);
  const learnHighestCost = async () => {
    try {
      passwordHasher.expectCost(await findHighestHashCost(database));
    } catch (error) {
      log.warn({ err: error }, 'the highest cost of the password hashes could not be read');
    }
  };
  await learnHighestCost();
  const everyMinute = setInterval(() => {
    throttle.tidyUp().catch((error: unknown) => {
      log.warn({ err: error }, 'buckets of the throttle could not be tidied up');
    });
    void learnHighestCost();
  }, EVERY_MINUTE_MS);
  warnOfCompositionRules(passwordPolicyOf(settings), log);

  const longestMs = longestCallMs({ ...settings, BCRYPT_COST: passwordHasher.costOfChecks });
  const module = AccountsApiModule.with(settings, {
    eventStore,
    database,
    progress,
    passwordHasher,
    throttle,
    accountKeys,
    securityEvents,
    clock: clock.now,
    log,
  });
  const app = await createHttpService(module, {
    log,
    problemTypes: Object.values(accountProblems),
    problemTable: accountProblemTable(clock.now),
    sentencesFor: fieldSentences,
    onAnswer: measureAnswers(metrics),
    longestCallMs: longestMs,
  });
  describeApi(app, passwordPolicyOf(settings));
  const server: FastifyInstance = app.getHttpAdapter().getInstance();
  keepRawBodies(server, MAIL_EVENTS_PATH);
  await allowOrigins(server, settings.CORS_ORIGINS);
  keepLoginBoxShut(server);
  progress.start();
  const url = await listen(app, settings.HOST, settings.API_PORT, 'API_PORT');
  return {
    endpoints: { api: url, internal },
    stopsWithinMs: longestMs + LETTING_GO_MS,
    async stop() {
      clearInterval(everyMinute);
      startUp.stopping.abort();
      await app.close();
      await throttle.settlePutOff();
      await progress.stop();
      await startUp.stop();
    },
  };
}

function warnOfCompositionRules(policy: PasswordPolicy, log: Log): void {
  const rules = compositionRulesOf(policy);
  if (rules.length === 0) return;
  log.warn(
    { rules },
    'passwords must be composed by rules, which makes them worse: NIST SP 800-63B and OWASP ASVS 6.2.5 forbid it',
  );
}

runProcess('api', start);
