import { EVENT_STORE } from '@app/event-store';
import type { EventStore, LogPosition, RecordedEvent } from '@app/event-store';
import { Problem } from '@app/http-service';
import { consumers } from '@app/views';
import { readCheckpoint } from '@app/consumers';
import type { Queryable } from '@app/postgres';
import { Inject, Injectable } from '@nestjs/common';
import { adminProblems } from '../admin-problems.js';
import { READ_MODEL } from '../admin.tokens.js';

/** Something that is made of each stream, event by event. */
export interface StreamFold<Fold> {
  /** Only streams whose name starts with one of these. */
  readonly streamNamePrefixes: readonly [string, ...string[]];
  begin(streamName: string): Fold;
  add(fold: Fold, event: RecordedEvent): void | Promise<void>;
}

export interface WalkProgress {
  readonly kind: 'progress';
  /** As it stands in a line of an answer. */
  readonly progress: {
    readonly events: number;
    /** Estimated, from 0 to 1; null when the length of the log is unknown. */
    readonly fraction: number | null;
  };
}

/** Some of the streams, each to its end; every stream is in exactly one share. */
export interface WalkedShare<Fold> {
  readonly kind: 'share';
  readonly folds: ReadonlyMap<string, Fold>;
}

/**
 * So many streams are held at a time. Walks along a chain took 250 bytes a stream when this was measured, what-if
 * replays four times as much; what does not fit is left for another pass over the log.
 */
const MOST_STREAMS = 1_000_000;
const PROGRESS_EVERY_MS = 250;
const EVENTS_BETWEEN_LOOKS_AT_THE_CLOCK = 256;

/** Streams whose hash has this value in its lowest bits. */
interface Share {
  readonly bits: number;
  readonly value: number;
}

/** Reads the whole log in order, for what has to see every history. One walk at a time. */
@Injectable()
export class LogScan {
  private isWalking = false;

  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(READ_MODEL) private readonly database: Queryable,
  ) {}

  /**
   * Folds every stream, up to the last event recorded before the walk (or its last pass) began. The
   * walk is over when the generator has returned.
   *
   * @param mostStreams held in memory at a time
   * @throws Problem log-walk-running
   * @throws EventStoreUnavailable also in the middle
   */
  async *walk<Fold>(
    fold: StreamFold<Fold>,
    mostStreams = MOST_STREAMS,
  ): AsyncGenerator<WalkProgress | WalkedShare<Fold>, void, void> {
    if (this.isWalking) {
      throw new Problem(
        adminProblems.logWalkRunning,
        'Somebody is reading the whole log already. Ask again when that is over.',
      );
    }
    this.isWalking = true;
    try {
      await this.store.checkAvailable();
      yield* walkInShares(this.store, fold, mostStreams, await this.end());
    } finally {
      this.isWalking = false;
    }
  }

  /** Nearly: as far as the foremost of those has come who follow the log. */
  private async end(): Promise<LogPosition | undefined> {
    let end: LogPosition | undefined;
    for (const { name } of consumers) {
      const checkpoint = await readCheckpoint(this.database, name);
      if (checkpoint !== 'start' && (end === undefined || checkpoint > end)) end = checkpoint;
    }
    return end;
  }
}

async function* walkInShares<Fold>(
  store: EventStore,
  fold: StreamFold<Fold>,
  mostStreams: number,
  end: LogPosition | undefined,
): AsyncGenerator<WalkProgress | WalkedShare<Fold>, void, void> {
  const shares: Share[] = [{ bits: 0, value: 0 }];
  let events = 0;
  let passes = 0;
  let toldAt = performance.now();
  for (let share = shares.pop(); share; share = shares.pop()) {
    const folds = new Map<string, Fold>();
    let own: Share = share;
    for await (const event of eventsNow(store, fold.streamNamePrefixes)) {
      events += 1;
      if (events % EVENTS_BETWEEN_LOOKS_AT_THE_CLOCK === 0) {
        const now = performance.now();
        if (now - toldAt >= PROGRESS_EVERY_MS) {
          toldAt = now;
          const ofPass = end && Math.min(0.99, Number(event.position) / Number(end));
          const fraction = ofPass ? (passes + ofPass) / (passes + 1 + shares.length) : null;
          yield { kind: 'progress', progress: { events, fraction } };
        }
      }
      const { streamName } = event;
      if (!isIn(own, streamName)) continue;
      let known = folds.get(streamName);
      if (known === undefined) {
        while (folds.size >= mostStreams) {
          const [kept, left] = halvesOf(own);
          shares.push(left);
          own = kept;
          for (const name of folds.keys()) if (!isIn(kept, name)) folds.delete(name);
        }
        if (!isIn(own, streamName)) continue;
        known = fold.begin(streamName);
        folds.set(streamName, known);
      }
      const added = fold.add(known, event);
      if (added) await added;
    }
    passes += 1;
    yield { kind: 'share', folds };
  }
}

/** Everything of these streams that is in the log when this begins. */
async function* eventsNow(
  store: EventStore,
  streamNamePrefixes: readonly [string, ...string[]],
): AsyncGenerator<RecordedEvent, void, void> {
  const enough = new AbortController();
  try {
    const messages = store.subscribeToAll({
      after: 'start',
      streamNamePrefixes,
      signal: enough.signal,
    });
    for await (const message of messages) {
      if (message.kind === 'caught-up') return;
      if (message.kind === 'event') yield message.event;
    }
  } finally {
    enough.abort();
  }
}

function halvesOf({ bits, value }: Share): [Share, Share] {
  return [
    { bits: bits + 1, value },
    { bits: bits + 1, value: value + 2 ** bits },
  ];
}

function isIn({ bits, value }: Share, streamName: string): boolean {
  return bits === 0 || hashOf(streamName) % 2 ** bits === value;
}

/** FNV-1a: only to split streams evenly. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash >>> 0;
}
