import { AccountIds, ActivationCodes, BucketNames } from '@app/account-secrets';
import { ACTIVATION_POLICY, activationPolicyOf, operatorDecider } from '@app/accounts';
import { EVENT_STORE } from '@app/event-store';
import type { EventStore } from '@app/event-store';
import { ACCOUNT_EVENT_CODEC, AccountEventCodec, AccountKeys } from '@app/personal-data';
import { ReadModelProgress } from '@app/consumers';
import type { Database } from '@app/postgres';
import { auditProjection } from '@app/views';
import { CLOCK, LOG } from '@app/process';
import type { Clock, Environment, Log } from '@app/process';
import type { DynamicModule } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { reportSettings } from './accounts-admin.settings.js';
import type { AccountsAdminSettings } from './accounts-admin.settings.js';
import { AdminKeyGuard } from './keys/admin-key.guard.js';
import { AdminKeys } from './keys/admin-keys.js';
import { ManageAdminKeysController } from './keys/manage-admin-keys.controller.js';
import { IssueAdminKeyHandler, RevokeAdminKeyHandler } from './keys/manage-admin-keys.handlers.js';
import {
  ACTIVATION_SETTINGS,
  AUDIT_PROGRESS,
  OPERATED_ACCOUNTS,
  READ_MODEL,
  REBUILD_DATABASE,
  RECEIPTS,
  SETTING_REPORTS,
} from './admin.tokens.js';
import type { OperatedAccounts } from './admin.tokens.js';
import { AuditLog } from './evidence/audit/audit-log.js';
import { FindAuditController } from './evidence/audit/find-audit.controller.js';
import { RecordCallsInterceptor } from './evidence/audit/record-calls.interceptor.js';
import { SendLinesInterceptor } from './evidence/send-lines.interceptor.js';
import { CallRecords } from './evidence/audit/recorded-calls.js';
import { DecideFailedEventsController } from './failed-events/decide-failed-events.controller.js';
import { DecideFailedEventHandler } from './failed-events/decide-failed-events.handler.js';
import { EraseAccountController } from './accounts/erase-account/erase-account.controller.js';
import { EraseAccountHandler } from './accounts/erase-account/erase-account.handler.js';
import { ErasureReceipts } from './accounts/erase-account/erasure-receipts.js';
import { FreeAccountController } from './accounts/free-account/free-account.controller.js';
import { FreeAccountHandler } from './accounts/free-account/free-account.handler.js';
import { SharedBudgets } from './accounts/free-account/shared-budgets.js';
import { ExplainAccountController } from './accounts/explain-account/explain-account.controller.js';
import { ExportHeadsController } from './evidence/export-heads/export-heads.controller.js';
import { ExportHistoryController } from './evidence/export-history/export-history.controller.js';
import { FindAccountsController } from './accounts/find-accounts/find-accounts.controller.js';
import { FindActivationMailsController } from './mails/find-activation-mails/find-activation-mails.controller.js';
import { LogScan } from './evidence/log-scan.js';
import { RebuildProjectionController } from './projections/rebuild-projection/rebuild-projection.controller.js';
import { RebuildProjectionHandler } from './projections/rebuild-projection/rebuild-projection.handler.js';
import { AccountHistory } from './accounts/replay-account/account-history.js';
import { ReplayAccountController } from './accounts/replay-account/replay-account.controller.js';
import { RetryActivationMailController } from './mails/retry-activation-mail/retry-activation-mail.controller.js';
import { RetryActivationMailHandler } from './mails/retry-activation-mail/retry-activation-mail.handler.js';
import { SupportBundleController } from './support/support-bundle/support-bundle.controller.js';
import { VerifyAccountController } from './evidence/verify-account/verify-account.controller.js';
import { VerifyAccountsController } from './evidence/verify-accounts/verify-accounts.controller.js';
import { ViewAccountStateController } from './accounts/view-account-state/view-account-state.controller.js';
import { ViewStatisticsController } from './projections/view-statistics/view-statistics.controller.js';
import { WatchProjectionsController } from './projections/watch-projections/watch-projections.controller.js';
import { WatchProjectionsQuery } from './projections/watch-projections/watch-projections.query.js';
import { WhatIfController } from './support/what-if/what-if.controller.js';

