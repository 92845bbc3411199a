import { ActivationCodes } from '@app/account-secrets';
import { ACTIVATION_POLICY } from '@app/accounts';
import type { ActivationPolicy } from '@app/accounts';
import { EVENT_STORE } from '@app/event-store';
import { ACCOUNTS, ACCOUNT_EVENT_CODEC, AccountKeys } from '@app/personal-data';
import type { Accounts } from '@app/personal-data';
import { CLOCK, LOG, systemClock } from '@app/service';
import type { Log } from '@app/service';
import type { DynamicModule } from '@nestjs/common';
import type { Database } from '@app/read-model';
import { DurableCqrsModule } from './durable-sagas/durable-event-bus.js';
import { ForgetPersonHandler } from './forget-person/forget-person.handler.js';
import { ForgetPersonSaga } from './forget-person/forget-person.saga.js';
import { DATABASE } from './keep-accounts/keep-accounts.tokens.js';
import { KeepAccounts } from './keep-accounts/keep-accounts.js';
import { KeepOperatorViews } from './keep-operator-views/keep-operator-views.js';
import { LapseRegistrations, RETENTION_POLICY } from './lapse-registrations/lapse-registrations.js';
import type { RetentionPolicy } from './lapse-registrations/lapse-registrations.js';
import { NotifyOwnerHandler } from './notify-owner/notify-owner.handler.js';
import { NotifyOwnerSaga } from './notify-owner/notify-owner.saga.js';
import { SendActivationCodeSaga } from './send-activation-code/send-activation-code.saga.js';
import { MailDelivery } from './mail-delivery/mail-delivery.js';
import { MAIL_SENDER } from './mail-delivery/mail-sender.js';
import type { MailSender } from './mail-delivery/mail-sender.js';
import { SendActivationCodeHandler } from './send-activation-code/send-activation-code.handler.js';

/** What main.ts has made already. */
export interface WorkerParts {
  readonly accounts: Accounts;
  readonly policy: ActivationPolicy;
  readonly retention: RetentionPolicy;
  readonly accountKeys: AccountKeys;
  readonly activationCodes: ActivationCodes;
  readonly mailSender: MailSender;
  readonly database: Database;
  readonly log: Log;
}

/** Binds each port to its adapter. */
export class AccountsWorkerModule {
  static with(parts: WorkerParts): DynamicModule {
    const { accounts, policy, retention, accountKeys } = parts;
    const { activationCodes, mailSender, database, log } = parts;
    return {
      module: AccountsWorkerModule,
      imports: [DurableCqrsModule],
      providers: [
        KeepAccounts,
        KeepOperatorViews,
        SendActivationCodeSaga,
        SendActivationCodeHandler,
        NotifyOwnerSaga,
        NotifyOwnerHandler,
        MailDelivery,
        ForgetPersonSaga,
        ForgetPersonHandler,
        LapseRegistrations,
        { provide: AccountKeys, useValue: accountKeys },
        { provide: RETENTION_POLICY, useValue: retention },
        { provide: ACCOUNTS, useValue: accounts },
        { provide: ACTIVATION_POLICY, useValue: policy },
        { provide: ActivationCodes, useValue: activationCodes },
        { provide: MAIL_SENDER, useValue: mailSender },
        { provide: CLOCK, useValue: systemClock },
        { provide: EVENT_STORE, useValue: accounts.store },
        { provide: ACCOUNT_EVENT_CODEC, useValue: accounts.codec },
        { provide: DATABASE, useValue: database },
        { provide: LOG, useValue: log },
      ],
    };
  }
}
