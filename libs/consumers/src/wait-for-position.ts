import {
  backoffMs,
  LONGEST_RECONNECT_MS,
  parseLogPosition,
  pauseUnlessAborted,
} from '@app/event-store';
import type { LogPosition } from '@app/event-store';
import { READ_MODEL_ADVANCED, readCheckpoint } from './checkpoints.js';
import { DatabaseUnavailable } from '@app/postgres';
import type { Database, Session } from '@app/postgres';

export interface ReadModelProgressOptions {
  readonly database: Database;
  /** Name of the projection whose rows are waited for. */
  readonly consumer: string;
  /** How often the checkpoint is read while a caller waits, in milliseconds. */
  readonly pollIntervalMs?: number;
  /** Announcements are missed until the connection is back; waiting goes on by polling. */
  onListenFault?(error: unknown, retryInMs: number): void;
}

const DEFAULT_POLL_INTERVAL_MS = 50;

/**
 * Knows how far a projection has come, for readers that want to see what was written before. Costs a
 * comparison in memory when the rows have come far enough.
 */
export class ReadModelProgress {
  private readonly stopped = new AbortController();
  private readonly waiters = new Set<Waiter>();
  private known: LogPosition | undefined;
  private listening: Promise<void> | undefined;
  /** Announcements arrive, so that polling is needed only for lost ones. */
  private hearing = false;
  private polling = false;

  constructor(private readonly options: ReadModelProgressOptions) {}

  /** Begins to listen to announcements, in the background. Waiting works without, only slower. */
  start(): void {
    this.listening ??= this.listen();
  }

  /** Rejects the callers that still wait, and resolves when the connection is closed. */
  async stop(): Promise<void> {
    this.stopped.abort();
    for (const waiter of [...this.waiters]) waiter.end(stopping());
    await this.listening;
  }

  /** Whether the rows are known to show everything recorded up to the position. */
  hasReached(position: LogPosition): boolean {
    return this.known !== undefined && this.known >= position;
  }

  /**
   * Resolves when the rows show everything recorded up to the position.
   *
   * @param timeoutMs longest wait, in milliseconds
   * @throws ReadModelBehind the rows are not there yet
   * @throws DatabaseUnavailable the wait was cut short by `stop`
   */
  waitUntil(position: LogPosition, timeoutMs: number): Promise<void> {
    if (this.hasReached(position)) return Promise.resolve();
    if (this.stopped.signal.aborted) return Promise.reject(stopping());
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        position,
        end: (error) => {
          clearTimeout(timer);
          this.waiters.delete(waiter);
          if (error) reject(error);
          else resolve();
        },
      };
      const timer = setTimeout(
        () => waiter.end(new ReadModelBehind(this.options.consumer, position, this.known)),
        timeoutMs,
      );
      this.waiters.add(waiter);
      void this.poll();
    });
  }

  private advance(position: LogPosition | 'start'): void {
    if (position === 'start') return;
    if (this.known === undefined || position > this.known) this.known = position;
    for (const waiter of this.waiters) if (waiter.position <= this.known) waiter.end();
  }

  private async poll(): Promise<void> {
    if (this.polling) return;
    this.polling = true;
    const { database, consumer, pollIntervalMs = DEFAULT_POLL_INTERVAL_MS } = this.options;
    const pause = () => pauseUnlessAborted(pollIntervalMs, this.stopped.signal);
    if (this.hearing) await pause();
    while (this.waiters.size > 0) {
      await readCheckpoint(database, consumer).then(
        (position) => this.advance(position),
        // The database may answer in a moment; a caller that cannot wait so long has a time-out.
        () => undefined,
      );
      if (this.waiters.size > 0) await pause();
    }
    this.polling = false;
  }

  private async listen(): Promise<void> {
    const { signal } = this.stopped;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.listenOnce(() => {
          failures = 0;
        });
      } catch (error) {
        if (signal.aborted) return;
        // A server that crashed or was replaced may have lost the newest rows: what was known before
        // may no longer hold.
        this.known = undefined;
        failures += 1;
        const retryInMs = backoffMs(failures, LONGEST_RECONNECT_MS);
        this.options.onListenFault?.(error, retryInMs);
        await pauseUnlessAborted(retryInMs, signal);
      }
    }
  }

  private async listenOnce(onListening: () => void): Promise<void> {
    const { database, consumer } = this.options;
    const session = await database.openSession(`progress of ${consumer}`);
    try {
      session.onNotification((_, payload) => this.onAnnouncement(payload));
      await session.query({ text: `listen ${READ_MODEL_ADVANCED}` });
      this.advance(await readCheckpoint(session, consumer));
      onListening();
      this.hearing = true;
      await lostOrAborted(session, this.stopped.signal);
    } finally {
      this.hearing = false;
      await session.close();
    }
  }

  private onAnnouncement(payload: string): void {
    const separator = payload.lastIndexOf(':');
    if (payload.slice(0, separator) !== this.options.consumer) return;
    const position = parseLogPosition(payload.slice(separator + 1));
    if (position !== undefined) this.advance(position);
  }
}

/** The rows have not come far enough in time: try again. */
export class ReadModelBehind extends Error {
  constructor(
    readonly consumer: string,
    readonly wanted: LogPosition,
    /** Nothing when not even the checkpoint could be read. */
    readonly reached: LogPosition | undefined,
  ) {
    super(`${consumer} is at position ${reached ?? 'unknown'}, not yet at ${wanted}`);
    this.name = 'ReadModelBehind';
  }
}

interface Waiter {
  readonly position: LogPosition;
  end(error?: Error): void;
}

function stopping(): DatabaseUnavailable {
  return new DatabaseUnavailable('the process is stopping');
}

function lostOrAborted(session: Session, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => resolve();
    session.onLost((error) => {
      signal.removeEventListener('abort', onAbort);
      reject(error);
    });
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}
