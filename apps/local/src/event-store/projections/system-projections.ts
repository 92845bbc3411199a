import { createHash } from 'node:crypto';
import { NameTable, NOT_FOUND } from '../index/name-table.js';
import { NumberColumn } from '../index/number-column.js';
import { NumberLists } from '../index/number-lists.js';
import { EventRecord, writeRecord } from '../log/event-record.js';
import { ProtobufWriter } from '../protobuf/protobuf-writer.js';
import { LINK_TYPE } from '../reading/stream-window.js';
import type { StreamWindow } from '../reading/stream-window.js';
import type { StreamStore } from '../streams/stream-store.js';

const SYSTEM_PREFIX = '$';
const DOLLAR = 0x24;
const STREAM_REFERENCE_TYPE = Buffer.from('$@');
const TOMBSTONE_TYPE = '$streamDeleted';
const NO_METADATA = Buffer.from('{}');
/** Events taken up in one turn of the event loop. */
const STEP_LENGTH = 20_000;

/**
 * The standard projections of EventStoreDB: `$ce-<category>` (`$by_category`), `$et-<type>`
 * (`$by_event_type`), `$streams` and `$category-<category>`.
 *
 * EventStoreDB writes their links into the log. Here they are lists of event numbers from which the links
 * are made when somebody reads them; they appear in `$all` neither as events nor as positions. As there,
 * they lag behind the appends.
 */
export class SystemProjections {
  /** How long an event waits before it is projected, in milliseconds; for tests of eventual consistency. */
  delayMs = 0;
  private readonly names = new NameTable();
  private readonly events = new NumberLists();
  /** Category list of each stream and list of each type, by number; 0 not known yet, 1 none. */
  private readonly categoryLists = new NumberColumn(Uint32Array);
  private readonly typeLists = new NumberColumn(Uint32Array);
  private readonly listeners = new Set<() => void>();
  private readonly writer = new ProtobufWriter();
  private nextEvent = 0;
  private timer: NodeJS.Timeout | undefined;
  private step: NodeJS.Immediate | undefined;
  private readonly stopFollowing: () => void;

  constructor(private readonly store: StreamStore) {
    this.stopFollowing = store.onProgress(() => this.schedule());
    this.schedule();
  }

  /** Calls back whenever links were added. Returns how to end that. */
  onProgress(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  stop(): void {
    this.stopFollowing();
    clearTimeout(this.timer);
    clearImmediate(this.step);
  }

  /** The links of a projected stream; undefined when no projection keeps a stream of this name. */
  windowOf(streamName: Buffer): StreamWindow | undefined {
    if (streamName[0] !== DOLLAR) return undefined;
    const list = this.names.find(streamName);
    if (list === NOT_FOUND) return undefined;
    return {
      kind: 'readable',
      first: 0,
      last: this.events.lengthOf(list) - 1,
      notBefore: 0,
      recordAt: (revision) => this.linkAt(streamName, revision, this.events.at(list, revision)),
    };
  }

  private schedule(): void {
    if (this.timer !== undefined || this.step !== undefined) return;
    if (this.delayMs === 0) this.step = setImmediate(() => this.takeUp());
    else this.timer = setTimeout(() => this.takeUp(), this.delayMs);
  }

  private takeUp(): void {
    this.timer = undefined;
    this.step = undefined;
    const end = Math.min(this.store.visibleEvents, this.nextEvent + STEP_LENGTH);
    if (this.nextEvent === end) return;
    while (this.nextEvent < end) {
      this.project(this.nextEvent);
      this.nextEvent += 1;
    }
    for (const listener of this.listeners) listener();
    if (this.nextEvent < this.store.visibleEvents) this.schedule();
  }

  private project(eventNumber: number): void {
    const { index } = this.store;
    const stream = index.streamOf(eventNumber);
    const isFirst = this.categoryLists.at(stream) === 0;
    if (isFirst) this.welcomeStream(stream, eventNumber);
    this.addTo(this.categoryLists.at(stream), eventNumber);

    const type = index.typeOf(eventNumber);
    if (this.typeLists.at(type) === 0) this.typeLists.set(type, this.listOfType(type));
    this.addTo(this.typeLists.at(type), eventNumber);
  }

  private welcomeStream(stream: number, eventNumber: number): void {
    const name = this.store.index.streams.nameOf(stream);
    if (name.startsWith(SYSTEM_PREFIX)) {
      this.categoryLists.set(stream, 1);
      return;
    }
    const separator = name.indexOf('-');
    const category = separator > 0 ? name.slice(0, separator) : undefined;
    this.categoryLists.set(stream, category === undefined ? 1 : this.listNamed(`$ce-${category}`));
    this.addTo(this.listNamed('$streams'), eventNumber);
    if (category !== undefined) this.addTo(this.listNamed(`$category-${category}`), eventNumber);
  }

  private listOfType(type: number): number {
    const name = this.store.index.types.nameOf(type);
    if (name === '$>') return 1;
    return this.listNamed(`$et-${name === TOMBSTONE_TYPE ? '$deleted' : name}`);
  }

  /** Lists are kept as their number + 2, because 0 and 1 have meanings of their own. */
  private listNamed(name: string): number {
    return this.names.intern(Buffer.from(name)) + 2;
  }

  private addTo(listMark: number, eventNumber: number): void {
    if (listMark >= 2) this.events.push(listMark - 2, eventNumber);
  }

  private linkAt(streamName: Buffer, revision: number, eventNumber: number): EventRecord {
    const target = this.store.recordOf(eventNumber);
    const isReference = streamName.toString('latin1', 0, 10) === '$category-';
    const { writer } = this;
    writer.reset();
    writeRecord(
      writer,
      {
        id: stableId(streamName, revision),
        streamName,
        revision,
        type: isReference ? STREAM_REFERENCE_TYPE : LINK_TYPE,
        isJson: false,
        customMetadata: NO_METADATA,
        data: isReference ? target.streamName : linkDataTo(target),
      },
      target.position,
      target.recordedAt,
    );
    return new EventRecord(writer.copy());
  }
}

/** A link to a link leads to the target of the latter. */
function linkDataTo(target: EventRecord): Buffer {
  if (target.type.equals(LINK_TYPE)) return target.data;
  return Buffer.concat([Buffer.from(`${target.revision}@`), target.streamName]);
}

/** The same link has the same id each time it is read. */
function stableId(streamName: Buffer, revision: number): string {
  const hash = createHash('sha1').update(streamName).update(`@${revision}`).digest('hex');
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-5${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}
