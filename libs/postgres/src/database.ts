/**
 * The port to PostgreSQL: what projections and queries need of it, without naming the driver.
 * 64-bit integers arrive as BigInt, timestamps as Date.
 */

export interface Statement {
  /** Fixed name of the statement, 63 bytes at most: the server parses and plans it once per connection. */
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

export type NamedStatement = Statement & { readonly name: string };

export interface StatementResult<Row> {
  readonly rows: readonly Row[];
  /** Rows read or written. */
  readonly rowCount: number;
}

export interface Queryable {
  /**
   * @throws DatabaseUnavailable no answer; a statement that writes may or may not have been executed
   * @throws StatementRefused
   */
  query<Row = never>(statement: Statement): Promise<StatementResult<Row>>;
}

/**
 * `deferred` answers before the disk has the commit: a crash of the server may undo the newest
 * transactions, each as a whole. Only for rows that can be built again.
 */
export type Durability = 'immediate' | 'deferred';

/** Connection of its own, for what a pool cannot give: session locks and notifications. */
export interface Session extends Queryable {
  /** Called for every NOTIFY on a channel that this session listens to. */
  onNotification(listener: (channel: string, payload: string) => void): void;
  /** Called once when the connection broke; at once when it is broken already. Not called by close. */
  onLost(listener: (error: DatabaseUnavailable) => void): void;
  /** Gives up whatever the session holds; resolves when the server has the message. Never rejects. */
  close(): Promise<void>;
}

export interface Database extends Queryable {
  /**
   * Runs `work` in one transaction: commits when it resolves, rolls back when it rejects.
   *
   * @throws what `work` throws
   * @throws DatabaseUnavailable a commit that was not answered may or may not have happened
   */
  inTransaction<Result>(
    work: (transaction: Queryable) => Promise<Result>,
    durability?: Durability,
  ): Promise<Result>;

  /**
   * @param purpose appended to the application name, as pg_stat_activity shows it
   * @throws DatabaseUnavailable
   */
  openSession(purpose: string): Promise<Session>;

  /**
   * Asks the server whether it takes writes.
   *
   * @throws DatabaseUnavailable it does not answer, or takes none
   */
  checkAvailable(): Promise<void>;

  /** Waits for statements under way and closes the pooled connections. */
  close(): Promise<void>;
}

/** PostgreSQL cannot be reached, is starting or stopping, or did not answer in time: try again later. */
export class DatabaseUnavailable extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(`the database is not available: ${reason}`, options);
    this.name = 'DatabaseUnavailable';
  }
}

/**
 * PostgreSQL answered a statement with an error. Carries nothing of the rows or parameters, because they
 * hold personal data and errors end up in logs.
 */
export class StatementRefused extends Error {
  constructor(
    /** SQLSTATE, five characters. */
    readonly sqlState: string,
    reason: string,
    readonly statement: string | undefined,
    readonly constraint: string | undefined,
  ) {
    super(`PostgreSQL refused ${statement ?? 'a statement'}: ${reason} (${sqlState})`);
    this.name = 'StatementRefused';
  }

  /** The database has no such table, or not even its schema. */
  get isForMissingTable(): boolean {
    return this.sqlState === '42P01' || this.sqlState === '3F000';
  }
}
