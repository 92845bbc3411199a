import type { Account, AccountCommand, AccountEvent } from '@app/accounts';
import type { StreamBehaviour } from '@app/event-store';

/** How account streams are read, decided upon and appended to. */
export type Accounts = StreamBehaviour<AccountCommand, AccountEvent, Account>;

/** Injection tokens of the ports that `accounts-worker.module.ts` binds to their adapters. */
export const ACCOUNTS = Symbol('Accounts');
export const ACTIVATION_POLICY = Symbol('ActivationPolicy');
export const CLOCK = Symbol('Clock');
/** PostgreSQL (`Database` of @app/read-model). */
export const DATABASE = Symbol('Database');
/** The process' log (`Log` of @app/service). */
export const LOG = Symbol('Log');
