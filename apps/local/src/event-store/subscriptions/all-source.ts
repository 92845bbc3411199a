import type { Behaviour } from '../behaviour.js';
import { checkpointMessage, eventMessage } from '../grpc/read-messages.js';
import { handlerFailed, invalidArgument } from '../grpc/rpc-errors.js';
import type { StreamStore } from '../streams/stream-store.js';
import type { EventFilter } from './all-filter.js';
import type { EventSource, Position, SourceStep } from './event-source.js';

/** A page ends when it has found so many events. */
const PAGE_LENGTH = 32;
/** Events looked at in one go. */
const SEARCH_LENGTH = 2_048;
const START: Position = { commit: 0, prepare: 0 };
/** The position that a server without any position sends: -1 in 64 bits without a sign. */
const BEYOND_LOG: Position = { commit: 2n ** 64n - 1n, prepare: 2n ** 64n - 1n };

export interface AllSourceOptions {
  /** Deliver events after this position of the log. */
  readonly after: Position | 'start' | 'end';
  readonly filter: EventFilter;
  /** Undefined for a subscription without a filter, which has no checkpoints. */
  readonly checkpoints: Checkpoints | undefined;
  readonly behaviour: Behaviour;
}

/** History is read in pages; a checkpoint comes after so many events in whole pages, and live after just so many. */
export interface Checkpoints {
  /** Events that one page looks at. */
  readonly searchWindow: number;
  readonly interval: number;
}

/** The events of `$all` after a position, in order, with checkpoints where the version would send them. */
export class AllSource implements EventSource {
  /** What the subscriber was sent last, or began after; undefined before anything was. */
  private sent: Position | undefined;
  /** The last checkpoint. */
  private announced: Position | undefined;
  private nextEvent: number;
  /** Where the next page begins. */
  private page: Position;
  /** Live checkpoints come each `interval` events from this one on. */
  private countFrom: number;
  private isLiveAtOnce: boolean;

  constructor(
    private readonly store: StreamStore,
    private readonly options: AllSourceOptions,
  ) {
    const { after, behaviour } = options;
    this.nextEvent = this.countFrom = store.visibleEvents;
    this.page = this.end;
    this.isLiveAtOnce = after === 'end';
    if (behaviour.passesOver === 'next-event') {
      if (after !== 'end') this.beginAfterNextEvent(after);
    } else {
      this.sent = after === 'start' ? undefined : after === 'end' ? this.last : after;
      this.isLiveAtOnce = this.sent !== undefined && isAtOrAfter(this.sent, this.last);
      if (!this.isLiveAtOnce) this.beginAtSent();
    }
  }

  *history(): Generator<SourceStep> {
    if (this.isLiveAtOnce) {
      this.isLiveAtOnce = false;
      return;
    }
    if (this.sent !== undefined) this.check(this.sent);
    const { checkpoints, filter, behaviour } = this.options;
    const searchWindow = checkpoints?.searchWindow ?? PAGE_LENGTH;
    let counted = 0;
    let searched = 0;
    for (;;) {
      // The first record of a log is no event, but counts as one.
      let considered = this.page.commit === 0 ? 1 : 0;
      let found = 0;
      while (considered < searchWindow && found < PAGE_LENGTH && this.hasNext) {
        const number = this.nextEvent++;
        considered += 1;
        if (!filter(number)) continue;
        found += 1;
        yield { kind: 'event', number };
      }
      const isAtEnd = considered < searchWindow && found < PAGE_LENGTH;
      counted += considered;
      const reached = considered > 0 ? later(this.sent, this.page) : this.sent;
      if (behaviour.checkpointAtCaughtUp === 'read') this.sent = reached;
      if (isAtEnd) {
        if (behaviour.liveCountBegins === 'where-history-counted')
          this.countFrom = this.nextEvent - counted;
        if (checkpoints !== undefined && behaviour.checkpointAtCaughtUp !== 'none')
          yield { kind: 'checkpoint', position: this.sent ?? BEYOND_LOG };
        return;
      }
      if (checkpoints !== undefined && reached !== undefined && counted >= checkpoints.interval) {
        counted %= checkpoints.interval;
        yield { kind: 'checkpoint', position: reached };
      }
      this.page = this.placeOfNext;
      searched += considered;
      if (searched < SEARCH_LENGTH) continue;
      searched = 0;
      yield { kind: 'searching' };
    }
  }

  isThere(): boolean {
    return true;
  }

  *live(number: number): Generator<SourceStep> {
    const { checkpoints, filter } = this.options;
    if (filter(number)) yield { kind: 'event', number };
    if (checkpoints !== undefined && (number - this.countFrom + 1) % checkpoints.interval === 0)
      yield { kind: 'checkpoint', position: this.placeOf(number) };
  }

  messageOf(step: SourceStep): Buffer | undefined {
    if (step.kind === 'searching') return undefined;
    const position = step.kind === 'event' ? this.placeOf(step.number) : step.position;
    if (step.kind === 'event') {
      if (this.sent !== undefined && isAtOrAfter(this.sent, position)) return undefined;
      this.sent = position;
      return eventMessage(this.store.recordOf(step.number));
    }
    if (this.sent !== undefined && !isAtOrAfter(position, this.sent)) return undefined;
    if (position !== BEYOND_LOG) this.sent = position;
    if (this.announced !== undefined && isAtOrAfter(this.announced, position)) return undefined;
    this.announced = position;
    return checkpointMessage(position);
  }

  *fallBehind(): Generator<SourceStep> {
    if (this.sent !== undefined && this.options.checkpoints !== undefined)
      yield { kind: 'checkpoint', position: this.sent };
    this.beginAtSent();
  }

  private beginAtSent(): void {
    this.page = this.sent ?? START;
    this.nextEvent = this.store.index.firstEventAtOrAfter(Number(this.page.commit));
  }

  private beginAfterNextEvent(after: Position | 'start'): void {
    if (after === 'start') {
      this.nextEvent = 0;
      this.page = START;
      return;
    }
    this.check(after);
    const next = this.store.index.firstEventAtOrAfter(Number(after.commit));
    this.nextEvent = isStart(after) ? 0 : Math.min(next + 1, this.store.visibleEvents);
    this.page = isStart(after) ? START : this.placeOfNext;
  }

  private check(position: Position): void {
    if (this.store.index.isPlace(Number(position.commit))) return;
    const { isConfirmed } = this.options.behaviour.invalidPosition;
    throw isConfirmed
      ? invalidArgument('Trying to read from an invalid position.')
      : handlerFailed();
  }

  private get hasNext(): boolean {
    return this.nextEvent < this.store.visibleEvents;
  }

  private get placeOfNext(): Position {
    if (!this.hasNext) return this.end;
    return { commit: this.store.index.positionOf(this.nextEvent), prepare: 0 };
  }

  private get end(): Position {
    return { commit: Number(this.last.commit) + 1, prepare: 0 };
  }

  private get last(): Position {
    const { visibleEvents } = this.store;
    return visibleEvents === 0 ? START : this.placeOf(visibleEvents - 1);
  }

  private placeOf(number: number): Position {
    const position = this.store.index.positionOf(number);
    return { commit: position, prepare: position };
  }
}

function isAtOrAfter(one: Position, other: Position): boolean {
  if (one.commit !== other.commit) return one.commit > other.commit;
  return one.prepare >= other.prepare;
}

function later(one: Position | undefined, other: Position): Position {
  return one !== undefined && isAtOrAfter(one, other) ? one : other;
}

function isStart({ commit }: Position): boolean {
  return commit === 0;
}
