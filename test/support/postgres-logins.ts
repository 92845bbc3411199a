import { randomBytes } from 'node:crypto';
import { grantRights, prepareLogins } from '@app/postgres';
import type { Database, PreparedLogins } from '@app/postgres';
import { migrate } from '@app/postgres/migrate.js';
import { createPool } from '@app/postgres/postgres.js';

export interface LoginsOfDatabase {
  readonly logins: PreparedLogins;
  /** Of the database, with each login. */
  readonly urls: PreparedLogins;
}

/** Logins that no other spec has: they belong to the server, not to one database. */
export function newLogins(): PreparedLogins {
  const prefix = `spec_${randomBytes(5).toString('hex')}`;
  return {
    owner: `${prefix}_owner`,
    api: `${prefix}_api`,
    worker: `${prefix}_worker`,
    admin: `${prefix}_admin`,
  };
}

export async function connected<Result>(
  url: string,
  work: (database: Database) => Promise<Result>,
): Promise<Result> {
  const database = createPool(url, {
    max: 2,
    applicationName: 'spec',
    statementTimeoutMs: 10_000,
    allowUnconfirmed: true,
  });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

/**
 * Gives a database a login for each process, with its rights, and migrates it as its owner.
 *
 * @param url of the server's superuser
 */
export async function giveLogins(url: string): Promise<LoginsOfDatabase> {
  const logins = newLogins();
  const passwords = newPasswords();
  await connected(url, (database) => prepareLogins(database, logins, passwords));
  const urlOf = (role: keyof PreparedLogins) => {
    const other = new URL(url);
    other.username = logins[role];
    other.password = passwords[role];
    return other.href;
  };
  const urls = {
    owner: urlOf('owner'),
    api: urlOf('api'),
    worker: urlOf('worker'),
    admin: urlOf('admin'),
  };
  await migrate(urls.owner);
  await connected(urls.owner, (database) => grantRights(database, logins));
  return { logins, urls };
}

export function newPasswords(): PreparedLogins {
  const password = () => randomBytes(18).toString('base64url');
  return { owner: password(), api: password(), worker: password(), admin: password() };
}
