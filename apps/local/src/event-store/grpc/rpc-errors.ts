import { Metadata, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { MalformedMessage } from '@app/event-store';

/** A failed call: gRPC status and the trailers, in printable ASCII, from which the client makes its own error. */
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
    for (const [name, value] of Object.entries(trailers)) this.metadata.set(name, value);
  }
}

/** An append that EventStoreDB cannot make sense of: its two append methods say so in different words. */
export class UnusableAppend extends RpcError {
  constructor(
    readonly inBatch: string,
    { code, details, metadata } = handlerFailed(),
  ) {
    super(code, details);
    this.name = 'UnusableAppend';
    this.metadata.merge(metadata);
  }
}

/** EventStoreDB says no more about input that it stumbles over. */
export function handlerFailed(): RpcError {
  return new RpcError(status.UNKNOWN, 'Exception was thrown by handler.');
}

/** @param result how EventStoreDB names what came of the read */
export function unexpectedReadResult(result: string): RpcError {
  return new RpcError(status.UNKNOWN, result);
}

export function invalidArgument(what: string): RpcError {
  return new RpcError(status.INVALID_ARGUMENT, what);
}

export function maximumAppendSizeExceeded(limit: number): RpcError {
  return new RpcError(status.INVALID_ARGUMENT, `Maximum Append Size of ${limit} Exceeded.`, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': String(limit),
  });
}

export function missingMetadataProperty(name: string): RpcError {
  return new RpcError(status.INVALID_ARGUMENT, `Required Metadata Property '${name}' is missing`, {
    exception: 'missing-required-metadata-property',
    'required-metadata-properties': 'type,content-type',
  });
}

export function consumerTooSlow(): RpcError {
  return new RpcError(
    status.ABORTED,
    'Operation timed out: Consumer too slow to handle event while live. Client resubscription required.',
  );
}

export function commitTimeout(): RpcError {
  return new RpcError(status.ABORTED, 'Operation timed out: Commit phase timeout.');
}

/** What a client makes of a stream that the server closes without a word. */
export function serverStops(): RpcError {
  return new RpcError(
    status.INTERNAL,
    'Received RST_STREAM with code 0 (Call ended without gRPC status)',
  );
}

/** @param leader where the client should turn to */
export function notLeader(leader: { readonly host: string; readonly port: number }): RpcError {
  return new RpcError(status.NOT_FOUND, 'Leader info available', {
    exception: 'not-leader',
    'leader-endpoint-host': leader.host,
    'leader-endpoint-port': String(leader.port),
  });
}

export function wrongCredentials(): RpcError {
  return new RpcError(status.UNAUTHENTICATED, 'Unauthenticated');
}

export function accessDenied(): RpcError {
  return new RpcError(status.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' });
}

export function notReady(): RpcError {
  return new RpcError(status.UNAVAILABLE, 'Server Is Not Ready');
}

/** An error as the status of a call; a defect of this process is reported as one. */
export function asRpcError(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  if (error instanceof MalformedMessage) return invalidArgument(error.message);
  const message = error instanceof Error ? error.message : String(error);
  return new RpcError(status.UNKNOWN, `Unexpected error: ${message}`);
}
