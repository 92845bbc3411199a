import { shared } from '../protocol.js';
import type { Shared } from '../protocol.js';
import { fieldLength, ProtobufWriter, varintLength } from '../protobuf/protobuf-writer.js';
import { NO_EVENTS } from '../streams/append-decision.js';
import type { ExpectedVersion } from '../streams/append-decision.js';
import type { ProposedEvent } from '../log/event-record.js';
import type { AppendedAt } from '../streams/stream-store.js';
import { MalformedMessage, ProtobufReader } from '@app/event-store';
import { usableStreamName, uuidFromText, uuidOf } from './protocol-values.js';
import { invalidArgument, missingMetadataProperty, UnusableAppend } from './rpc-errors.js';
import type { RpcError } from './rpc-errors.js';

/**
 * Messages of the two append methods, read from and written to the wire directly: appends are the hot
 * path, and building the generated objects takes longer than the append itself.
 */

/** Where events are to go; `Append` and `BatchAppend` number these fields alike. */
export interface AppendTarget {
  readonly streamName: Buffer;
  readonly expected: ExpectedVersion;
  /** Unix milliseconds; only batches have one. */
  readonly deadline: number | undefined;
}

export interface AppendRequest {
  readonly target: AppendTarget | undefined;
  readonly event: ProposedEvent | undefined;
}

/** @throws RpcError, MalformedMessage */
export function readAppendRequest(message: Buffer): AppendRequest {
  const reader = new ProtobufReader(message);
  let target: AppendTarget | undefined;
  let event: ProposedEvent | undefined;
  while (reader.next()) {
    if (reader.field === 1) target = readTarget(reader.bytes());
    else if (reader.field === 2) event = readProposedEvent(reader.bytes());
    else reader.skip();
  }
  return { target, event };
}

export interface BatchAppendRequest {
  /** Lower-case UUID. */
  readonly correlationId: string;
  /** The same as it came, to be sent back so. */
  readonly correlation: Buffer;
  /** Options, still encoded: what is wrong with them concerns this correlation only. */
  readonly options: Buffer | undefined;
  /** Events, still encoded. */
  readonly proposed: readonly Buffer[];
  readonly isFinal: boolean;
}

/** @throws RpcError, MalformedMessage */
export function readBatchAppendRequest(message: Buffer): BatchAppendRequest {
  const reader = new ProtobufReader(message);
  const proposed: Buffer[] = [];
  let correlation: Buffer | undefined;
  let options: Buffer | undefined;
  let isFinal = false;
  while (reader.next()) {
    if (reader.field === 1) correlation = reader.bytes();
    else if (reader.field === 2) options = reader.bytes();
    else if (reader.field === 3) proposed.push(reader.bytes());
    else if (reader.field === 4) isFinal = reader.varint() !== 0;
    else reader.skip();
  }
  if (correlation === undefined) throw invalidArgument('a batch has no correlation id');
  return { correlationId: readUuid(correlation), correlation, options, proposed, isFinal };
}

/** @throws RpcError, MalformedMessage */
export function readTarget(message: Buffer): AppendTarget {
  const reader = new ProtobufReader(message);
  let streamName: Buffer | undefined;
  let expected: ExpectedVersion | undefined;
  let deadline: number | undefined;
  while (reader.next()) {
    if (reader.field === 1) streamName = readStreamName(reader.bytes());
    else if (reader.field === 2) expected = readRevision(reader.varint());
    else if (reader.field === 6) deadline = readTime(reader.bytes());
    else if (reader.field === 7) deadline = Date.now() + readTime(reader.bytes());
    else {
      if (reader.field === 3) expected = 'no_stream';
      else if (reader.field === 4) expected = 'any';
      else if (reader.field === 5) expected = 'stream_exists';
      reader.skip();
    }
  }
  const usableName = usableStreamName(streamName);
  if (expected === undefined) throw noExpectedRevision();
  return { streamName: usableName, expected, deadline };
}

const UNSIGNED_64 = 2 ** 64;

/** The largest number stands for -1: no event before. */
function readRevision(revision: number): ExpectedVersion {
  if (revision === UNSIGNED_64) return 'no_stream';
  if (revision < UNSIGNED_64 / 2) return revision;
  throw new UnusableAppend(
    "Specified argument was out of the range of valid values. (Parameter 'value')",
  );
}

function noExpectedRevision(): RpcError {
  const says = (oneOf: string): string =>
    `'None' is not a valid EventStore.Client.Streams.${oneOf}OneofCase`;
  const inBatch = says('BatchAppendReq+Types+Options+ExpectedStreamPosition');
  return new UnusableAppend(
    `Status(StatusCode="InvalidArgument", Detail="${inBatch}")`,
    invalidArgument(says('AppendReq+Types+Options+ExpectedStreamRevision')),
  );
}

