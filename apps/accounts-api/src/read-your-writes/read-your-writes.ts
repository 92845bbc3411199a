import type { LogPosition } from '@app/event-store';

/** Where a write ended, for those who want to read it. */
export interface WrittenAt {
  /** Undefined when the command changed nothing. */
  readonly position: LogPosition | undefined;
}

/** Name of the header that carries a position from a write to a read. */
export const CONSISTENCY_TOKEN = 'Consistency-Token';

/** Knows how far the read model has followed the log. */
export interface Progress {
  /** @throws ReadModelBehind when the position is not reached within `timeoutMs` milliseconds */
  waitUntil(position: LogPosition, timeoutMs: number): Promise<void>;
}

const LONGEST_WAIT_MS = 2_000;
const MOST_REMEMBERED = 10_000;

/**
 * Lets a client read what it has just written, although the read model follows the log with a delay:
 * before credentials or an account are looked up, waits until the read model has passed the account's
 * last write through this process, and the client's own token, if it sent one.
 */
export class ReadYourWrites {
  /** Last write per account through this process; the oldest are forgotten first. */
  private readonly lastWrites = new Map<string, LogPosition>();

  constructor(private readonly progress: Progress) {}

  remember(accountId: string, position: LogPosition | undefined): void {
    if (position === undefined) return;
    this.lastWrites.delete(accountId);
    this.lastWrites.set(accountId, position);
    if (this.lastWrites.size > MOST_REMEMBERED) {
      const [oldest] = this.lastWrites.keys();
      if (oldest !== undefined) this.lastWrites.delete(oldest);
    }
  }

  /**
   * @param token the position that the client got from its last write, wherever that was
   * @throws ReadModelBehind when the read model does not get there within 2 s
   */
  async settle(accountId: string, token: LogPosition | undefined): Promise<void> {
    const written = this.lastWrites.get(accountId);
    if (written !== undefined) {
      await this.progress.waitUntil(written, LONGEST_WAIT_MS);
      if (this.lastWrites.get(accountId) === written) this.lastWrites.delete(accountId);
    }
    if (token !== undefined) await this.progress.waitUntil(token, LONGEST_WAIT_MS);
  }
}
