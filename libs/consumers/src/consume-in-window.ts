import { backoffMs, pauseUnlessAborted, WakeUp } from '@app/event-store';
import type { LogPosition, RecordedEvent, SubscriptionMessage } from '@app/event-store';
import type { HandledEvent } from './checkpoints.js';
import type { EventFailure } from './failed-events.js';

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

/** How far a window has come since the checkpoint before. */
export interface ReachedPlace {
  readonly position: LogPosition;
  /** The last event up to there; undefined when there was none. */
  readonly lastEvent: HandledEvent | undefined;
  /** The events up to there that failed: they belong on record together with the checkpoint. */
  readonly failures: readonly EventFailure[];
}

export interface WindowOptions {
  /** How many events may be under way at once. */
  readonly windowSize: number;
  /**
   * Acts on one event, and answers why it failed: the window goes on without it. A handler that throws is called again
   * until it does not, in its place of the window: for faults of all events. It is called again, too, after a crash or
   * an end of the source: it must be idempotent. The signal ends what it merely waits for.
   *
   * @param receivedAt as in the message that brought the event
   */
  handle(
    event: RecordedEvent,
    signal: AbortSignal,
    receivedAt?: number,
  ): Promise<EventFailure | undefined>;
  /** Called once for each event, in the order of the log: false passes over it. All are handled when left out. */
  isToBeHandled?(event: RecordedEvent): boolean;
  /** Remembers that everything up to this place was handled, or failed. */
  saveCheckpoint(reached: ReachedPlace): Promise<void>;
  /**
   * Pause after a checkpoint was saved, in milliseconds: of what is handled meanwhile only the last is saved, and
   * a crash repeats so much more. None when left out, and none before a failure is on record.
   */
  readonly checkpointPauseMs?: number;
  /** Called when `handle` or `saveCheckpoint` has thrown and is called again, with the pause. */
  onFault(error: unknown, retryInMs: number): void;
  /** Called once everything that was recorded before the subscription has been begun. */
  onCaughtUp?(): void;
  /** Ends retrying; whatever is not finished by then is handled after the next start. */
  readonly signal: AbortSignal;
}

/** An event, or a run of events that are done: however many there are behind one that is not, they are one entry. */
interface Entry {
  isDone: boolean;
  place: ReachedPlace;
}

/**
 * Consumer for reactions: several events are under way at once, and the checkpoint moves only over an
 * unbroken run of finished ones, so that a crash repeats events but never loses one. A full window holds
 * the store back. An event that failed keeps its place until that is on record.
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
    /** In the order of the log. No two neighbours are done, so that there are few. */
    const entries: Entry[] = [];
    const underWay = new Set<Promise<void>>();
    let placesTaken = 0;
    const placeFreed = new WakeUp();
    let reached: ReachedPlace | undefined;
    let saving: Promise<void> | undefined;
    const ended = new AbortController();
    let pausing = new AbortController();
    const signal = AbortSignal.any([options.signal, ended.signal]);
    const retrying = { signal, onFault: options.onFault };
    signal.addEventListener('abort', () => placeFreed.wake());

    const free = (places: number): void => {
      placesTaken -= places;
      placeFreed.wake();
    };

    const join = (index: number): void => {
      const [one, next] = [entries[index], entries[index + 1]];
      if (!one?.isDone || !next?.isDone) return;
      one.place = joined(one.place, next.place);
      entries.splice(index + 1, 1);
    };

    const moveOver = (): void => {
      if (entries[0]?.isDone) {
        const { place } = entries[0];
        reached = reached ? joined(reached, place) : place;
        entries.shift();
      }
      // It keeps its place until then.
      if (reached && reached.failures.length > 0) pausing.abort();
      if (reached !== undefined) saving ??= saveReached();
    };

    // One save at a time; places that were reached meanwhile are saved by the same loop.
    const saveReached = async (): Promise<void> => {
      while (reached !== undefined) {
        const place: ReachedPlace = reached;
        reached = undefined;
        await untilDone(() => options.saveCheckpoint(place), retrying);
        free(place.failures.length);
        if (checkpointPauseMs === 0) continue;
        pausing = new AbortController();
        const pauseEnds = AbortSignal.any([ended.signal, pausing.signal]);
        await pauseUnlessAborted(checkpointPauseMs, pauseEnds);
      }
      // Synchronous with the last check of what was reached, or a place reached in between is lost.
      saving = undefined;
    };

    const passOver = (place: ReachedPlace): void => {
      entries.push({ place, isDone: true });
      join(entries.length - 2);
      moveOver();
    };

    const finish = (entry: Entry, failure: EventFailure | undefined): void => {
      entry.isDone = true;
      if (failure) entry.place = { ...entry.place, failures: [failure] };
      else free(1);
      const index = entries.indexOf(entry);
      join(index);
      join(index - 1);
      moveOver();
    };

    const start = (event: RecordedEvent, receivedAt: number | undefined): void => {
      const { id, streamName, revision, position } = event;
      const place = { position, lastEvent: { id, streamName, revision, position }, failures: [] };
      if (options.isToBeHandled?.(event) === false) return passOver(place);
      const entry: Entry = { place, isDone: false };
      entries.push(entry);
      placesTaken += 1;
      const work = untilDone(() => options.handle(event, signal, receivedAt), retrying).then(
        (outcome) => {
          underWay.delete(work);
          if (outcome) finish(entry, outcome.result);
        },
      );
      underWay.add(work);
    };

    try {
      for await (const message of messages) {
        if (message.kind === 'event') {
          start(message.event, message.receivedAt);
          while (placesTaken >= options.windowSize && !signal.aborted) await placeFreed.woken();
        } else if (message.kind === 'checkpoint') {
          passOver({ position: message.position, lastEvent: undefined, failures: [] });
        } else {
          options.onCaughtUp?.();
        }
      }
    } finally {
      ended.abort();
      await Promise.all(underWay);
      await saving;
    }
  };
}

function joined(one: ReachedPlace, next: ReachedPlace): ReachedPlace {
  return {
    position: next.position,
    lastEvent: next.lastEvent ?? one.lastEvent,
    failures: next.failures.length > 0 ? [...one.failures, ...next.failures] : one.failures,
  };
}

/** Calls `action` until it does not throw; undefined when the signal ended that first. */
async function untilDone<Result>(
  action: () => Promise<Result>,
  { signal, onFault }: Pick<WindowOptions, 'signal' | 'onFault'>,
): Promise<{ readonly result: Result } | undefined> {
  for (let faults = 1; ; faults++) {
    try {
      return { result: await action() };
    } catch (error) {
      if (signal.aborted) return undefined;
      const retryInMs = Math.max(
        backoffMs(faults),
        error instanceof RetryLater ? error.afterMs : 0,
      );
      onFault(error, retryInMs);
      await pauseUnlessAborted(retryInMs, signal);
      if (signal.aborted) return undefined;
    }
  }
}
