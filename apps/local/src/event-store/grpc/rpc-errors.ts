import { Metadata, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { MalformedMessage } from '../protobuf/protobuf-reader.js';
import type { ExpectedVersion } from '../streams/append-decision.js';

/** A failed call: gRPC status and the trailers from which the client makes its own error. */
export class RpcError extends Error implements ServiceError {
  readonly details: string;
  readonly metadata: Metadata;

  constructor(
    readonly code: status,
    details: string,
    trailers: Readonly<Record<string, string>> = {},
  ) {
    super(details);
    this.name = 'RpcError';
    this.details = details;
    this.metadata = new Metadata();
    for (const [name, value] of Object.entries(trailers)) this.metadata.set(name, asTrailer(value));
  }
}

/** Trailers carry printable ASCII only; everything else is percent-encoded. */
function asTrailer(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, encodeURIComponent);
}

export function invalidArgument(what: string): RpcError {
  return new RpcError(status.INVALID_ARGUMENT, what);
}

export function streamDeleted(streamName: string): RpcError {
  return new RpcError(
    status.FAILED_PRECONDITION,
    `Event stream '${asTrailer(streamName)}' is deleted.`,
    { exception: 'stream-deleted', 'stream-name': streamName },
  );
}

const EXPECTED_VERSION = { no_stream: -1, any: -2, stream_exists: -4 } as const;

/** A delete or tombstone whose expectation failed; appends answer this with a message instead. */
export function wrongExpectedVersion(
  streamName: string,
  expected: ExpectedVersion,
  currentRevision: number,
): RpcError {
  const expectedVersion = typeof expected === 'number' ? expected : EXPECTED_VERSION[expected];
  return new RpcError(
    status.FAILED_PRECONDITION,
    `Delete failed due to WrongExpectedVersion. Stream: ${asTrailer(streamName)}, ` +
      `Expected version: ${expectedVersion}, Actual version: ${currentRevision}`,
    {
      exception: 'wrong-expected-version',
      'stream-name': streamName,
      'expected-version': String(expectedVersion),
      'actual-version': String(currentRevision),
    },
  );
}

export function maximumAppendSizeExceeded(limit: number): RpcError {
  return new RpcError(status.INVALID_ARGUMENT, `Maximum Append Size of ${limit} Exceeded.`, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': String(limit),
  });
}

export function missingMetadataProperties(): RpcError {
  return new RpcError(
    status.INVALID_ARGUMENT,
    'Required Metadata Properties Missing: type,content-type',
    {
      exception: 'missing-required-metadata-property',
      'required-metadata-properties': 'type,content-type',
    },
  );
}

function aboutSubscription(
  code: status,
  exception: string,
  what: string,
  streamName: string,
  groupName: string,
  trailers: Readonly<Record<string, string>> = {},
): RpcError {
  return new RpcError(
    code,
    `Subscription group ${asTrailer(groupName)} on stream ${asTrailer(streamName)} ${what}.`,
    { exception, 'stream-name': streamName, 'group-name': groupName, ...trailers },
  );
}

export function subscriptionExists(streamName: string, groupName: string): RpcError {
  const exception = 'persistent-subscription-exists';
  return aboutSubscription(status.ALREADY_EXISTS, exception, 'exists', streamName, groupName);
}

export function subscriptionDoesNotExist(streamName: string, groupName: string): RpcError {
  const exception = 'persistent-subscription-does-not-exist';
  return aboutSubscription(status.NOT_FOUND, exception, 'does not exist', streamName, groupName);
}

export function subscriptionDropped(streamName: string, groupName: string): RpcError {
  const exception = 'persistent-subscription-dropped';
  return aboutSubscription(status.CANCELLED, exception, 'was dropped', streamName, groupName);
}

export function subscriptionFailed(
  streamName: string,
  groupName: string,
  reason: string,
): RpcError {
  const exception = 'persistent-subscription-failed';
  const what = `failed: ${reason}`;
  return aboutSubscription(status.INTERNAL, exception, what, streamName, groupName, { reason });
}

export function maximumSubscribersReached(streamName: string, groupName: string): RpcError {
  return aboutSubscription(
    status.FAILED_PRECONDITION,
    'maximum-subscribers-reached',
    'has as many subscribers as it takes',
    streamName,
    groupName,
  );
}

export function consumerTooSlow(): RpcError {
  return new RpcError(
    status.ABORTED,
    'Operation timed out: Consumer too slow to handle event while live. Client resubscription required.',
  );
}

export function serverStops(): RpcError {
  return new RpcError(status.CANCELLED, 'The server is stopping.');
}

/** @param leader where the client should turn to */
export function notLeader(leader: { readonly host: string; readonly port: number }): RpcError {
  return new RpcError(status.NOT_FOUND, 'Leader info available', {
    exception: 'not-leader',
    'leader-endpoint-host': leader.host,
    'leader-endpoint-port': String(leader.port),
  });
}

export function unavailable(): RpcError {
  return new RpcError(status.UNAVAILABLE, 'Server Is Not Ready');
}

/** An error as the status of a call; a defect of this process is reported as one. */
export function asRpcError(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  if (error instanceof MalformedMessage) return invalidArgument(error.message);
  const message = error instanceof Error ? error.message : String(error);
  return new RpcError(status.UNKNOWN, `Unexpected error: ${asTrailer(message)}`);
}
