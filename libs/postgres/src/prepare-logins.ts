import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import type { Database } from './database.js';
import type { DatabaseLogins } from './grant-rights.js';
import { productSchemas, quoted } from './rights.js';

/** The login of each process, and the one that owns the tables and migrates them. */
export type PreparedLogins = DatabaseLogins & { readonly owner: string };

/** Names that `npm start` and the compose stack use. */
export const usualLogins: PreparedLogins = {
  owner: 'registration_owner',
  api: 'registration_api',
  worker: 'registration_worker',
  admin: 'registration_admin',
};

/**
 * What makes the logins, as SQL for the server's administrator. Executed again, it changes nothing. Passwords are given
 * afterwards; rights on tables are granted by `migrate`. It is executed in the database of the product.
 */
export function prepareStatements(logins: PreparedLogins): readonly string[] {
  const { owner, ...ofProcesses } = logins;
  const processes = Object.values(ofProcesses).map(quoted).join(', ');
  return [
    ...Object.values(logins).map(
      (login) => `DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = ${literal(login)}) THEN CREATE ROLE ${quoted(login)} LOGIN; END IF;
END $$`,
    ),
    `DO $$ BEGIN
  EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format(${literal(`GRANT CONNECT, CREATE ON DATABASE %I TO ${quoted(owner)}`)}, current_database());
  EXECUTE format(${literal(`GRANT CONNECT ON DATABASE %I TO ${processes}`)}, current_database());
END $$`,
    // The owner's functions cut their connections.
    `GRANT ${processes} TO ${quoted(owner)}`,
    takeOver(owner),
  ];
}

/** What an earlier version made as another role. A superuser may give things away to any role, others to one of theirs. */
function takeOver(owner: string): string {
  const schemas = productSchemas.map(literal).join(', ');
  const role = literal(quoted(owner));
  return `DO $$ DECLARE
  thing text;
BEGIN
  FOR thing IN
    SELECT 'SCHEMA ' || quote_ident(nspname) FROM pg_namespace
      WHERE nspname IN (${schemas}) AND nspowner <> ${role}::regrole
    UNION ALL SELECT 'TABLE ' || pg_class.oid::regclass
      FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
      WHERE nspname IN (${schemas}) AND relkind = 'r' AND relowner <> ${role}::regrole
    UNION ALL SELECT 'FUNCTION ' || pg_proc.oid::regprocedure
      FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
      WHERE nspname IN (${schemas}) AND proowner <> ${role}::regrole
  LOOP
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
      EXECUTE 'GRANT ' || ${role} || ' TO CURRENT_USER';
    END IF;
    EXECUTE 'ALTER ' || thing || ' OWNER TO ' || ${role};
  END LOOP;
END $$`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * Makes the logins, and gives them these passwords.
 *
 * @param database of the product, connected as the server's administrator
 * @param passwords printable ASCII
 * @throws StatementRefused, DatabaseUnavailable: nothing was changed
 */
export async function prepareLogins(
  database: Database,
  logins: PreparedLogins,
  passwords: PreparedLogins,
): Promise<void> {
  await database.inTransaction(async (transaction) => {
    for (const text of prepareStatements(logins)) await transaction.query({ text });
    for (const role of Object.keys(logins) as (keyof PreparedLogins)[]) {
      const secret = literal(scramSecret(passwords[role]));
      await transaction.query({
        text: `ALTER ROLE ${quoted(logins[role])} LOGIN PASSWORD ${secret}`,
      });
    }
  });
}

const ITERATIONS = 4_096;

/** As the server keeps it: a password in a statement would stand in its log. */
function scramSecret(password: string): string {
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256');
  const keyOf = (name: string) => createHmac('sha256', salted).update(name).digest();
  const stored = createHash('sha256').update(keyOf('Client Key')).digest();
  const [saltText, ...keys] = [salt, stored, keyOf('Server Key')].map((bytes) =>
    bytes.toString('base64'),
  );
  return `SCRAM-SHA-256$${ITERATIONS}:${saltText}$${keys.join(':')}`;
}
