import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { EventIndex } from '../index/event-index.js';
import { EventLog } from '../log/event-log.js';
import type { EventLogOptions } from '../log/event-log.js';
import { EventRecord, recordLengthAt, writeRecord } from '../log/event-record.js';
import type { EventToRecord, ProposedEvent } from '../log/event-record.js';
import { FRAME_HEADER_LENGTH } from '../log/frame.js';
import { lockFolder } from '../log/folder-lock.js';
import { ProtobufWriter } from '../protobuf/protobuf-writer.js';
import { decideAppend, NO_EVENTS } from './append-decision.js';
import type { ExpectedVersion, StreamFacts } from './append-decision.js';
import { FIRST_EVENT, isSystemStream } from './system-streams.js';

const LOG_FILE_NAME = 'events.log';
/** An append that is under way already gets its answer after so long: that nothing can be said. */
const COMMIT_TIMEOUT_MS = 2_500;
/** About as many events as EventStoreDB remembers in its 8 MiB. */
const MOST_RECENT_IDS = 65_536;

export interface AppendedAt {
  readonly kind: 'appended';
  /** Revision of the last event of the append; `NO_EVENTS` when stream and append are empty. */
  readonly revision: number;
  /** Position of that event; of an empty append, a place of the log where no event is. */
  readonly position: number;
}

export type AppendOutcome =
  | AppendedAt
  /** The same append is not durable yet: EventStoreDB knows nothing to answer either. */
  | { readonly kind: 'commit-timeout' }
  | { readonly kind: 'wrong-expected-version'; readonly currentRevision: number };

/** What can be read of a stream at this moment. */
export interface ReadableStream {
  /** Highest revision that is durable. */
  readonly last: number;
  recordAt(revision: number): EventRecord;
}

export interface StreamStoreOptions extends Pick<
  EventLogOptions,
  'fsync' | 'onRoom' | 'onFailure'
