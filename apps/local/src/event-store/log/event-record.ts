import { fieldLength } from '../protobuf/protobuf-writer.js';
import type { ProtobufWriter } from '../protobuf/protobuf-writer.js';

/**
 * A stored event: a prefix of fixed length that says where its parts are, then the event as the very
 * bytes of the protocol's message `RecordedEvent`, so that answering a read is copying.
 * Layout of the prefix, little endian; places count from the start of the record:
 *
 * | at | bytes | what                                    |
 * |----|-------|-----------------------------------------|
 * | 0  | 4     | length of the record, prefix included   |
 * | 4  | 6     | revision                                |
 * | 10 | 6     | when it was recorded, Unix milliseconds |
 * | 16 | 8     | stream name: place, length              |
 * | 24 | 8     | event type: place, length               |
 * | 32 | 8     | custom metadata: place, length          |
 * | 40 | 8     | data: place, length                     |
 * | 48 | 6     | position of the record in the log       |
 * | 54 | 1     | 1 when the data are JSON                |
 */
const RECORD_PREFIX_LENGTH = 55;

/** Revision in the record of a deleted stream, as this store wrote it while it could delete streams. */
const TOMBSTONE_MARK = 0xffff_ffff_ffff;

/** Field numbers of `RecordedEvent`. */
const FIELD = {
  id: 1,
  streamIdentifier: 2,
  revision: 3,
  preparePosition: 4,
  commitPosition: 5,
  metadata: 6,
  customMetadata: 7,
  data: 8,
} as const;
const STREAM_NAME_FIELD = 3;
const UUID_STRING_FIELD = 2;

const ID_LENGTH = 36;
/** Tag and length of the id field, then tag and length of the text in it. */
const ID_START = RECORD_PREFIX_LENGTH + 4;

const JSON_CONTENT_TYPE = 'application/json';
const BINARY_CONTENT_TYPE = 'application/octet-stream';

/** An event as a client sends it. */
export interface ProposedEvent {
  /** Lower-case UUID. */
  readonly id: string;
  readonly type: Buffer;
  readonly isJson: boolean;
  readonly customMetadata: Uint8Array;
  readonly data: Uint8Array;
}

/** An event that has got its place in a stream. */
export interface EventToRecord extends ProposedEvent {
  readonly streamName: Buffer;
  readonly revision: number;
}

/**
 * Appends the record of an event that will lie at `position` of the log.
 *
 * @param recordedAt Unix milliseconds
 */
export function writeRecord(
  writer: ProtobufWriter,
  event: EventToRecord,
  position: number,
  recordedAt: number,
): void {
  const start = writer.reserve(RECORD_PREFIX_LENGTH);
  writer.openField(FIELD.id, ID_LENGTH + 2);
  writer.asciiField(UUID_STRING_FIELD, event.id);
  writer.openField(FIELD.streamIdentifier, fieldLength(event.streamName.length));
  const nameStart = writer.bytesField(STREAM_NAME_FIELD, event.streamName);
  openMetadataEntry(writer, 'type', event.type.length);
  const typeStart = writer.bytesField(2, event.type);
  const created = ticksSince1970(recordedAt);
  openMetadataEntry(writer, 'created', created.length);
  writer.asciiField(2, created);
  const contentType = event.isJson ? JSON_CONTENT_TYPE : BINARY_CONTENT_TYPE;
  openMetadataEntry(writer, 'content-type', contentType.length);
  writer.asciiField(2, contentType);
  writer.varintField(FIELD.revision, event.revision);
  writer.varintField(FIELD.preparePosition, position);
  writer.varintField(FIELD.commitPosition, position);
  const customMetadataStart = writer.bytesField(FIELD.customMetadata, event.customMetadata);
  const dataStart = writer.bytesField(FIELD.data, event.data);

  const { buffer } = writer;
  buffer.writeUInt32LE(writer.length - start, start);
  buffer.writeUIntLE(event.revision, start + 4, 6);
  buffer.writeUIntLE(recordedAt, start + 10, 6);
  buffer.writeUInt32LE(nameStart - start, start + 16);
  buffer.writeUInt32LE(event.streamName.length, start + 20);
  buffer.writeUInt32LE(typeStart - start, start + 24);
  buffer.writeUInt32LE(event.type.length, start + 28);
  buffer.writeUInt32LE(customMetadataStart - start, start + 32);
  buffer.writeUInt32LE(event.customMetadata.length, start + 36);
  buffer.writeUInt32LE(dataStart - start, start + 40);
  buffer.writeUInt32LE(event.data.length, start + 44);
  buffer.writeUIntLE(position, start + 48, 6);
  buffer[start + 54] = event.isJson ? 1 : 0;
}

/** The protocol counts 100 nanoseconds, in decimal digits. */
function ticksSince1970(milliseconds: number): string {
  return `${milliseconds}0000`;
}

/** Writes the key of an entry whose value the caller writes next. */
function openMetadataEntry(writer: ProtobufWriter, key: string, valueLength: number): void {
  writer.openField(FIELD.metadata, fieldLength(key.length) + fieldLength(valueLength));
  writer.asciiField(1, key);
}

/** Length of the record that starts at `start`. */
export function recordLengthAt(bytes: Buffer, start: number): number {
  return bytes.readUInt32LE(start);
}

/** A stored event, its parts read on demand from the record's bytes. */
export class EventRecord {
  /** @param start where the record begins in `bytes` */
  constructor(
    private readonly bytes: Buffer,
    private readonly start = 0,
  ) {}

  get length(): number {
    return recordLengthAt(this.bytes, this.start);
  }

  /** Lower-case UUID. */
  get id(): string {
    const idStart = this.start + ID_START;
    return this.bytes.toString('latin1', idStart, idStart + ID_LENGTH);
  }

  get isTombstone(): boolean {
    return this.revision === TOMBSTONE_MARK;
  }

  get revision(): number {
    return this.bytes.readUIntLE(this.start + 4, 6);
  }

  /** Unix milliseconds. */
  get recordedAt(): number {
    return this.bytes.readUIntLE(this.start + 10, 6);
  }

  /** Where the record lies in the log. */
  get position(): number {
    return this.bytes.readUIntLE(this.start + 48, 6);
  }

  get streamName(): Buffer {
    return this.part(16);
  }

  get type(): Buffer {
    return this.part(24);
  }

  get customMetadata(): Buffer {
    return this.part(32);
  }

  get data(): Buffer {
    return this.part(40);
  }

  get isJson(): boolean {
    return this.bytes[this.start + 54] === 1;
  }

  /** The event as the protocol's message `RecordedEvent`. */
  get message(): Buffer {
    return this.bytes.subarray(this.start + RECORD_PREFIX_LENGTH, this.start + this.length);
  }

  private part(at: number): Buffer {
    const partStart = this.start + this.bytes.readUInt32LE(this.start + at);
    return this.bytes.subarray(partStart, partStart + this.bytes.readUInt32LE(this.start + at + 4));
  }
}
