import { ActivationCodes } from '@app/account-secrets';
import { ACTIVATION_POLICY, accountDecider, activationPolicyOf } from '@app/accounts';
import type { EventStore } from '@app/event-store';
import { ACCOUNTS, AccountEventCodec, AccountKeys, SealedSnapshots } from '@app/personal-data';
import type { Accounts } from '@app/personal-data';
import type { Database } from '@app/postgres';
import type { SagaName } from '@app/views';
import { CLOCK, LOG } from '@app/process';
import type { Clock, Log } from '@app/process';
import type { DynamicModule } from '@nestjs/common';
import type { AccountsWorkerSettings } from './accounts-worker.settings.js';
import { DATABASE } from './database.token.js';
import { DurableCqrsModule, DurableEventBus } from './durable-sagas/durable-event-bus.js';
import { ForgetPersonHandler } from './forget-person/forget-person.handler.js';
import { ForgetPersonSaga, PersonForgottenEvent } from './forget-person/forget-person.saga.js';
import { LapseRegistrations, RETENTION_POLICY } from './lapse-registrations/lapse-registrations.js';
import type { RetentionPolicy } from './lapse-registrations/lapse-registrations.js';
import { MailGate } from './mail-delivery/mail-gate.js';
import { MailProviders } from './mail-delivery/mail-providers.js';
import { NotifyOwnerHandler } from './notify-owner/notify-owner.handler.js';
import { NotifyOwnerSaga, OwnerNoticeIssuedEvent } from './notify-owner/notify-owner.saga.js';
import { RunningConsumers } from './running-consumers.js';
import type { Reaction } from './running-consumers.js';
import {
  ActivationCodeIssuedEvent,
  SendActivationCodeSaga,
} from './send-activation-code/send-activation-code.saga.js';
import { SendActivationCodeHandler } from './send-activation-code/send-activation-code.handler.js';

const DAY_MS = 86_400_000;
/** At most ten registrations a second lapse. */
const LAPSE_PAUSE_MS = 100;
const LAPSE_INTERVAL_MS = 3_600_000;
const FORGET_CONCURRENCY = 8;

/** What main.ts has connected to. */
export interface WorkerParts {
  readonly settings: AccountsWorkerSettings;
  readonly store: EventStore;
  readonly database: Database;
  readonly keys: AccountKeys;
  readonly mailProviders: MailProviders;
  readonly clock: Clock;
  readonly log: Log;
}

/** Binds each port to its adapter. */
export class AccountsWorkerModule {
  static with(parts: WorkerParts): DynamicModule {
    const { settings, store, database, keys, mailProviders, clock, log } = parts;
    const policy = activationPolicyOf(settings);
    const codec = new AccountEventCodec(keys);
    const snapshots = new SealedSnapshots(database, keys, (error) =>
      log.warn({ err: error }, 'a snapshot could not be used or kept'),
    );
    const accounts: Accounts = { store, codec, decider: accountDecider(policy), snapshots };
    const retention: RetentionPolicy = {
      retentionMs: settings.REGISTRATION_RETENTION_DAYS * DAY_MS,
      pauseMs: LAPSE_PAUSE_MS,
      intervalMs: LAPSE_INTERVAL_MS,
    };
    return {
      module: AccountsWorkerModule,
      imports: [DurableCqrsModule],
      providers: [
        SendActivationCodeSaga,
        SendActivationCodeHandler,
        NotifyOwnerSaga,
        NotifyOwnerHandler,
        ForgetPersonSaga,
        ForgetPersonHandler,
        LapseRegistrations,
        {
          provide: RunningConsumers,
          inject: [DurableEventBus],
          useFactory: (eventBus: DurableEventBus) =>
            new RunningConsumers(
              { store, codec, database, keys, eventBus, clock, log },
              reactionsOf(parts),
            ),
        },
        { provide: AccountKeys, useValue: keys },
        { provide: RETENTION_POLICY, useValue: retention },
        { provide: ACCOUNTS, useValue: accounts },
        { provide: ACTIVATION_POLICY, useValue: policy },
        { provide: ActivationCodes, useValue: new ActivationCodes(settings.ACTIVATION_CODE_KEYS) },
        { provide: MailProviders, useValue: mailProviders },
        { provide: CLOCK, useValue: clock },
        { provide: DATABASE, useValue: database },
        { provide: LOG, useValue: log },
      ],
    };
  }
}

function reactionsOf(parts: WorkerParts): Readonly<Record<SagaName, Reaction>> {
  const { settings, mailProviders } = parts;
  return {
    'activation-mail': {
      events: {
        ActivationCodeIssued: ActivationCodeIssuedEvent,
        OwnerNoticeIssued: OwnerNoticeIssuedEvent,
      },
      gate: new MailGate(mailProviders),
      windowSize: settings.EMAIL_CONCURRENCY,
    },
    'forget-persons': {
      events: { AccountErased: PersonForgottenEvent, RegistrationLapsed: PersonForgottenEvent },
      windowSize: FORGET_CONCURRENCY,
    },
  };
}