> {
  readonly folder: string;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** All streams: decides on appends in the order in which they arrive, and shows what is durable. */
export class StreamStore {
  /** Where the events of the last appends went, by the number of the stream and their ids. */
  private readonly recentRevisions = new LRUCache<string, number>({
    // In place of `max`, which makes room for all of them before there is one: that took 27 ms of each start.
    maxSize: MOST_RECENT_IDS,
    sizeCalculation: () => 1,
  });
  private readonly writer = new ProtobufWriter();
  private readonly listeners = new Set<() => void>();
  private durableEvents: number;

  private constructor(
    private readonly log: EventLog,
    readonly index: EventIndex,
    private readonly options: StreamStoreOptions,
    private readonly unlock: () => void,
    /** Records of the file that mean nothing here: how many are passed over. */
    readonly passedOver: number,
  ) {
    this.durableEvents = index.eventCount;
  }

  /**
   * Opens the store kept in a folder, or creates it.
   *
   * @throws FolderInUseError
   * @throws CorruptLogError
   */
  static async open(options: StreamStoreOptions): Promise<StreamStore> {
    const unlock = lockFolder(options.folder);
    try {
      const index = new EventIndex();
      let passedOver = 0;
      const log = await EventLog.open({
        ...options,
        path: join(options.folder, LOG_FILE_NAME),
        visit: (chunk, bodyStart, recordCount) => {
          passedOver += indexFrame(index, chunk, bodyStart, recordCount);
        },
      });
      const store = new StreamStore(log, index, options, unlock, passedOver);
      if (index.eventCount === 0) await store.writeFirstEvent();
      return store;
    } catch (error) {
      unlock();
      throw error;
    }
  }

  /** Bytes of an unfinished append that were cut off at the start. */
  get tornBytes(): number {
    return this.log.recovery.tornBytes;
  }

  /** Whether the disk has room for more events. Callers are refused while it has none; what they read goes on. */
  get hasRoom(): boolean {
    return this.log.hasRoom;
  }

  /** Events with lower numbers are durable and may be shown. */
  get visibleEvents(): number {
    return this.durableEvents;
  }

  /** Calls back with each append that has become visible. Returns how to end that. */
  onAppended(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  get listenerCount(): number {
    return this.listeners.size;
  }

  recordOf(eventNumber: number): EventRecord {
    const position = this.index.positionOf(eventNumber);
    return new EventRecord(this.log.read(position, recordLengthAt(this.log.read(position, 4), 0)));
  }

  /** The durable events of a stream; undefined when there are none. */
  readable(streamName: Buffer): ReadableStream | undefined {
    const { index, visibleEvents } = this;
    const stream = index.streams.find(streamName);
    let last = index.lengthOfStream(stream) - 1;
    while (last >= 0 && index.eventAt(stream, last) >= visibleEvents) last -= 1;
    if (last < 0) return undefined;
    return { last, recordAt: (revision) => this.recordOf(index.eventAt(stream, revision)) };
  }

  /**
   * Appends all events or none. The decision is made before this returns; `done` is called when the
   * outcome is durable.
   */
  append(
    streamName: Buffer,
    expected: ExpectedVersion,
    events: readonly ProposedEvent[],
    done: (outcome: AppendOutcome) => void,
  ): void {
    const facts = this.factsOf(streamName);
    const ids = events.map(({ id }) => id);
    const decision = decideAppend(expected, ids, facts);
    switch (decision.kind) {
      case 'wrong-expected-version':
        return done({ ...decision, currentRevision: facts.lastRevision });
      case 'already-written':
        return this.answerStored(streamName, decision.lastRevision, done);
      case 'write':
        if (events.length === 0) return this.answerNothing(facts.lastRevision, done);
        return this.write(draftsOf(streamName, facts.lastRevision, events), done);
    }
  }

  /** Resolves when all that was appended so far is durable and answered. */
  async settled(): Promise<void> {
    await new Promise<void>((resolve) => this.log.afterDurable(resolve));
  }

  /** Writes out what is pending and gives the folder free. */
  async close(): Promise<void> {
    await this.log.close();
    this.unlock();
  }

  private factsOf(streamName: Buffer): StreamFacts {
    const { index, recentRevisions } = this;
    const stream = index.streams.find(streamName);
    return {
      lastRevision: index.lengthOfStream(stream) - 1,
      idAt: (revision) => this.recordOf(index.eventAt(stream, revision)).id,
      recentRevisionOf: (id) => recentRevisions.get(`${stream} ${id}`),
    };
  }

  private write(drafts: readonly EventToRecord[], done: (outcome: AppendOutcome) => void): void {
    const { writer, log, index } = this;
    const recordedAt = this.options.now();
    const bodyOffset = log.nextBodyOffset;
    writer.reset();
    writer.reserve(FRAME_HEADER_LENGTH);
    const starts = drafts.map((draft) => {
      const start = writer.length;
      const position = bodyOffset + start - FRAME_HEADER_LENGTH;
      writeRecord(writer, draft, position, recordedAt);
      return start;
    });
    const frame = writer.copy();
    for (const [draft, start] of starts.entries()) {
      const { id, streamName, revision } = drafts[draft]!;
      index.add(new EventRecord(frame, start));
      this.recentRevisions.set(`${index.streams.find(streamName)} ${id}`, revision);
    }

    const eventCount = index.eventCount;
    const outcome: AppendOutcome = {
      kind: 'appended',
      revision: drafts.at(-1)!.revision,
      position: bodyOffset + starts.at(-1)! - FRAME_HEADER_LENGTH,
    };
    log.append(frame, drafts.length, () => {
      this.durableEvents = eventCount;
      done(outcome);
      for (const listener of this.listeners) listener();
    });
  }

  /** Answers with an event that is in the log already; one that is not durable yet leaves the caller without an answer. */
  private answerStored(
    streamName: Buffer,
    revision: number,
    done: (outcome: AppendOutcome) => void,
  ): void {
    const { index } = this;
    const eventNumber = index.eventAt(index.streams.find(streamName), revision);
    if (eventNumber < this.durableEvents)
      return done({ kind: 'appended', revision, position: index.positionOf(eventNumber) });
    setTimeout(() => done({ kind: 'commit-timeout' }), COMMIT_TIMEOUT_MS).unref();
  }

  private answerNothing(revision: number, done: (outcome: AppendOutcome) => void): void {
    const position = this.log.nextBodyOffset - 1;
    this.log.afterDurable(() => done({ kind: 'appended', revision, position }));
  }

  private async writeFirstEvent(): Promise<void> {
    const { streamName, ...event } = FIRST_EVENT;
    const draft = { ...event, id: randomUUID(), isJson: true, customMetadata: Buffer.alloc(0) };
    await new Promise<AppendOutcome>((resolve) =>
      this.write(draftsOf(streamName, NO_EVENTS, [draft]), resolve),
    );
  }
}

function draftsOf(
  streamName: Buffer,
  lastRevision: number,
  events: readonly ProposedEvent[],
): EventToRecord[] {
  return events.map((event, index) => ({
    id: event.id,
    type: event.type,
    isJson: event.isJson,
    customMetadata: event.customMetadata,
    data: event.data,
    streamName,
    revision: lastRevision + 1 + index,
  }));
}

/**
 * An older version of this store wrote tombstones and system streams: they stay in the file and are not indexed.
 *
 * @returns how many records were passed over
 */
function indexFrame(
  index: EventIndex,
  chunk: Buffer,
  bodyStart: number,
  recordCount: number,
): number {
  let start = bodyStart;
  let passedOver = 0;
  for (let count = 0; count < recordCount; count += 1) {
    const record = new EventRecord(chunk, start);
    const isFirst = record.streamName.equals(FIRST_EVENT.streamName);
    if (record.isTombstone || (isSystemStream(record.streamName) && !isFirst)) passedOver += 1;
    else index.add(record);
    start += record.length;
  }
  return passedOver;
}
