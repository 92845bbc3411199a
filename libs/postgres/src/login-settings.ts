import { ConfigurationError, processSettings, setting } from '@app/process';
import * as z from 'zod';
import type { DatabaseLogins } from './grant-rights.js';

const login = () => z.string().max(63, 'must have 63 characters or fewer');
const password = () =>
  setting.secret(
    z.string().regex(/^[!-~]{16,}$/, 'must have 16 printable ASCII characters or more'),
  );

const ofProcesses = {
  DATABASE_ROLE_API: login()
    .optional()
    .describe('Login of the API in PostgreSQL, which gets its rights'),
  DATABASE_ROLE_WORKER: login().optional().describe('Login of the worker'),
  DATABASE_ROLE_ADMIN: login().optional().describe('Login of the admin API'),
};

/** What `migrate` reads. All three logins, or none: then one login has all rights. */
export const migrateSettingTypes = { DATABASE_URL: processSettings.DATABASE_URL, ...ofProcesses };

export const loginsSettingTypes = {
  ...ofProcesses,
  DATABASE_ROLE_OWNER: login().optional().describe('Login that owns the tables and migrates them'),
};

/** What `registration database prepare` reads besides. */
export const prepareSettingTypes = {
  DATABASE_URL: processSettings.DATABASE_URL,
  DATABASE_PASSWORD_OWNER: password().describe('Given to the owner’s login'),
  DATABASE_PASSWORD_API: password().describe('Given to the login of the API'),
  DATABASE_PASSWORD_WORKER: password().describe('Given to the login of the worker'),
  DATABASE_PASSWORD_ADMIN: password().describe('Given to the login of the admin API'),
};

type NamedLogins = Readonly<Partial<Record<keyof typeof ofProcesses, string | undefined>>>;

/**
 * The logins that the settings name; undefined when they name none.
 *
 * @throws ConfigurationError some are named, and others are not
 */
export function namedLogins(named: NamedLogins): DatabaseLogins | undefined {
  const {
    DATABASE_ROLE_API: api,
    DATABASE_ROLE_WORKER: worker,
    DATABASE_ROLE_ADMIN: admin,
  } = named;
  if (api && worker && admin) return { api, worker, admin };
  const names = Object.keys(ofProcesses) as (keyof NamedLogins)[];
  const missing = names.filter((name) => !named[name]);
  if (missing.length === names.length) return undefined;
  throw new ConfigurationError(
    missing.map((name) => `${name} is missing: each process has a login of its own, or none has`),
  );
}
