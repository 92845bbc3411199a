import { fieldLength, ProtobufWriter, varintLength } from '../protobuf/protobuf-writer.js';
import { shared, streams } from '../protocol.js';
import type { ResolvedEvent } from '../reading/stream-window.js';

/**
 * Messages of `ReadResp`, ready for the wire. Events are the hot path: their stored bytes are put into the
 * message as they are, without building objects.
 */

const RESPONSE_EVENT_FIELD = 1;
/** Field numbers of `ReadEvent`; those of persistent subscriptions are the same. */
const FIELD = { event: 1, link: 2, commitPosition: 3, retryCount: 5 } as const;

const writer = new ProtobufWriter();

/** @param retryCount how often a persistent subscription has sent the event before */
export function eventMessage(resolved: ResolvedEvent, retryCount?: number): Buffer {
  const event = resolved.event?.message;
  const link = resolved.link?.message;
  const length =
    (event === undefined ? 0 : fieldLength(event.length)) +
    (link === undefined ? 0 : fieldLength(link.length)) +
    (1 + varintLength(resolved.position)) +
    (retryCount === undefined ? 0 : 1 + varintLength(retryCount));
  writer.reset();
  writer.openField(RESPONSE_EVENT_FIELD, length);
  if (event !== undefined) writer.bytesField(FIELD.event, event);
  if (link !== undefined) writer.bytesField(FIELD.link, link);
  writer.varintField(FIELD.commitPosition, resolved.position);
  if (retryCount !== undefined) writer.varintField(FIELD.retryCount, retryCount);
  return writer.copy();
}

export function confirmationMessage(subscriptionId: string): Buffer {
  const confirmation = new streams.ReadResp.SubscriptionConfirmation();
  confirmation.setSubscriptionId(subscriptionId);
  const response = new streams.ReadResp();
  response.setConfirmation(confirmation);
  return Buffer.from(response.serializeBinary());
}

export function checkpointMessage(position: number | bigint): Buffer {
  const checkpoint = new streams.ReadResp.Checkpoint();
  checkpoint.setCommitPosition(String(position));
  checkpoint.setPreparePosition(String(position));
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

export const FELL_BEHIND_MESSAGE = Buffer.from(
  new streams.ReadResp().setFellBehind(new streams.ReadResp.FellBehind()).serializeBinary(),
);
