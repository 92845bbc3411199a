import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { EventIndex, isMetastream, metastreamOf, NOT_FOUND } from '../index/event-index.js';
import { EventLog } from '../log/event-log.js';
import { EventRecord, recordLengthAt, writeRecord } from '../log/event-record.js';
import { FRAME_HEADER_LENGTH } from '../log/frame.js';
import { lockFolder } from '../log/folder-lock.js';
import { ProtobufWriter } from '../protobuf/protobuf-writer.js';
import { decideAppend, NO_EVENTS } from './append-decision.js';
import type { ExpectedVersion, StreamFacts } from './append-decision.js';
import { RecentEventIds } from './recent-event-ids.js';
import {
  deletedMetadata,
  METASTREAM_LIMITS,
  NO_LIMITS,
  withTruncateBefore,
} from './stream-metadata.js';
import type { StreamMetadata } from './stream-metadata.js';

const LOG_FILE_NAME = 'events.log';
const METADATA_TYPE = Buffer.from('$metadata');
const TOMBSTONE_TYPE = Buffer.from('$streamDeleted');
const NOTHING = Buffer.alloc(0);

export interface ProposedEvent {
  /** Lower-case UUID. */
  readonly id: string;
  readonly type: Buffer;
  readonly isJson: boolean;
  readonly customMetadata: Uint8Array;
  readonly data: Uint8Array;
}

export type AppendOutcome =
  | {
      readonly kind: 'appended';
      /** Revision of the last event of the append; `NO_EVENTS` when stream and append are empty. */
      readonly revision: number;
      /** Position of that event; undefined when there is none. */
      readonly position: number | undefined;
    }
  | { readonly kind: 'wrong-expected-version'; readonly currentRevision: number }
  | { readonly kind: 'stream-deleted' };

export interface StreamStoreOptions {
  readonly folder: string;
  /** Whether an append waits for the disk. */
  readonly fsync: boolean;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Called when the disk is full, and when there is room again. */
  readonly onRoom: (hasRoom: boolean) => void;
  /** The disk failed: nothing can be appended any more. */
  readonly onFailure: (error: Error) => void;
}

interface RecordDraft extends ProposedEvent {
  readonly streamName: Buffer;
  readonly revision: number | 'tombstone';
}

/** All streams: decides on appends in the order in which they arrive, and shows what is durable. */
export class StreamStore {
  readonly index: EventIndex;
  private readonly recentIds: RecentEventIds;
  private readonly writer = new ProtobufWriter();
  private readonly listeners = new Set<() => void>();
  private durableEvents: number;

