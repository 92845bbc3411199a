import type { Account, AccountCommand, AccountEvent } from '@app/accounts';
import type { StreamBehaviour } from '@app/event-store';

/** How account streams are read, decided upon and appended to. */
export type Accounts = StreamBehaviour<AccountCommand, AccountEvent, Account>;

/** Injection tokens of the ports that `accounts-api.module.ts` binds to their adapters. */
export const ACCOUNTS = Symbol('Accounts');
export const ACTIVATION_POLICY = Symbol('ActivationPolicy');
export const CLOCK = Symbol('Clock');
export const LOG = Symbol('Log');
/** The Queryable that accounts are looked up in. */
export const READ_MODEL = Symbol('ReadModel');
