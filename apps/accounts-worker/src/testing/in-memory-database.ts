import { DatabaseUnavailable } from '@app/postgres';
import type { Database, Queryable, Session, Statement, StatementResult } from '@app/postgres';

/** A row of the table of failed events; `dueAt` in milliseconds since the Unix epoch, none when settled. */
export interface FailedRow {
  readonly position: bigint;
  readonly event_id: unknown;
  readonly stream_name: unknown;
  readonly revision: unknown;
  readonly type: unknown;
  error: unknown;
  attempts: number;
  status: 'failing' | 'skipped' | 'resolved';
  dueAt: number | undefined;
}

/** The database as far as a feed needs it: checkpoints, failed events, and leadership that is always free. */
export class InMemoryDatabase implements Database {
  readonly checkpoints = new Map<string, bigint>();
  /** Every position that was saved, in order. */
  readonly saved: bigint[] = [];
  /** By their positions. */
  readonly failed = new Map<bigint, FailedRow>();
  /** How many statements concerned failed events. */
  failedEventStatements = 0;
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

  async query<Row = never>({ name, values = [] }: Statement): Promise<StatementResult<Row>> {
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
    if (
      name?.endsWith('-failed-event') ||
      name?.endsWith('-failed-events') ||
      name === 'find-waiting-events'
    ) {
      this.failedEventStatements += 1;
      return result<Row>(this.onFailedEvents(name, values));
    }
    if (name === 'take-lease' || name === 'renew-lease') return result<Row>([{ epoch: 1n }]);
    return result<Row>([]);
  }

  private onFailedEvents(statement: string, values: readonly unknown[]): readonly unknown[] {
    const row = this.failed.get(values[1] as bigint);
    switch (statement) {
      case 'record-failed-event': {
        const [, position, event_id, stream_name, revision, type, error, pauseMs] = values;
        const attempts = (row?.attempts ?? 0) + 1;
        this.failed.set(position as bigint, {
          position: position as bigint,
          event_id,
          stream_name,
          revision,
          type,
          error,
          attempts,
          status: row?.status === 'skipped' ? 'skipped' : 'failing',
          dueAt: Date.now() + Math.max(Number(pauseMs), Math.min(250 * 2 ** attempts, 5_000)),
        });
        return [];
      }
      case 'settle-failed-event':
        if (row) {
          row.dueAt = undefined;
          if (row.status === 'failing') row.status = 'resolved';
        }
        return [];
      case 'retry-all-failed-events':
        for (const known of this.failed.values()) if (known.dueAt) known.dueAt = Date.now();
        return [];
      default: {
        const waiting = [...this.failed.values()].filter(({ dueAt }) => dueAt !== undefined);
        return waiting
          .toSorted((one, other) => Number(one.dueAt) - Number(other.dueAt))
          .slice(0, Number(values[1]))
          .map((known) => ({
            ...known,
            projection: values[0],
            waiting: BigInt(waiting.length),
            is_due: Number(known.dueAt) <= Date.now(),
          }));
      }
    }
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
