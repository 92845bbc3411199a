import { DatabaseUnavailable } from '@app/postgres';
import type { Database, Queryable, Session, Statement, StatementResult } from '@app/postgres';

/** The database as far as a feed needs it: checkpoints, and leadership that is always free. */
export class InMemoryDatabase implements Database {
  readonly checkpoints = new Map<string, bigint>();
  /** Every position that was saved, in order. */
  readonly saved: bigint[] = [];
  private readonly sessions = new Set<(error: DatabaseUnavailable) => void>();
  private refusals = 0;

  /** Lets the next saves fail. */
  refuseSaves(count: number): void {
    this.refusals = count;
  }

  /** Breaks every connection that holds a leadership. */
  cutSessions(): void {
    for (const lose of this.sessions) lose(new DatabaseUnavailable('the connection was cut'));
    this.sessions.clear();
  }

  async query<Row = never>({ name, text, values = [] }: Statement): Promise<StatementResult<Row>> {
    if (name === 'read-checkpoint') {
      const position = this.checkpoints.get(String(values[0]));
      return result<Row>(position === undefined ? [] : [{ position }]);
    }
    if (name === 'save-checkpoint') {
      // No earlier than a real answer could come: with the next turn of the event loop.
      await new Promise(setImmediate);
      if (this.refusals > 0) {
        this.refusals -= 1;
        throw new DatabaseUnavailable('the test makes it refuse');
      }
      this.checkpoints.set(String(values[0]), values[1] as bigint);
      this.saved.push(values[1] as bigint);
      return result<Row>([]);
    }
    if (text.includes('pg_try_advisory_lock')) return result<Row>([{ elected: true }]);
    return result<Row>([]);
  }

  async openSession(): Promise<Session> {
    let onLost: ((error: DatabaseUnavailable) => void) | undefined;
    return {
      query: <Row>(statement: Statement) => this.query<Row>(statement),
      onNotification: () => undefined,
      onLost: (listener) => this.sessions.add((onLost = listener)),
      close: async () => {
        if (onLost) this.sessions.delete(onLost);
      },
    };
  }

  inTransaction<Result>(work: (transaction: Queryable) => Promise<Result>): Promise<Result> {
    return work(this);
  }

  async checkAvailable(): Promise<void> {
    return;
  }

  async close(): Promise<void> {
    return;
  }
}

function result<Row>(rows: readonly unknown[]): StatementResult<Row> {
  return { rows: rows as readonly Row[], rowCount: rows.length };
}
