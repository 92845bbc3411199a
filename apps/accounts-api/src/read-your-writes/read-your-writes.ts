import type { AppendResult, LogPosition } from '@app/event-store';
import { LRUCache } from 'lru-cache';
import { Bulkhead } from './bulkhead.js';
import type { WrittenEvent } from './written-event.js';

/** Where a write ended, for those who want to read it. */
export interface WrittenAt {
  /** Undefined when there is nothing to wait for. */
  readonly written: WrittenEvent | undefined;
}

/** What a caller says it has written, and from where it says so. */
export interface ClaimedWrite extends WrittenEvent {
  readonly network: string;
}

/** Knows how far the read model has followed the log. */
export interface Progress {
  hasReached(position: LogPosition): boolean;
  /** @throws ReadModelBehind when the position is not reached within `timeoutMs` milliseconds */
  waitUntil(position: LogPosition, timeoutMs: number): Promise<void>;
}

/** The log does not have what a caller's token names: it lost its end, or is another log. */
export class WriteNotInLog extends Error {
  override readonly name = 'WriteNotInLog';

  constructor() {
    super('the log does not have the event that a consistency token names');
  }
}

export const LONGEST_READ_WAIT_MS = 2_000;
const MOST_REMEMBERED = 10_000;
/** Calls that may wait for what their token says, in all and of one network. */
const MOST_WAITING = 1_024;
const MOST_WAITING_OF_A_NETWORK = 64;

/**
 * Lets a client read what it has just written, although the read model follows the log with a delay:
 * before credentials or an account are looked up, waits until the read model has passed the account's
 * last write through this process, and what the client's own token names, if it sent one.
 *
 * A caller can send a true token again and again, and the password can be proven only after the wait: the
 * account itself may be what is waited for. So few calls of a network wait for tokens at a time; more are
 * turned away at once.
 */
export class ReadYourWrites {
  /** Last write per account through this process. */
  private readonly lastWrites = new LRUCache<string, LogPosition>({ max: MOST_REMEMBERED });
  private newest: WrittenEvent | undefined;

  private readonly waitingForTokens = new Bulkhead(MOST_WAITING, MOST_WAITING_OF_A_NETWORK);

  /** @param isInLog whether the log has this event at this place */
  constructor(
    private readonly progress: Progress,
    private readonly isInLog: (written: WrittenEvent) => Promise<boolean>,
  ) {}

  /**
   * @param appended undefined for a command that changed nothing. The newest write of this process takes its
   *   place: a stranger who reads after it waits as after a change
   * @returns what the caller's token is to name; undefined when this process has written nothing yet
   */
  remember(accountId: string, appended: AppendResult | undefined): WrittenEvent | undefined {
    const written = appended ? { accountId, ...appended } : this.newest;
    if (written === undefined) return undefined;
    if (this.newest === undefined || written.position > this.newest.position) this.newest = written;
    this.lastWrites.set(accountId, written.position);
    return written;
  }

  /**
   * @param claimed what the client got from its last write, wherever that was
   * @throws WriteNotInLog at once
   * @throws ReadModelBehind when the read model does not get there within 2 s, or when it is not there yet
   *   and too many calls wait for tokens
   */
  async settle(accountId: string, claimed: ClaimedWrite | undefined): Promise<void> {
    if (claimed !== undefined) {
      await this.waitingForTokens.holdWhile(
        claimed.network,
        () => this.waitFor(claimed),
        // A read without a place does not wait: it succeeds when the read model is there already.
        () => this.progress.waitUntil(claimed.position, 0),
      );
    }
    const written = this.lastWrites.get(accountId);
    if (written === undefined) return;
    await this.progress.waitUntil(written, LONGEST_READ_WAIT_MS);
    if (this.lastWrites.get(accountId) === written) this.lastWrites.delete(accountId);
  }

  private async waitFor(claimed: ClaimedWrite): Promise<void> {
    if (!this.progress.hasReached(claimed.position) && !(await this.isInLog(claimed))) {
      throw new WriteNotInLog();
    }
    await this.progress.waitUntil(claimed.position, LONGEST_READ_WAIT_MS);
  }
}
