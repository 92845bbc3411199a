import { requireSecrets } from '@app/personal-data';
import type { Secrets } from '@app/personal-data';
import {
  DatabaseUnavailable,
  RightsMissing,
  SchemaMissing,
  readServerTime,
  requireRights,
  requireSchema,
  requireSessions,
} from '@app/postgres';
import type { Database, DatabaseRole } from '@app/postgres';
import { SharedClock, measureClock, untilAnswered } from '@app/process';
import type { HealthCheck, Log } from '@app/process';
import type { Registry } from 'prom-client';

/** What each process asks of PostgreSQL before it works, and again whenever it says that it is ready. */
export class StartUp {
  readonly clock: SharedClock;

  /**
   * @param role whose rights the process needs
   * @param database of one connection of its own, which works with any database: whatever the others do, it answers
   */
  constructor(
    private readonly role: DatabaseRole,
    private readonly database: Database,
    metrics: Registry,
    private readonly log: Log,
  ) {
    this.clock = new SharedClock({ read: () => readServerTime(database), log });
    measureClock(metrics, this.clock);
  }

  /** @param database that the process works with */
  checksOf(database: Database): Readonly<Record<'postgres' | 'clock', HealthCheck>> {
    return {
      postgres: async () => {
        await requireRights(this.database, this.role);
        await database.checkAvailable();
        await requireSchema(database);
      },
      clock: async () => this.clock.check(),
    };
  }

  /**
   * Resolves when PostgreSQL answers, keeps sessions, has the schema of this version and lets this process work with it, was
   * filled with these secrets, and the time is known.
   *
   * @throws Error with `faults` when waiting does not help, and the signal's reason
   */
  async untilReady(secrets: Secrets, signal: AbortSignal): Promise<void> {
    await untilAnswered(
      async () => {
        await requireSessions(this.database);
        await requireRights(this.database, this.role);
        await requireSchema(this.database);
      },
      (error) =>
        error instanceof DatabaseUnavailable ||
        error instanceof SchemaMissing ||
        error instanceof RightsMissing,
      { log: this.log, signal },
    );
    await this.clock.start(signal);
    await requireSecrets(this.database, secrets);
  }
}
