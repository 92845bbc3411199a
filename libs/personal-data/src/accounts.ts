import type { Account, AccountCommand, AccountEvent } from '@app/accounts';
import type { StreamBehaviour } from '@app/event-store';

/** How account streams are read, decided upon and appended to. */
export type Accounts = StreamBehaviour<AccountCommand, AccountEvent, Account>;

/** Injection token of `Accounts`. */
export const ACCOUNTS = Symbol('Accounts');
/** Injection token of the `EventCodec<AccountEvent>`. */
export const ACCOUNT_EVENT_CODEC = Symbol('EventCodec<AccountEvent>');
