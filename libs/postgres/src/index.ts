export * from './database.js';
export { SessionsNotKept, requireSessions } from './sessions.js';
export { SchemaMissing, requireSchema } from './schema.js';
export { readServerTime } from './server-time.js';
export { plainArray } from './plain-array.js';
