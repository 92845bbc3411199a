import type { LogPosition } from '@app/event-store';
import { WaitingPlaces } from './waiting-places.js';

/** Where a write ended, for those who want to read it. */
export interface WrittenAt {
  /** Undefined when the command changed nothing. */
  readonly position: LogPosition | undefined;
}

/** What a caller says it has written, and from where it says so. */
export interface ConsistencyToken {
  readonly position: LogPosition;
  readonly network: string;
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
/** Calls that may wait for what their token says, in all and of one network. */
const MOST_WAITING = 1_024;
const MOST_WAITING_OF_A_NETWORK = 64;

/**
 * Lets a client read what it has just written, although the read model follows the log with a delay:
 * before credentials or an account are looked up, waits until the read model has passed the account's
 * last write through this process, and the client's own token, if it sent one.
 *
 * Anybody can make up a token, and the password can be proven only after the wait: the account itself may be
 * what is waited for. So few calls of a network wait for tokens at a time; more are turned away at once.
 */
export class ReadYourWrites {
  /** Last write per account through this process; the oldest are forgotten first. */
  private readonly lastWrites = new Map<string, LogPosition>();

  private readonly waitingForTokens = new WaitingPlaces(MOST_WAITING, MOST_WAITING_OF_A_NETWORK);

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
   * @param token what the client got from its last write, wherever that was
   * @throws ReadModelBehind when the read model does not get there within 2 s, or when it is not there yet
   *   and too many calls wait for tokens
   */
  async settle(accountId: string, token: ConsistencyToken | undefined): Promise<void> {
    const written = this.lastWrites.get(accountId);
    if (written !== undefined) {
      await this.progress.waitUntil(written, LONGEST_WAIT_MS);
      if (this.lastWrites.get(accountId) === written) this.lastWrites.delete(accountId);
    }
    if (token === undefined) return;
    await this.waitingForTokens.holdWhile(
      token.network,
      () => this.progress.waitUntil(token.position, LONGEST_WAIT_MS),
      // What the read model has reached already is answered as ever.
      () => this.progress.waitUntil(token.position, 0),
    );
  }
}
