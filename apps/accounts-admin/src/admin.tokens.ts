import type { Account, AccountEvent, OperatorCommand } from '@app/accounts';
import type { StreamBehaviour } from '@app/event-store';

/** Injection tokens of the ports that `accounts-admin.module.ts` binds to their adapters. */

/** How account streams are read, decided upon at the command of an operator, and appended to. */
export type OperatedAccounts = StreamBehaviour<OperatorCommand, AccountEvent, Account>;
/** `OperatedAccounts`. */
export const OPERATED_ACCOUNTS = Symbol('OperatedAccounts');

/** `Queryable` of @app/postgres: quick queries. */
export const READ_MODEL = Symbol('ReadModel');
/** `Database` of @app/postgres, whose statements may run for minutes. */
export const REBUILD_DATABASE = Symbol('RebuildDatabase');
/** `ErasureReceipts`, which signs exports as well, or undefined when no key for them is configured. */
export const RECEIPTS = Symbol('ErasureReceipts');
/** `ActivationSettings` of what-if/rules.ts: the settings that the policy was made of. */
export const ACTIVATION_SETTINGS = Symbol('ActivationSettings');
/** `readonly SettingReport[]` of accounts-admin.settings.ts. */
export const SETTING_REPORTS = Symbol('SettingReports');
/** `ReadModelProgress` of @app/consumers: how far the audit projection has come. */
export const AUDIT_PROGRESS = Symbol('AuditProgress');
