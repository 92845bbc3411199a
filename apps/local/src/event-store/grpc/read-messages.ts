import type { EventRecord } from '../log/event-record.js';
import { fieldLength, ProtobufWriter, varintLength } from '../protobuf/protobuf-writer.js';
import { shared, streams } from '../protocol.js';
import type { Position } from '../subscriptions/event-source.js';

/**
 * Messages of `ReadResp`, ready for the wire. Events are the hot path: their stored bytes are put into the
 * message as they are, without building objects.
 */

const RESPONSE_EVENT_FIELD = 1;
/** Field numbers of `ReadEvent`. */
const FIELD = { event: 1, commitPosition: 3 } as const;

const writer = new ProtobufWriter();

export function eventMessage({ message, position }: EventRecord): Buffer {
  writer.reset();
  writer.openField(RESPONSE_EVENT_FIELD, fieldLength(message.length) + 1 + varintLength(position));
  writer.bytesField(FIELD.event, message);
  writer.varintField(FIELD.commitPosition, position);
  return writer.copy();
}

export function confirmationMessage(subscriptionId: string): Buffer {
  const confirmation = new streams.ReadResp.SubscriptionConfirmation();
  confirmation.setSubscriptionId(subscriptionId);
  const response = new streams.ReadResp();
  response.setConfirmation(confirmation);
  return Buffer.from(response.serializeBinary());
}

export function checkpointMessage({ commit, prepare }: Position): Buffer {
  const checkpoint = new streams.ReadResp.Checkpoint();
  checkpoint.setCommitPosition(String(commit));
  checkpoint.setPreparePosition(String(prepare));
  const response = new streams.ReadResp();
  response.setCheckpoint(checkpoint);
  return Buffer.from(response.serializeBinary());
}

export function streamNotFoundMessage(streamName: Buffer): Buffer {
  const identifier = new shared.StreamIdentifier();
  identifier.setStreamName(streamName);
  const notFound = new streams.ReadResp.StreamNotFound();
  notFound.setStreamIdentifier(identifier);
  const response = new streams.ReadResp();
  response.setStreamNotFound(notFound);
  return Buffer.from(response.serializeBinary());
}

export const CAUGHT_UP_MESSAGE = Buffer.from(
  new streams.ReadResp().setCaughtUp(new streams.ReadResp.CaughtUp()).serializeBinary(),
);
