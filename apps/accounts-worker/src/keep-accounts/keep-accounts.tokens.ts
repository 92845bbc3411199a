export { EVENT_STORE } from '@app/event-store';
export { ACCOUNT_EVENT_CODEC } from '@app/personal-data';
export { LOG } from '@app/service';

/** PostgreSQL (`Database` of @app/read-model). */
export const DATABASE = Symbol('Database');