/** What main.ts has connected to already. */
export interface AdminConnections {
  readonly eventStore: EventStore;
  readonly database: Database;
  /** For statements that run for minutes. */
  readonly rebuildDatabase: Database;
  readonly log: Log;
  readonly clock: Clock;
  /** That the settings were read from; the process' own when left out. */
  readonly environment?: Environment;
}

/** Binds each port to its adapter; the only place where both are named. */
export class AccountsAdminModule {
  static with(settings: AccountsAdminSettings, connections: AdminConnections): DynamicModule {
    const { eventStore, database, rebuildDatabase, log, clock, environment } = connections;
    const accountKeys = new AccountKeys(database, settings.PERSONAL_DATA_KEYS);
    const codec = new AccountEventCodec(accountKeys);
    const accounts: OperatedAccounts = { store: eventStore, codec, decider: operatorDecider };
    const { RECEIPT_KEY: receiptKey } = settings;
    return {
      module: AccountsAdminModule,
      imports: [CqrsModule.forRoot()],
      controllers: [
        FindAccountsController,
        ViewAccountStateController,
        ReplayAccountController,
        ExplainAccountController,
        VerifyAccountController,
        VerifyAccountsController,
        ExportHistoryController,
        ExportHeadsController,
        FindAuditController,
        EraseAccountController,
        FreeAccountController,
        FindActivationMailsController,
        RetryActivationMailController,
        ViewStatisticsController,
        WatchProjectionsController,
        RebuildProjectionController,
        DecideFailedEventsController,
        ManageAdminKeysController,
        WhatIfController,
        SupportBundleController,
      ],
      providers: [
        // In front of every route, those of later controllers included.
        { provide: APP_GUARD, useClass: AdminKeyGuard },
        { provide: APP_INTERCEPTOR, useClass: RecordCallsInterceptor },
        // Inside the one before: an answer is recorded once its first line is known.
        { provide: APP_INTERCEPTOR, useClass: SendLinesInterceptor },
        CallRecords,
        AccountHistory,
        LogScan,
        EraseAccountHandler,
        FreeAccountHandler,
        RetryActivationMailHandler,
        WatchProjectionsQuery,
        RebuildProjectionHandler,
        DecideFailedEventHandler,
        IssueAdminKeyHandler,
        RevokeAdminKeyHandler,
        { provide: EVENT_STORE, useValue: eventStore },
        { provide: ACCOUNT_EVENT_CODEC, useValue: codec },
        { provide: OPERATED_ACCOUNTS, useValue: accounts },
        { provide: AccountKeys, useValue: accountKeys },
        { provide: RECEIPTS, useValue: receiptKey && new ErasureReceipts(receiptKey) },
        { provide: READ_MODEL, useValue: database },
        { provide: REBUILD_DATABASE, useValue: rebuildDatabase },
        { provide: ACTIVATION_POLICY, useValue: activationPolicyOf(settings) },
        { provide: ACTIVATION_SETTINGS, useValue: settings },
        { provide: SETTING_REPORTS, useValue: reportSettings(settings, environment) },
        { provide: CLOCK, useValue: clock },
        { provide: LOG, useValue: log },
        { provide: AdminKeys, useValue: new AdminKeys(database) },
        { provide: AuditLog, useValue: new AuditLog(eventStore, clock) },
        {
          provide: AUDIT_PROGRESS,
          useValue: new ReadModelProgress({ database, consumer: auditProjection.name }),
        },
        {
          provide: SharedBudgets,
          useValue: new SharedBudgets(database, new BucketNames(settings.ADDRESS_KEY)),
        },
        { provide: AccountIds, useValue: new AccountIds(settings.ADDRESS_KEY) },
        { provide: ActivationCodes, useValue: new ActivationCodes(settings.ACTIVATION_CODE_KEYS) },
      ],
    };
  }
}
