export * from './database.js';
export { Batcher } from './batcher.js';
export { requireSessions } from './sessions.js';
export { grantRights } from './grant-rights.js';
export {
  loginsSettingTypes,
  migrateSettingTypes,
  namedLogins,
  prepareSettingTypes,
} from './login-settings.js';
export { prepareLogins, prepareStatements, usualLogins } from './prepare-logins.js';
export type { PreparedLogins } from './prepare-logins.js';
export { RightsMissing, requireRights } from './rights.js';
export type { DatabaseRole } from './rights.js';
export { SchemaMissing, requireSchema } from './schema.js';
export { readServerTime } from './server-time.js';
export { plainArray } from './plain-array.js';
export { recordOf } from './record-of.js';
export type { ColumnsOf } from './record-of.js';
