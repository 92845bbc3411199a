import { setTimeout as delay } from 'node:timers/promises';
import { types } from 'node:util';
import pg from 'pg';
import { DatabaseUnavailable, StatementRefused } from './database.js';
import { DatabaseHosts, DatabaseReadOnly, NotOfTheHost } from './hosts.js';
import type {
  Database,
  Durability,
  Queryable,
  Session,
  Statement,
  StatementResult,
} from './database.js';

export interface PoolOptions {
  /** Most connections at a time; later callers wait for one. */
  readonly max: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** Statements that run longer are cancelled, in milliseconds. */
  readonly statementTimeoutMs: number;
  /** Longest wait for a connection, in milliseconds. */
  readonly connectionTimeoutMs?: number;
  /**
   * Work with the database even when it is not known to belong to the event log (log-match.ts): for the
   * process that finds that out. Every other process is answered with the reason instead.
   */
  readonly allowUnconfirmed?: boolean;
  /** Called for each idle connection that broke; the pool replaces it by itself. */
  onConnectionLost?(error: DatabaseUnavailable): void;
}

const CONNECTION_TIMEOUT_MS = 2_000;
/** The server cancels first, so that the connection stays usable; this is for servers that hang. */
const CLIENT_TIMEOUT_SLACK_MS = 1_000;
/** A process that was frozen within a transaction holds up the next leader no longer than its lease does. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 5_000;
const SESSION_QUERY_TIMEOUT_MS = 3_000;
const CLOSE_TIMEOUT_MS = 1_000;
const WORKER_LOOKS_WITHIN_MS = 5_000;
const CONFIRMATION_POLL_MS = 100;
/** Another one costs a process of the server's, a login, and every statement's preparation. */
const IDLE_CONNECTIONS_KEPT_MS = 10 * 60_000;
const THE_CONNECTION = 'the connection';
/** What the driver's pool says when no connection became free in time. */
const POOL_EXHAUSTED = 'timeout exceeded when trying to connect';

/**
 * Connects to PostgreSQL on demand and keeps the connections.
 *
 * @param databaseUrl `postgres://user:password@host:port/database`; several hosts are separated by commas, and the
 *   first that may be written to is used
 */
export function createPool(databaseUrl: string, options: PoolOptions): Database {
  return new PostgresDatabase(databaseUrl, options);
}

/**
 * A connected client of the driver, for the migration tool, which asks for one. The caller ends it.
 *
 * @throws DatabaseUnavailable
 */
export async function connectClient(
  databaseUrl: string,
  applicationName: string,
): Promise<pg.Client> {
  const hosts = new DatabaseHosts(databaseUrl);
  return hosts.inTurn(async (url) => {
    const client = new pg.Client({
      connectionString: url,
      application_name: applicationName,
      connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
      ...OF_EVERY_CONNECTION,
    });
    // The statement under way is rejected as well; without a listener the event would end the process.
    client.on('error', () => undefined);
    try {
      await client.connect();
      if (hosts.mustWrite) await requireWritable(client);
      return client;
    } catch (error) {
      await client.end();
      throw translate(error, THE_CONNECTION);
    }
  });
}

class PostgresDatabase implements Database {
  private readonly pool: pg.Pool;
  private readonly hosts: DatabaseHosts;
  /** The host that each pooled connection leads to. */
  private readonly hostOf = new WeakMap<pg.ClientBase, string>();
  /** Connections whose database passed the check. */
  private readonly checked = new WeakSet<pg.ClientBase>();
  private readonly sessions = new Map<PostgresSession, string>();
  private readonly createdAt = performance.now();
  private closing: Promise<void> | undefined;

