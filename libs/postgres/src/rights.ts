import type { Queryable } from './database.js';

/** The processes that have a login of their own. */
export const databaseRoles = ['api', 'worker', 'admin'] as const;

export type DatabaseRole = (typeof databaseRoles)[number];

type Grants = Readonly<Partial<Record<DatabaseRole, readonly string[]>>>;

const READ = ['SELECT'];
const ADD = [...READ, 'INSERT'];
const KEEP = [...ADD, 'UPDATE'];
const ALL = [...KEEP, 'DELETE'];
/**
 * Which process may do what with which table: whatever does not stand here is refused by PostgreSQL. `UPDATE` of one
 * column that says nothing is what `select … for update` and `for share` ask for.
 */
export const tableRights: Readonly<Record<string, Grants>> = {
  'migrations.applied': { api: READ, worker: READ, admin: READ },
  'operations.admin_keys': { admin: KEEP },
  'operations.failed_events': { worker: ALL, admin: [...READ, 'UPDATE'] },
  'operations.leases': { worker: KEEP },
  'operations.pairing': { api: READ, worker: KEEP, admin: READ },
  'operations.projection_reports': { worker: KEEP, admin: READ },
  'operations.rebuilds': { admin: KEEP },
  'operations.secret_sentinels': { api: ADD, worker: ADD, admin: ADD },
  'operations.unreadable_accounts': { worker: ALL, admin: KEEP },
  'personal_data.account_keys': {
    // A key can be made, and held by a transaction; not replaced or destroyed.
    api: [
      ...READ,
      'INSERT (account_id, generation, wrapped_key, key_encryption_key_id)',
      'UPDATE (created_at)',
    ],
    worker: ALL,
    admin: [
      ...READ,
      'INSERT (account_id, generation, wrapped_key, key_encryption_key_id, destroyed_at)',
      'UPDATE (wrapped_key, key_encryption_key_id, destroyed_at)',
      'DELETE',
    ],
  },
  'personal_data.account_snapshots': { api: KEEP, worker: ALL, admin: [...READ, 'DELETE'] },
  'read_model.accounts': { worker: ALL, admin: READ },
  'read_model.activation_mails': { worker: KEEP, admin: READ },
  'read_model.audit': { worker: ADD, admin: READ },
  'read_model.checkpoints': { api: READ, worker: KEEP, admin: [...READ, 'UPDATE (updated_at)'] },
  'read_model.statistics': { worker: KEEP, admin: READ },
  'throttling.buckets': { api: ALL, admin: [...READ, 'DELETE'] },
};

/** Which process may call which function. */
export const functionRights: Readonly<Record<string, readonly DatabaseRole[]>> = {
  'operations.database_identity()': databaseRoles,
  'operations.cut_connections()': ['worker'],
  'read_model.highest_hash_cost(text)': ['worker', 'admin'],
  'read_model.credentials_of(uuid, text)': ['api'],
  'read_model.highest_cost_in_use()': ['api'],
  'personal_data.begin_account(uuid, text, bytea, text, text, bigint)': ['api'],
  'read_model.blank_account(uuid, integer)': ['worker', 'admin'],
  'throttling.demands_that_count(jsonb)': ['api'],
  'throttling.set_marks(jsonb)': ['api'],
  'throttling.count_calls(jsonb, text[])': ['api'],
  'read_model_rebuild.definition_of(text)': ['admin'],
  'read_model_rebuild.create_table(text)': ['admin'],
  'read_model_rebuild.index_table(text)': ['admin'],
  'read_model_rebuild.drop_table(text)': ['admin'],
  'read_model_rebuild.switch_table(text)': ['admin'],
};

/** Every schema that the migrations make, and what they keep of themselves. */
export const productSchemas = [
  ...new Set([...Object.keys(tableRights), ...Object.keys(functionRights)].map(schemaOf)),
  'read_model_definition',
];

/** Schemas in which the process has a right. */
function schemasOf(role: DatabaseRole): readonly string[] {
  const tables = Object.entries(tableRights).filter(([, grants]) => grants[role]);
  const functions = Object.entries(functionRights).filter(([, roles]) => roles.includes(role));
  return [...new Set([...tables, ...functions].map(([name]) => schemaOf(name)))];
}

function schemaOf(name: string): string {
  return name.slice(0, name.indexOf('.'));
}

