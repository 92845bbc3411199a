import { ConfigurationError } from '@app/process';
import type { Database, Queryable } from './database.js';
import { databaseRoles, grantStatements, loginSetting, tableRights } from './rights.js';
import type { DatabaseRole } from './rights.js';

/** The login of each process. */
export type DatabaseLogins = Readonly<Record<DatabaseRole, string>>;

const LOCK = 'rights of the logins';

/**
 * Leaves each login exactly the rights of its process, also on what the newest migrations made.
 *
 * @param database connected as the owner of the tables
 * @throws ConfigurationError logins whose rights cannot be those of a process: nothing was granted
 * @throws DatabaseUnavailable
 */
export async function grantRights(database: Database, logins: DatabaseLogins): Promise<void> {
  await database.inTransaction(async (transaction) => {
    await transaction.query({
      text: 'select pg_advisory_xact_lock(hashtextextended($1, 0))',
      values: [LOCK],
    });
    await requireFit(transaction, logins);
    const { rows } = await transaction.query<{ name: string }>({
      text: 'select name from unnest($1::text[]) as wanted (name) where to_regclass(name) is null',
      values: [Object.keys(tableRights)],
    });
    const lost = rows.map(({ name }) => ` ON ${name} TO `);
    for (const role of databaseRoles) {
      for (const text of grantStatements(role, logins[role])) {
        // The rebuild of a lost table gives it the rights that its definition keeps.
        if (!lost.some((place) => text.includes(place))) await transaction.query({ text });
      }
    }
  });
}

/** Rights from elsewhere would make those that are granted worth nothing. */
async function requireFit(database: Queryable, logins: DatabaseLogins): Promise<void> {
  const { rows } = await database.query<{ role: DatabaseRole; fault: string }>({
    text: `select role, fault from (
             select role, case
               when found.oid is null then 'does not exist'
               when found.rolsuper or found.rolcreaterole or found.rolcreatedb or found.rolreplication
                   or found.rolbypassrls
                 then 'is a superuser, or may make roles or databases, replicate, or bypass row security'
               when found.oid = owner.oid then 'owns the tables'
               when pg_has_role(found.oid, owner.oid, 'member') then 'is a member of the owner of the tables'
               when not pg_has_role(found.oid, 'usage')
                 then 'was not granted to ' || owner.rolname || ', which has to cut its connections'
               when (select count(*) from unnest($2::text[]) as other (login) where other.login = wanted.login) > 1
                 then 'is the login of another process, too'
             end as fault
             from unnest($1::text[], $2::text[]) as wanted (role, login)
               left join pg_roles as found on found.rolname = wanted.login
               join pg_roles as owner on owner.rolname = current_user) as logins
           where fault is not null`,
    values: [databaseRoles, databaseRoles.map((role) => logins[role])],
  });
  if (rows.length === 0) return;
  throw new ConfigurationError(
    rows.map(
      ({ role, fault }) =>
        `${loginSetting(role)} names ${logins[role]}, which ${fault}: run registration database prepare`,
    ),
  );
}
