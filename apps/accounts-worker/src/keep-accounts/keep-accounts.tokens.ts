/** The event store (`EventStore` of @app/event-store). */
export const EVENT_STORE = Symbol('EventStore');

/** Translates account events (`EventCodec<AccountEvent>` of @app/event-store). */
export const ACCOUNT_EVENT_CODEC = Symbol('EventCodec<AccountEvent>');

/** PostgreSQL (`Database` of @app/read-model). */
export const DATABASE = Symbol('Database');

/** The process' log (`Log` of @app/service). */
export const LOG = Symbol('Log');