/** The name of a role, as it stands in SQL. */
export function quoted(role: string): string {
  return `"${role.replaceAll('"', '""')}"`;
}

/** Statements that leave a login exactly the rights of its process. The owner of the tables executes them. */
export function grantStatements(role: DatabaseRole, login: string): readonly string[] {
  const to = quoted(login);
  const schemas = productSchemas.join(', ');
  // A rebuild may be under way: its tables are left alone.
  const lasting = productSchemas.filter((name) => name !== 'read_model_rebuild').join(', ');
  return [
    `REVOKE ALL ON ALL TABLES IN SCHEMA ${lasting} FROM ${to}`,
    `REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ${schemas} FROM ${to}`,
    `REVOKE ALL ON SCHEMA ${schemas} FROM ${to}`,
    `GRANT USAGE ON SCHEMA ${schemasOf(role).join(', ')} TO ${to}`,
    ...Object.entries(tableRights).flatMap(([table, grants]) =>
      grants[role] ? [`GRANT ${grants[role].join(', ')} ON ${table} TO ${to}`] : [],
    ),
    ...Object.entries(functionRights)
      .filter(([, roles]) => roles.includes(role))
      .map(([name]) => `GRANT EXECUTE ON FUNCTION ${name} TO ${to}`),
  ];
}

/** The name of the setting that says which login a process has. */
export function loginSetting(role: DatabaseRole): string {
  return `DATABASE_ROLE_${role.toUpperCase()}`;
}

/** The login of this process lacks a right. */
export class RightsMissing extends Error {
  constructor(role: DatabaseRole, login: string, what: string) {
    super(
      `DATABASE_URL has the login ${login}, which lacks ${what}: run migrate with ${loginSetting(role)}=${login} ` +
        `(docs/operations.md, "A login for each process")`,
    );
    this.name = 'RightsMissing';
  }
}

interface SingleRight {
  readonly name: string;
  readonly verb: string;
  readonly column: string | null;
}

function singleRightsOf(role: DatabaseRole): readonly SingleRight[] {
  const onTables = Object.entries(tableRights).flatMap(([name, grants]) =>
    (grants[role] ?? []).flatMap((right) => {
      const [verb = '', columns] = right.split(/ \(|\)/);
      return (columns?.split(', ') ?? [null]).map((column) => ({ name, verb, column }));
    }),
  );
  const onFunctions = Object.entries(functionRights)
    .filter(([, roles]) => roles.includes(role))
    .map(([name]) => ({ name, verb: 'EXECUTE', column: null }));
  const onSchemas = schemasOf(role).map((name) => ({ name, verb: 'USAGE', column: null }));
  return [...onSchemas, ...onTables, ...onFunctions];
}

/**
 * Checks that the login of this process may do what the process does. What is missing as a whole is left to
 * `requireSchema`.
 *
 * @throws RightsMissing, DatabaseUnavailable
 */
export async function requireRights(database: Queryable, role: DatabaseRole): Promise<void> {
  const rights = singleRightsOf(role);
  const { rows } = await database.query<{ login: string; what: string }>({
    name: 'find-missing-right',
    // A case for each kind: a look-up by name in a schema that may not be used is an error.
    text: `select current_user as login, wanted.verb || ' on ' || wanted.name as what
           from unnest($1::text[], $2::text[], $3::text[])
               with ordinality as wanted (name, verb, column_name, place)
             join pg_namespace on nspname = split_part(wanted.name, '.', 1)
             left join pg_class
               on relnamespace = pg_namespace.oid and relname = split_part(wanted.name, '.', 2)
           where not coalesce(case
             when not has_schema_privilege(pg_namespace.oid, 'USAGE') then false
             when wanted.verb = 'USAGE' then true
             when wanted.verb = 'EXECUTE'
               then has_function_privilege(to_regprocedure(wanted.name)::oid, 'EXECUTE')
             when wanted.column_name is null then has_table_privilege(pg_class.oid, wanted.verb)
             else has_column_privilege(pg_class.oid, wanted.column_name, wanted.verb)
           end, true)
           order by place limit 1`,
    values: [
      rights.map(({ name }) => name),
      rights.map(({ verb }) => verb),
      rights.map(({ column }) => column),
    ],
  });
  const [first] = rows;
  if (first) throw new RightsMissing(role, first.login, first.what);
}
