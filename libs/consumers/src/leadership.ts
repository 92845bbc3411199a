import { backoffMs, LONGEST_RECONNECT_MS, pauseUnlessAborted } from '@app/event-store';
import type { Database, Queryable, Session } from '@app/postgres';

export interface LeadershipOptions {
  readonly database: Database;
  /** What is led; one leader at a time per name and database. */
  readonly name: string;
  /**
   * The leader's work. Its signal aborts when leadership is lost or no longer wanted; the work then ends
   * as soon as it can. Work that ends by itself gives leadership up and competes for it anew.
   *
   * @param epoch grows with every leader of this name; a write that names an older one is refused (`moveCheckpoint`)
   * @param isLeading whether no other process can have become the leader by now; says so before the signal, when this
   *   process was frozen
   */
  lead(signal: AbortSignal, epoch: bigint, isLeading: () => boolean): Promise<void>;
  /** Gives leadership up, or stops waiting for it. */
  readonly signal: AbortSignal;
  readonly observer: LeadershipObserver;
  /** How often a waiting process asks, in milliseconds. */
  readonly intervalMs?: number;
  /** A leader that has not renewed its lease for so long is replaced, in milliseconds; it renews it four times as often. */
  readonly leaseMs?: number;
}

/** Called at every change of leadership; must not throw. */
export interface LeadershipObserver {
  onStandby(): void;
  onElected(): void;
  /** The connection that held leadership broke, the work failed, or the database did not answer. */
  onLeadershipFault(error: unknown, retryInMs: number): void;
}

const DEFAULT_INTERVAL_MS = 500;
const DEFAULT_LEASE_MS = 5_000;
/** Three renewals may be late in a row before the lease runs out. */
const RENEWALS_IN_A_LEASE = 4;

/**
 * Of all processes that call this under one name, lets one at a time work. Resolves once the signal has
 * ended it and the work has finished.
 *
 * Leadership is a lock that PostgreSQL ties to a connection: it is free again as soon as that connection
 * ends, however its process died. The leader renews a lease beside it from the event loop that does the work.
 * A process that is frozen keeps its connection and lets the lease run out; the next one to ask then has the
 * server end that connection. A leader that was cut off or frozen may not know for a moment, so what it writes
 * names its epoch.
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
      const retryInMs = backoffMs(failures, LONGEST_RECONNECT_MS);
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
    const lease = await elected(session, options);
    if (lease === undefined) return;
    onElected();
    observer.onElected();
    await leadWhileConnected(session, lease, options);
  } finally {
    // The work has ended: only now may another process begin.
    await session.close();
  }
  if (!signal.aborted) throw new Error(`the work under leadership of ${name} ended by itself`);
}

interface Lease {
  readonly epoch: bigint;
  /** By the clock of `performance.now()`: not later than PostgreSQL lets it run out. */
  until: number;
}

/** Asks again and again: waiting inside the server would hold back its clean-up of dead rows. */
async function elected(session: Session, options: LeadershipOptions): Promise<Lease | undefined> {
  const { name, signal, leaseMs = DEFAULT_LEASE_MS } = options;
  await session.query({ text: FREE_LOCK_OF_VANISHED_LEADER });
  while (!signal.aborted) {
    const until = performance.now() + leaseMs;
    const { rows } = await session.query<{ epoch: bigint }>({
      name: 'take-lease',
      text: TAKE_LEASE,
      values: [name, lockOf(name), leaseMs],
    });
    const [taken] = rows;
    if (taken) return { epoch: taken.epoch, until };
    await session.query({ name: 'end-frozen-leader', text: END_FROZEN_LEADER, values: [name] });
    await pauseUnlessAborted(options.intervalMs ?? DEFAULT_INTERVAL_MS, signal);
  }
  return undefined;
}

/** The server notices within about 10 s that the leader's machine is gone, instead of after hours. */
const FREE_LOCK_OF_VANISHED_LEADER =
  'set tcp_keepalives_idle = 4; set tcp_keepalives_interval = 2; set tcp_keepalives_count = 3';

const TAKE_LEASE = `
  with lock as materialized (select pg_try_advisory_lock(hashtextextended($2, 0)) as is_ours)
  insert into operations.leases as lease (name, epoch, backend, expires_at)
  select $1, 1, pg_backend_pid(), clock_timestamp() + $3 * interval '1 ms' from lock where is_ours
  on conflict (name) do update
    set epoch = lease.epoch + 1, backend = excluded.backend,
        expires_at = clock_timestamp() + $3 * interval '1 ms'
  returning epoch`;

/** A holder of the lock that is not named here has only just got it, or is of a version without leases. */
const END_FROZEN_LEADER = `
  select pg_terminate_backend(backend) from operations.leases
  where name = $1 and expires_at < clock_timestamp() and exists (
    select from pg_locks where locktype = 'advisory' and granted and pid = backend)`;

async function leadWhileConnected(
  session: Session,
  lease: Lease,
  options: LeadershipOptions,
): Promise<void> {
  const lost = new AbortController();
  const done = new AbortController();
  session.onLost((error) => lost.abort(error));
  renew(session, lease, options, lost, done.signal).catch((error: unknown) => lost.abort(error));
  try {
    const isLeading = () => !lost.signal.aborted && performance.now() < lease.until;
    await options.lead(AbortSignal.any([options.signal, lost.signal]), lease.epoch, isLeading);
  } finally {
    done.abort();
  }
  lost.signal.throwIfAborted();
}

/** Notices a connection that was cut without notice to either side, too. */
async function renew(
  session: Session,
  lease: Lease,
  options: LeadershipOptions,
  lost: AbortController,
  done: AbortSignal,
): Promise<void> {
  const { name, leaseMs = DEFAULT_LEASE_MS } = options;
  while (!done.aborted) {
    // A process that was frozen runs what is due before it hears from anybody.
    const runsOut = setTimeout(
      () => lost.abort(new LeaseLost(name)),
      Math.max(0, lease.until - performance.now()),
    );
    try {
      await pauseUnlessAborted(leaseMs / RENEWALS_IN_A_LEASE, done);
      if (done.aborted) return;
      const until = performance.now() + leaseMs;
      const { rowCount } = await session.query({
        name: 'renew-lease',
        text: `update operations.leases set expires_at = clock_timestamp() + $3 * interval '1 ms'
               where name = $1 and epoch = $2`,
        values: [name, lease.epoch, leaseMs],
      });
      if (rowCount !== 1) throw new LeaseLost(name);
      lease.until = until;
    } finally {
      clearTimeout(runsOut);
    }
  }
}

/** This process stood still for so long that another one may lead by now. */
export class LeaseLost extends Error {
  constructor(name: string) {
    super(`the lease of ${name} was not renewed in time`);
    this.name = 'LeaseLost';
  }
}