  constructor(
    databaseUrl: string,
    private readonly options: PoolOptions,
  ) {
    const hosts = new DatabaseHosts(databaseUrl, (left) => this.leave(left));
    this.hosts = hosts;
    const { hostOf } = this;
    this.pool = new pg.Pool({
      // Each new connection goes to the host that is in use by then.
      Client: class extends pg.Client {
        constructor(config?: pg.ClientConfig) {
          super({ ...config, connectionString: hosts.current });
          hostOf.set(this, hosts.current);
        }
      },
      application_name: options.applicationName,
      max: options.max,
      idleTimeoutMillis: IDLE_CONNECTIONS_KEPT_MS,
      connectionTimeoutMillis: options.connectionTimeoutMs ?? CONNECTION_TIMEOUT_MS,
      statement_timeout: options.statementTimeoutMs,
      query_timeout: options.statementTimeoutMs + CLIENT_TIMEOUT_SLACK_MS,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
      ...OF_EVERY_CONNECTION,
    });
    this.pool.on('error', (error) => options.onConnectionLost?.(unavailable(error)));
    // The pool listens to idle connections only. One that breaks between two statements of a
    // transaction would end the process; the next statement reports the loss.
    this.pool.on('connect', (client) => client.on('error', () => undefined));
  }

  /** A statement of its own that PostgreSQL rolled back, to let another one go on, is repeated. */
  async query<Row>(statement: Statement): Promise<StatementResult<Row>> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.queryOnce<Row>(statement);
      } catch (error) {
        if (!(error instanceof RolledBack) || attempt === MOST_ATTEMPTS) throw error;
      }
    }
  }

  private async queryOnce<Row>(statement: Statement): Promise<StatementResult<Row>> {
    const client = await this.acquire();
    let broken = true;
    try {
      const result = await run<Row>(client, statement);
      broken = false;
      return result;
    } catch (error) {
      broken = !(error instanceof StatementRefused || error instanceof RolledBack);
      this.noticeReadOnly(client, error);
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async inTransaction<Result>(
    work: (transaction: Queryable) => Promise<Result>,
    durability: Durability = 'immediate',
  ): Promise<Result> {
    const client = await this.acquire();
    let broken = true;
    try {
      await run(client, { text: durability === 'deferred' ? BEGIN_DEFERRED : 'begin' });
      const result = await work({ query: (statement) => run(client, statement) });
      await commit(client);
      broken = false;
      return result;
    } catch (error) {
      broken = !(await rolledBack(client));
      this.noticeReadOnly(client, error);
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async openSession(purpose: string): Promise<Session> {
    return this.hosts.inTurn((url) => this.openSessionAt(url, purpose));
  }

  private async openSessionAt(url: string, purpose: string): Promise<Session> {
    const client = new pg.Client({
      connectionString: url,
      application_name: `${this.options.applicationName} ${purpose}`,
      connectionTimeoutMillis: this.options.connectionTimeoutMs ?? CONNECTION_TIMEOUT_MS,
      query_timeout: SESSION_QUERY_TIMEOUT_MS,
      ...OF_EVERY_CONNECTION,
    });
    const session = new PostgresSession(client);
    this.sessions.set(session, url);
    client.once('end', () => this.sessions.delete(session));
    try {
      await client.connect();
      await this.check(client);
    } catch (error) {
      this.sessions.delete(session);
      await session.close();
      throw translate(error, THE_CONNECTION);
    }
    return session;
  }

  async checkAvailable(): Promise<void> {
    const client = await this.acquire();
    let broken = true;
    try {
      await requireWritable(client);
      broken = false;
    } catch (error) {
      this.noticeReadOnly(client, error);
      throw error;
    } finally {
      client.release(broken);
    }
  }

  close(): Promise<void> {
    this.closing ??= this.pool.end();
    return this.closing;
  }

  private acquire(): Promise<pg.PoolClient> {
    return this.hosts.inTurn(async () => {
      for (;;) {
        const client = await this.pool.connect().catch((error: unknown) => {
          throw translate(error, THE_CONNECTION);
        });
        if (this.hostOf.get(client) !== this.hosts.current) {
          // Of a host that was left.
          client.release(true);
          continue;
        }
        try {
          await this.check(client);
          return client;
        } catch (error) {
          client.release(true);
          throw error;
        }
      }
    });
  }

  /** Once per connection. */
  private async check(client: pg.ClientBase): Promise<void> {
    if (this.checked.has(client)) return;
    if (this.hosts.mustWrite) await requireWritable(client);
    await this.requirePaired(client);
    this.checked.add(client);
  }

  private noticeReadOnly(client: pg.PoolClient, error: unknown): void {
    if (error instanceof DatabaseReadOnly) this.hosts.moveOn(this.hostOf.get(client) ?? '');
  }

  /** Sessions on a server that was replaced would hear nothing, and never know. */
  private leave(host: string): void {
    for (const [session, url] of this.sessions) {
      if (url === host) session.lose(new DatabaseUnavailable('another server is used from now on'));
    }
  }

  /**
   * The process that finds a mismatch cuts the connections. A process that starts beside the worker gives it a moment
   * to look.
   */
  private async requirePaired(client: pg.ClientBase): Promise<void> {
    if (this.options.allowUnconfirmed) return;
    for (;;) {
      const unconfirmed = await findUnconfirmed(client);
      if (unconfirmed === undefined) return;
      const { refusal } = unconfirmed;
      const isTooLate = performance.now() - this.createdAt > WORKER_LOOKS_WITHIN_MS;
      if (refusal !== null || isTooLate) throw new NotOfTheHost(refusal ?? NOT_CHECKED_YET);
      await delay(CONFIRMATION_POLL_MS);
    }
  }
}

/** @throws DatabaseReadOnly */
async function requireWritable(client: pg.ClientBase): Promise<void> {
  const { rows } = await run<{ is_read_only: boolean }>(client, {
    text: `select current_setting('transaction_read_only')::boolean as is_read_only`,
  });
  if (rows[0]?.is_read_only) throw new DatabaseReadOnly();
}

interface Unconfirmed {
  /** Null until the worker has compared it. */
  readonly refusal: string | null;
}

/** Undefined for a database that may be worked with. */
async function findUnconfirmed(client: pg.ClientBase): Promise<Unconfirmed | undefined> {
  try {
    const { rows } = await run<Unconfirmed>(client, {
      text: `select refusal from operations.pairing
             where refusal is not null or database <> operations.database_identity()`,
    });
    return rows[0];
  } catch (error) {
    // A database without the migrations cannot mismatch.
    if (error instanceof StatementRefused && error.isForMissingTable) return undefined;
    throw error;
  }
}

const NOT_CHECKED_YET = 'it was restored from a copy, which the worker has not checked yet';

/** One round trip for both: the simple protocol takes several statements at once. */
const BEGIN_DEFERRED = 'begin; set local synchronous_commit to off';

async function commit(client: pg.PoolClient): Promise<void> {
  try {
    const { command } = await client.query('commit');
    // PostgreSQL answers the commit of a failed transaction by rolling it back, without an error.
    if (command !== 'COMMIT') {
      throw new StatementRefused('25P02', 'an earlier statement failed', 'commit', undefined);
    }
  } catch (error) {
    throw translate(error, 'commit');
  }
}

/** False when the connection is of no use any more; the server rolls back by itself then. */
async function rolledBack(client: pg.PoolClient): Promise<boolean> {
  return client.query('rollback').then(
    () => true,
    () => false,
  );
}

class PostgresSession implements Session {
  private lost: DatabaseUnavailable | undefined;
  private closing: Promise<void> | undefined;
  private readonly lostListeners: ((error: DatabaseUnavailable) => void)[] = [];

  constructor(private readonly client: pg.Client) {
    client.on('error', (error) => this.lose(unavailable(error)));
    client.on('end', () => this.lose(new DatabaseUnavailable('the connection ended')));
  }

  async query<Row>(statement: Statement): Promise<StatementResult<Row>> {
    if (this.lost) throw this.lost;
    return run<Row>(this.client, statement);
  }

  onNotification(listener: (channel: string, payload: string) => void): void {
    this.client.on('notification', ({ channel, payload }) => listener(channel, payload ?? ''));
  }

  onLost(listener: (error: DatabaseUnavailable) => void): void {
    if (this.lost) listener(this.lost);
    else this.lostListeners.push(listener);
  }

  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    // A connection whose other side has vanished never confirms its end.
    let deadline: NodeJS.Timeout | undefined;
    const tooLate = new Promise<void>((resolve) => {
      deadline = setTimeout(resolve, CLOSE_TIMEOUT_MS);
    });
    // A failure here means that the connection is gone already.
    const ended = this.client.end().catch(() => undefined);
    await Promise.race([ended, tooLate]);
    clearTimeout(deadline);
  }

  /** It is of no use any more; nothing is asked of it from now on. */
  lose(error: DatabaseUnavailable): void {
    if (this.lost || this.closing) return;
    this.lost = error;
    for (const listener of this.lostListeners.splice(0)) listener(error);
  }
}

async function run<Row>(
  client: pg.ClientBase,
  statement: Statement,
): Promise<StatementResult<Row>> {
  const { name, text, values } = statement;
  // The server cuts longer ones, so that two statements would have one name; the driver writes that to the console.
  if (name !== undefined && Buffer.byteLength(name) > MOST_BYTES_OF_NAME) {
    throw new RangeError(
      `the name of a statement is longer than ${MOST_BYTES_OF_NAME} bytes: ${name}`,
    );
  }
  try {
    const result = await client.query({
      text,
      ...(name !== undefined && { name }),
      ...(values !== undefined && { values: [...values] }),
    });
    return { rows: result.rows as Row[], rowCount: result.rowCount ?? 0 };
  } catch (error) {
    throw translate(error, name);
  }
}

/** What the server keeps of a name. */
const MOST_BYTES_OF_NAME = 63;

const INT8_OID = 20;
const bigintTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8_OID && format !== 'binary'
      ? BigInt
      : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
};

const OF_EVERY_CONNECTION = {
  keepAlive: true,
  /** Firewalls forget connections that are silent for minutes. */
  keepAliveInitialDelayMillis: 30_000,
  types: bigintTypes,
};

/**
 * SQLSTATE classes and codes after which the same statement may succeed later: connection exceptions,
 * insufficient resources, operator intervention (shutdown, start-up, time-out).
 */
const TRANSIENT_SQLSTATE = /^(08|53|57)/;
const READ_ONLY_SQLSTATE = '25006';
/** The victim of a deadlock, and a transaction that is not serializable. */
const ROLLED_BACK_SQLSTATE = /^40/;
/** Others go on meanwhile: a second deadlock of the same statement is rare, a third one is a fault. */
const MOST_ATTEMPTS = 3;

class RolledBack extends DatabaseUnavailable {}

/** Data exceptions quote the offending value. */
const QUOTES_VALUES = /^22/;

function translate(error: unknown, what?: string): Error {
  if (error instanceof DatabaseUnavailable || error instanceof StatementRefused) return error;
  if (error instanceof pg.DatabaseError) {
    const sqlState = error.code ?? 'XX000';
    if (sqlState === READ_ONLY_SQLSTATE) return new DatabaseReadOnly();
    if (ROLLED_BACK_SQLSTATE.test(sqlState)) {
      return new RolledBack(`${error.message} (${sqlState})`);
    }
    if (TRANSIENT_SQLSTATE.test(sqlState)) {
      return new DatabaseUnavailable(`${error.message} (${sqlState})`);
    }
    const reason = QUOTES_VALUES.test(sqlState) ? 'a value is not valid' : error.message;
    return new StatementRefused(sqlState, reason, what, error.constraint);
  }
  // A parameter that cannot be turned into text is a fault of the program.
  if (types.isNativeError(error) && /^(Type|Range)Error$/.test(error.name)) return error;
  return unavailable(error);
}

/** What the driver throws that is no answer of the server: sockets, name service, time-outs. */
function unavailable(error: unknown): DatabaseUnavailable {
  if (!types.isNativeError(error)) return new DatabaseUnavailable(String(error));
  if (error.message === POOL_EXHAUSTED) return new NotOfTheHost(error.message, { cause: error });
  const { code } = error as NodeJS.ErrnoException;
  return new DatabaseUnavailable(code ?? error.message, { cause: error });
}