/** @throws RpcError for events that EventStoreDB refuses as well; MalformedMessage */
export function readProposedEvent(message: Buffer): ProposedEvent {
  const reader = new ProtobufReader(message);
  let id: string | undefined;
  let type: Buffer | undefined;
  let contentType: string | undefined;
  let customMetadata: Buffer = NOTHING;
  let data: Buffer = NOTHING;
  while (reader.next()) {
    if (reader.field === 1) id = readUuid(reader.bytes());
    else if (reader.field === 2) {
      const entry = readMetadataEntry(reader.bytes());
      if (entry.key === 'type') type = entry.value;
      else if (entry.key === 'content-type') contentType = entry.value.toString('latin1');
    } else if (reader.field === 3) customMetadata = reader.bytes();
    else if (reader.field === 4) data = reader.bytes();
    else reader.skip();
  }
  if (type === undefined) throw withoutProperty('type');
  if (contentType === undefined) throw withoutProperty('content-type');
  if (type.length === 0)
    throw new UnusableAppend("Empty eventType provided. (Parameter 'eventType')");
  if (id === undefined) throw new UnusableAppend("Value cannot be null. (Parameter 'dto')");
  return { id, type, isJson: contentType === 'application/json', customMetadata, data };
}

function withoutProperty(name: string): RpcError {
  const inBatch = 'The given key was not present in the dictionary.';
  return new UnusableAppend(inBatch, missingMetadataProperty(name));
}

const NOTHING = Buffer.alloc(0);
const UUID_TEXT_LENGTH = 36;
/** Tag and length of a UUID that comes as text of that length. */
const UUID_TEXT_TAG = 0x12;

function readUuid(message: Buffer): string {
  const isText = message[0] === UUID_TEXT_TAG && message[1] === UUID_TEXT_LENGTH;
  if (isText && message.length === UUID_TEXT_LENGTH + 2)
    return uuidFromText(message.toString('latin1', 2));
  return uuidOf(generatedUuid(message));
}

/** The rare forms of an id are left to the generated code, whose errors say nothing to a caller. */
function generatedUuid(message: Buffer): Shared.UUID {
  try {
    return shared.UUID.deserializeBinary(message);
  } catch (error) {
    throw new MalformedMessage({ cause: error });
  }
}

function readStreamName(message: Buffer): Buffer | undefined {
  const reader = new ProtobufReader(message);
  let name: Buffer | undefined;
  while (reader.next()) {
    if (reader.field === 3) name = reader.bytes();
    else reader.skip();
  }
  return name;
}

function readMetadataEntry(message: Buffer): { key: string; value: Buffer } {
  const reader = new ProtobufReader(message);
  let key = '';
  let value: Buffer = NOTHING;
  while (reader.next()) {
    if (reader.field === 1) key = reader.text();
    else if (reader.field === 2) value = reader.bytes();
    else reader.skip();
  }
  return { key, value };
}

/** `google.protobuf.Timestamp` or `Duration` in milliseconds. */
function readTime(message: Buffer): number {
  const reader = new ProtobufReader(message);
  let milliseconds = 0;
  while (reader.next()) {
    if (reader.field === 1) milliseconds += signed(reader.varint()) * 1_000;
    else if (reader.field === 2) milliseconds += signed(reader.varint()) / 1_000_000;
    else reader.skip();
  }
  return milliseconds;
}

function signed(value: number): number {
  return value < UNSIGNED_64 / 2 ? value : value - UNSIGNED_64;
}

const writer = new ProtobufWriter();

/** Answer to one batch; `result` is an outcome that succeeded or an encoded `google.rpc.Status`. */
export function batchAppendResponse(
  correlation: Buffer,
  streamName: Buffer,
  result: AppendedAt | Uint8Array,
): Buffer {
  writer.reset();
  writer.bytesField(1, correlation);
  if (result instanceof Uint8Array) writer.bytesField(2, result);
  else writeBatchSuccess(result);
  writer.openField(4, fieldLength(streamName.length));
  writer.bytesField(3, streamName);
  return writer.copy();
}

function writeBatchSuccess({ revision, position }: AppendedAt): void {
  const positionLength = 2 * (1 + varintLength(position));
  const revisionLength = revision === NO_EVENTS ? 2 : 1 + varintLength(revision);
  writer.openField(3, revisionLength + fieldLength(positionLength));
  if (revision === NO_EVENTS) writer.bytesField(2, NOTHING);
  else writer.varintField(1, revision);
  writer.openField(3, positionLength);
  writer.varintField(1, position);
  writer.varintField(2, position);
}
