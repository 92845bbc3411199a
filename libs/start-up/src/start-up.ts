import { EventStoreDBEventStore } from '@app/event-store/eventstoredb-event-store.js';
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
import { createPool } from '@app/postgres/postgres.js';
import type { PoolOptions } from '@app/postgres/postgres.js';
import {
  SharedClock,
  createMetrics,
  measureClock,
  startInternalServer,
  untilAnswered,
} from '@app/process';
import type { HealthCheck, InternalServer, Log, processSettings } from '@app/process';
import { exportSpans } from '@app/tracing/otlp.js';
import type { Tracing } from '@app/tracing/otlp.js';
import type * as z from 'zod';

const RIGHTS_LAST_MS = 30_000;

export interface StartUpOptions {
  /** Whose rights the process needs; names it to PostgreSQL and in traces. */
  readonly role: DatabaseRole;
  readonly settings: z.infer<z.ZodObject<typeof processSettings>>;
  /** Longest time for a statement, in milliseconds. */
  readonly statementTimeoutMs: number;
  readonly log: Log;
}

/**
 * What each process of the product has: traces, metrics, the event store, PostgreSQL, the time, and the server for health and
 * metrics; and what it waits for before it works.
 */
export class StartUp {
  readonly metrics = createMetrics();
  readonly eventStore: EventStoreDBEventStore;
  readonly clock: SharedClock;
  /** Aborted when the process is to stop. */
  readonly stopping = new AbortController();
  private readonly databases: Database[] = [];
  /** A connection of its own, which works with any database: whatever the others do, it answers. */
  private readonly clockDatabase: Database;
  private internal: InternalServer | undefined;

  private constructor(
    private readonly options: StartUpOptions,
    private readonly service: string,
    private readonly tracing: Tracing,
  ) {
    const { settings, log } = options;
    this.eventStore = new EventStoreDBEventStore({ url: settings.EVENTSTORE_URL });
    this.clockDatabase = createPool(settings.DATABASE_URL, {
      max: 1,
      applicationName: `${this.service} clock`,
      statementTimeoutMs: options.statementTimeoutMs,
      allowUnconfirmed: true,
    });
    this.clock = new SharedClock({ read: () => readServerTime(this.clockDatabase), log });
    measureClock(this.metrics, this.clock);
  }

  static async begin(options: StartUpOptions): Promise<StartUp> {
    const service = `accounts-${options.role}`;
    const tracing = await exportSpans({
      endpoint: options.settings.OTEL_EXPORTER_OTLP_ENDPOINT,
      service,
      onOutage: (error) =>
        options.log.warn({ err: error }, 'traces cannot be handed over and are dropped'),
    });
    return new StartUp(options, service, tracing);
  }

  /**
   * Connections that are closed when the process stops.
   *
   * @param name beside that of the process, for connections with a purpose of their own
   */
  connect({
    name = '',
    ...options
  }: Pick<PoolOptions, 'max' | 'allowUnconfirmed'> &
    Partial<Pick<PoolOptions, 'statementTimeoutMs'>> & { readonly name?: string }): Database {
    const { settings, statementTimeoutMs, log } = this.options;
    const database = createPool(settings.DATABASE_URL, {
      applicationName: `${this.service} ${name}`.trimEnd(),
      statementTimeoutMs,
      onConnectionLost: (error) => log.warn({ err: error }, 'a database connection was lost'),
      ...options,
    });
    this.databases.push(database);
    return database;
  }

  /**
   * Serves health and metrics on the internal port.
   *
   * @param database that the process works with
   * @param checks beside those of the stores and the clock
   * @returns its URL
   */
  async serveHealth(
    database: Database,
    checks: Readonly<Record<string, HealthCheck>> = {},
    details?: () => Readonly<Record<string, unknown>>,
  ): Promise<string> {
    const { settings } = this.options;
    this.internal = await startInternalServer({
      host: settings.HOST,
      port: settings.INTERNAL_PORT,
      metrics: this.metrics,
      checks: {
        eventStore: () => this.eventStore.checkAvailable(),
        postgres: postgresCheck(this.clockDatabase, this.options.role, database),
        clock: async () => this.clock.check(),
        ...checks,
      },
      ...(details && { details }),
    });
    return this.internal.url;
  }

  /** Warns when the event store does not answer: the process starts all the same. */
  warnWithoutEventStore(): void {
    this.eventStore.checkAvailable().catch((error: unknown) => {
      this.options.log.warn({ err: error }, 'the event store does not answer yet');
    });
  }

  /**
   * Resolves when PostgreSQL answers, keeps sessions, has the schema of this version and lets this process work with it, was
   * filled with these secrets, and the time is known.
   *
   * @throws Error with `faults` when waiting does not help, and the reason of `stopping`
   */
  async untilReady(secrets: Secrets): Promise<void> {
    const { signal } = this.stopping;
    await untilAnswered(
      async () => {
        await requireSessions(this.clockDatabase);
        await requireRights(this.clockDatabase, this.options.role);
        await requireSchema(this.clockDatabase);
      },
      (error) =>
        error instanceof DatabaseUnavailable ||
        error instanceof SchemaMissing ||
        error instanceof RightsMissing,
      { log: this.options.log, signal },
    );
    await this.clock.start(signal);
    await requireSecrets(this.clockDatabase, secrets);
  }

  /** Ends everything that it began; the caller has ended its own work. */
  async stop(): Promise<void> {
    await this.internal?.close();
    await this.eventStore.close();
    for (const database of [this.clockDatabase, ...this.databases]) await database.close();
    await this.tracing.stop();
  }
}

/**
 * The check of PostgreSQL behind `/health/ready`. Whether the login has its rights is the longest of its statements, and changes
 * with a migration: a login that had them is asked again after 30 s, one that lacks a right with every look.
 *
 * @param own a connection of its own, which answers whatever the others do
 * @param database that the process works with
 * @param now milliseconds, by a clock that never goes back
 */
export function postgresCheck(
  own: Database,
  role: DatabaseRole,
  database: Database,
  now: () => number = () => performance.now(),
): HealthCheck {
  let rightsKnownUntil = 0;
  return async () => {
    const startedAt = now();
    if (startedAt >= rightsKnownUntil) {
      await requireRights(own, role);
      rightsKnownUntil = startedAt + RIGHTS_LAST_MS;
    }
    await database.checkAvailable();
    await requireSchema(database);
  };
}