  private constructor(
    private readonly log: EventLog,
    index: EventIndex,
    private readonly options: StreamStoreOptions,
    private readonly unlock: () => void,
  ) {
    this.index = index;
    this.recentIds = new RecentEventIds(index, (eventNumber) => this.recordOf(eventNumber));
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
      const opened: { store?: StreamStore } = {};
      const log = await EventLog.open({
        path: join(options.folder, LOG_FILE_NAME),
        fsync: options.fsync,
        visit: (chunk, bodyStart, recordCount) => indexFrame(index, chunk, bodyStart, recordCount),
        onProgress: () => opened.store?.announceProgress(),
        onRoom: options.onRoom,
        onFailure: options.onFailure,
      });
      opened.store = new StreamStore(log, index, options, unlock);
      return opened.store;
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

  /** Calls back whenever more events have become visible. Returns how to end that. */
  onProgress(listener: () => void): () => void {
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

  /** What limits the reading of a stream. */
  limitsOf(streamName: Buffer): StreamMetadata {
    if (isMetastream(streamName)) return METASTREAM_LIMITS;
    const stream = this.index.streams.find(streamName);
    return this.index.metadataOf(stream) ?? NO_LIMITS;
  }

  /** Whether the stream, or the stream it describes, was tombstoned. */
  isTombstoned(streamName: Buffer): boolean {
    const stream = isMetastream(streamName) ? streamName.subarray(2) : streamName;
    return this.index.tombstoneOf(this.index.streams.find(stream)) !== undefined;
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
      case 'stream-deleted':
        return done(decision);
      case 'wrong-expected-version':
        return done({ ...decision, currentRevision: facts.lastRevision });
      case 'already-written':
        return this.answerStored(streamName, decision.lastRevision, done);
      case 'write':
        if (events.length === 0) return this.answerStored(streamName, facts.lastRevision, done);
        return this.write(this.draftsOf(streamName, facts, events), events.length - 1, done);
    }
  }

  /** Deletes a stream in the way that lets it come back: its events can no longer be read. */
  delete(
    streamName: Buffer,
    expected: ExpectedVersion,
    done: (outcome: AppendOutcome) => void,
  ): void {
    const facts = this.factsOf(streamName);
    if (facts.isTombstoned) return done({ kind: 'stream-deleted' });
    const exists = facts.lastRevision !== NO_EVENTS || facts.hasMetadata;
    if (!exists || !matches(expected, facts))
      return done({ kind: 'wrong-expected-version', currentRevision: facts.lastRevision });
    this.write([this.metadataDraft(streamName, deletedMetadata())], 0, done);
  }

  /** Deletes a stream for ever: it can neither be read nor appended to again. */
  tombstone(
    streamName: Buffer,
    expected: ExpectedVersion,
    done: (outcome: AppendOutcome) => void,
  ): void {
    const facts = this.factsOf(streamName);
    if (facts.isTombstoned) return done({ kind: 'stream-deleted' });
    if (!matches(expected, facts))
      return done({ kind: 'wrong-expected-version', currentRevision: facts.lastRevision });
    const tombstone = {
      id: randomUUID(),
      streamName,
      type: TOMBSTONE_TYPE,
      isJson: false,
      customMetadata: NOTHING,
      data: NOTHING,
      revision: 'tombstone',
    } as const;
    this.write([tombstone], 0, done);
  }

  /** Writes out what is pending and gives the folder free. */
  async close(): Promise<void> {
    await this.log.close();
    this.unlock();
  }

  private factsOf(streamName: Buffer): StreamFacts {
    const { index, recentIds } = this;
    const stream = index.streams.find(streamName);
    return {
      lastRevision: index.lengthOfStream(stream) - 1,
      isTombstoned: this.isTombstoned(streamName),
      isDeleted: index.metadataOf(stream)?.isDeleted ?? false,
      hasMetadata: index.metadataOf(stream) !== undefined,
      idAt: (revision) => this.recordOf(index.eventAt(stream, revision)).id,
      recentRevisionOf: (id) => recentIds.revisionOf(stream, id),
    };
  }

  private draftsOf(
    streamName: Buffer,
    facts: StreamFacts,
    events: readonly ProposedEvent[],
  ): RecordDraft[] {
    const firstRevision = facts.lastRevision + 1;
    const drafts: RecordDraft[] = events.map((event, index) => ({
      id: event.id,
      type: event.type,
      isJson: event.isJson,
      customMetadata: event.customMetadata,
      data: event.data,
      streamName,
      revision: firstRevision + index,
    }));
    // A deleted stream comes back with its new events, and only with these.
    if (facts.isDeleted) {
      const metadata = withTruncateBefore(this.newestMetadata(streamName), firstRevision);
      drafts.push(this.metadataDraft(streamName, metadata));
    }
    return drafts;
  }

  private newestMetadata(streamName: Buffer): Buffer {
    const metastream = this.index.streams.find(metastreamOf(streamName));
    const lastRevision = this.index.lengthOfStream(metastream) - 1;
    return this.recordOf(this.index.eventAt(metastream, lastRevision)).data;
  }

  private metadataDraft(streamName: Buffer, data: Buffer): RecordDraft {
    const metastream = metastreamOf(streamName);
    return {
      id: randomUUID(),
      streamName: metastream,
      type: METADATA_TYPE,
      isJson: true,
      customMetadata: NOTHING,
      data,
      revision: this.index.lengthOfStream(this.index.streams.find(metastream)),
    };
  }

  /** @param last which of the drafts the outcome names */
  private write(
    drafts: readonly RecordDraft[],
    last: number,
    done: (outcome: AppendOutcome) => void,
  ): void {
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
      const { id, revision } = drafts[draft]!;
      if (revision !== 'tombstone') this.recentIds.remember(id, index.eventCount);
      index.add(new EventRecord(frame, start));
    }

    const eventCount = index.eventCount;
    const { revision } = drafts[last]!;
    const outcome: AppendOutcome = {
      kind: 'appended',
      revision: revision === 'tombstone' ? NO_EVENTS : revision,
      position: bodyOffset + starts[last]! - FRAME_HEADER_LENGTH,
    };
    log.append(frame, drafts.length, () => {
      this.durableEvents = eventCount;
      done(outcome);
    });
  }

  /** Answers with an event that is in the log already, once that is durable. */
  private answerStored(
    streamName: Buffer,
    revision: number,
    done: (outcome: AppendOutcome) => void,
  ): void {
    const stream = this.index.streams.find(streamName);
    const position =
      revision === NO_EVENTS || stream === NOT_FOUND
        ? undefined
        : this.index.positionOf(this.index.eventAt(stream, revision));
    this.log.afterDurable(() => done({ kind: 'appended', revision, position }));
  }

  private announceProgress(): void {
    for (const listener of this.listeners) listener();
  }
}

function matches(expected: ExpectedVersion, facts: StreamFacts): boolean {
  switch (expected) {
    case 'any':
      return true;
    case 'no_stream':
      return facts.lastRevision === NO_EVENTS;
    case 'stream_exists':
      return facts.lastRevision !== NO_EVENTS || facts.hasMetadata;
    default:
      return facts.lastRevision === expected;
  }
}

function indexFrame(
  index: EventIndex,
  chunk: Buffer,
  bodyStart: number,
  recordCount: number,
): void {
  let start = bodyStart;
  for (let record = 0; record < recordCount; record += 1) {
    index.add(new EventRecord(chunk, start));
    start += recordLengthAt(chunk, start);
  }
}
