import { backoffMs, pauseUnlessAborted } from '@app/event-store';
import type { Database, Queryable, Session } from '@app/postgres';

export interface LeadershipOptions {
  readonly database: Database;
  /** What is led; one leader at a time per name and database. */
  readonly name: string;
  /**
   * The leader's work. Its signal aborts when leadership is lost or no longer wanted; the work then ends
   * as soon as it can. Work that ends by itself gives leadership up and competes for it anew.
   */
  lead(signal: AbortSignal): Promise<void>;
  /** Gives leadership up, or stops waiting for it. */
  readonly signal: AbortSignal;
  readonly observer: LeadershipObserver;
  /** How often a waiting process asks, and the leader checks its connection, in milliseconds. */
  readonly intervalMs?: number;
}

/** Called at every change of leadership; must not throw. */
export interface LeadershipObserver {
  onStandby(): void;
  onElected(): void;
  /** The connection that held leadership broke, the work failed, or the database did not answer. */
  onLeadershipFault(error: unknown, retryInMs: number): void;
}

const DEFAULT_INTERVAL_MS = 500;

/**
 * Of all processes that call this under one name, lets one at a time work. Resolves once the signal has
 * ended it and the work has finished.
 *
 * Leadership is a lock that PostgreSQL ties to a connection: it is free again as soon as that connection
 * ends, however its process died. A leader that is cut off may not know for a moment, so its work must
 * be safe against a second leader (see `moveCheckpoint`).
 */
export async function whileLeader(options: LeadershipOptions): Promise<void> {
  const { signal, observer } = options;
  let failures = 0;
  while (!signal.aborted) {
    try {
      await competeOnce(options, () => {
        failures = 0;
      });
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      const retryInMs = backoffMs(failures);
      observer.onLeadershipFault(error, retryInMs);
      await pauseUnlessAborted(retryInMs, signal);
    }
  }
}

/** Whether some process leads this now. */
export async function isLed(database: Queryable, name: string): Promise<boolean> {
  const { rows } = await database.query({
    text: `select 1 from pg_locks
           where locktype = 'advisory' and granted
             and database = (select oid from pg_database where datname = current_database())
             and (classid::bigint << 32) | objid::bigint = hashtextextended($1, 0)`,
    values: [lockOf(name)],
  });
  return rows.length > 0;
}

function lockOf(name: string): string {
  return `leadership of ${name}`;
}

async function competeOnce(options: LeadershipOptions, onElected: () => void): Promise<void> {
  const { database, name, signal, observer } = options;
  const session = await database.openSession(`leadership of ${name}`);
  try {
    observer.onStandby();
    if (!(await elected(session, options))) return;
    onElected();
    observer.onElected();
    await leadWhileConnected(session, options);
  } finally {
    // The work has ended: only now may another process begin.
    await session.close();
  }
  if (!signal.aborted) throw new Error(`the work under leadership of ${name} ended by itself`);
}

/** Asks again and again: waiting inside the server would hold back its clean-up of dead rows. */
async function elected(session: Session, options: LeadershipOptions): Promise<boolean> {
  const { name, signal } = options;
  await session.query({ text: FREE_LOCK_OF_VANISHED_LEADER });
  while (!signal.aborted) {
    const { rows } = await session.query<{ elected: boolean }>({
      text: 'select pg_try_advisory_lock(hashtextextended($1, 0)) as elected',
      values: [lockOf(name)],
    });
    if (rows[0]?.elected) return true;
    await pauseUnlessAborted(options.intervalMs ?? DEFAULT_INTERVAL_MS, signal);
  }
  return false;
}

/** The server notices within about 10 s that the leader's machine is gone, instead of after hours. */
const FREE_LOCK_OF_VANISHED_LEADER =
  'set tcp_keepalives_idle = 4; set tcp_keepalives_interval = 2; set tcp_keepalives_count = 3';

async function leadWhileConnected(session: Session, options: LeadershipOptions): Promise<void> {
  const lost = new AbortController();
  const done = new AbortController();
  session.onLost((error) => lost.abort(error));
  beat(session, options, done.signal).catch((error: unknown) => lost.abort(error));
  try {
    await options.lead(AbortSignal.any([options.signal, lost.signal]));
  } finally {
    done.abort();
  }
  lost.signal.throwIfAborted();
}

/** Notices a connection that was cut without notice to either side. */
async function beat(
  session: Session,
  options: LeadershipOptions,
  done: AbortSignal,
): Promise<void> {
  while (!done.aborted) {
    await pauseUnlessAborted(options.intervalMs ?? DEFAULT_INTERVAL_MS, done);
    if (!done.aborted) await session.query({ text: 'select 1' });
  }
}
