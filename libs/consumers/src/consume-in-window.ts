import { backoffMs, pauseUnlessAborted } from '@app/event-store';
import type { LogPosition, RecordedEvent, SubscriptionMessage } from '@app/event-store';

/** A failure that says itself when another try makes sense. */
export class RetryLater extends Error {
  /** @param afterMs shortest pause before the next try, in milliseconds */
  constructor(
    message: string,
    readonly afterMs: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'RetryLater';
  }
}

export interface WindowOptions {
  /** How many events may be under way at once. */
  readonly windowSize: number;
  /**
   * Acts on one event. Is called again until it succeeds, and after a crash or an end of the source: it must be
   * idempotent. The signal ends what it merely waits for.
   */
  handle(event: RecordedEvent, signal: AbortSignal): Promise<void>;
  /** Remembers that everything up to and including this position has been handled. */
  saveCheckpoint(position: LogPosition): Promise<void>;
  /**
   * Pause after a checkpoint was saved, in milliseconds: of what is handled meanwhile only the last is saved, and
   * a crash repeats so much more. None when left out.
   */
  readonly checkpointPauseMs?: number;
  /** Called at every failure of `handle` or `saveCheckpoint` that is retried here, with the pause. */
  onFault(error: unknown, retryInMs: number): void;
  /** Ends retrying; whatever is not finished by then is handled after the next start. */
  readonly signal: AbortSignal;
}

interface Entry {
  readonly position: LogPosition;
  done: boolean;
}

/**
 * Consumer for reactions: several events are under way at once, and the checkpoint moves only over an
 * unbroken run of finished ones, so that a crash repeats events but never loses one. A full window holds
 * the store back.
 *
 * When its source ends or fails, events that wait for another try are given back: the next subscription delivers
 * them again. Waiting for them would hold up all later events. Before it returns, it waits for the tries under
 * way and saves the checkpoint.
 */
export function consumeInWindow(
  options: WindowOptions,
): (messages: AsyncIterable<SubscriptionMessage>) => Promise<void> {
  const { checkpointPauseMs = 0 } = options;
  return async (messages) => {
    /** In the order of the log; the finished ones at the front are what the checkpoint moves over. */
    const entries: Entry[] = [];
    const underWay = new Set<Promise<void>>();
    let reached: LogPosition | undefined;
    let saving: Promise<void> | undefined;
    const ended = new AbortController();
    const signal = AbortSignal.any([options.signal, ended.signal]);
    const retrying = { signal, onFault: options.onFault };

    const moveOver = (): void => {
      while (entries[0]?.done) reached = entries.shift()?.position;
      if (reached !== undefined) saving ??= saveReached();
    };

    // One save at a time; positions that were reached meanwhile are saved by the same loop.
    const saveReached = async (): Promise<void> => {
      while (reached !== undefined) {
        const position = reached;
        reached = undefined;
        await untilDone(() => options.saveCheckpoint(position), retrying);
        if (checkpointPauseMs > 0) await pauseUnlessAborted(checkpointPauseMs, ended.signal);
      }
      // Synchronous with the last check of what was reached, or a position reached in between is lost.
      saving = undefined;
    };

    const start = (event: RecordedEvent): void => {
      const entry: Entry = { position: event.position, done: false };
      entries.push(entry);
      const work = untilDone(() => options.handle(event, signal), retrying).then((done) => {
        entry.done = done;
        underWay.delete(work);
        moveOver();
      });
      underWay.add(work);
    };

    try {
      for await (const message of messages) {
        if (message.kind === 'event') {
          start(message.event);
          if (underWay.size >= options.windowSize) await Promise.race(underWay);
        } else if (message.kind === 'checkpoint') {
          entries.push({ position: message.position, done: true });
          moveOver();
        }
      }
    } finally {
      ended.abort();
      await Promise.all(underWay);
      await saving;
    }
  };
}

/** Calls `action` until it succeeds; false when the signal ended that first. */
async function untilDone(
  action: () => Promise<void>,
  { signal, onFault }: Pick<WindowOptions, 'signal' | 'onFault'>,
): Promise<boolean> {
  for (let faults = 1; ; faults++) {
    try {
      await action();
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      const retryInMs = Math.max(
        backoffMs(faults),
        error instanceof RetryLater ? error.afterMs : 0,
      );
      onFault(error, retryInMs);
      await pauseUnlessAborted(retryInMs, signal);
      if (signal.aborted) return false;
    }
  }
}
