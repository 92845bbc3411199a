import { Any, GoogleEmpty, shared, status } from '../protocol.js';
import { NO_EVENTS } from '../streams/append-decision.js';
import type { ExpectedVersion } from '../streams/append-decision.js';
import { asRpcError, UnusableAppend } from './rpc-errors.js';

/** What made an append fail, as the messages that the client recognises it by. */
export interface BatchFailure {
  readonly kind: 'failed';
  readonly typeName: string;
  /** google.rpc.Code */
  readonly code: number;
  readonly message: string;
  readonly bytes: Uint8Array;
}

export function encodedStatus({ typeName, code, message, bytes }: BatchFailure): Uint8Array {
  const details = new Any();
  details.pack(bytes, typeName);
  const result = new status.Status();
  result.setCode(code);
  result.setMessage(message);
  result.setDetails(details);
  return result.serializeBinary();
}

export function wrongExpectedVersionFailure(
  currentRevision: number,
  expected: ExpectedVersion,
): BatchFailure {
  const refusal = new shared.WrongExpectedVersion();
  if (currentRevision === NO_EVENTS) refusal.setCurrentNoStream(new GoogleEmpty());
  else refusal.setCurrentStreamRevision(String(currentRevision));
  if (expected === 'any') refusal.setExpectedAny(new GoogleEmpty());
  else if (expected === 'no_stream') refusal.setExpectedNoStream(new GoogleEmpty());
  else if (expected === 'stream_exists') refusal.setExpectedStreamExists(new GoogleEmpty());
  else refusal.setExpectedStreamPosition(String(expected));
  return {
    kind: 'failed',
    typeName: 'event_store.client.WrongExpectedVersion',
    code: 6,
    message: 'WrongExpectedVersion',
    bytes: refusal.serializeBinary(),
  };
}

export function maximumAppendSizeFailure(limit: number): BatchFailure {
  const exceeded = new shared.MaximumAppendSizeExceeded();
  exceeded.setMaxappendsize(limit);
  return {
    kind: 'failed',
    typeName: 'event_store.client.MaximumAppendSizeExceeded',
    code: 3,
    message: 'MaximumAppendSizeExceeded',
    bytes: exceeded.serializeBinary(),
  };
}

export function timedOut(): BatchFailure {
  return {
    kind: 'failed',
    typeName: 'event_store.client.Timeout',
    code: 4,
    message: 'Timeout',
    bytes: new shared.Timeout().serializeBinary(),
  };
}

export function badRequest(error: unknown): BatchFailure {
  const refusal = asRpcError(error);
  const isUnusable = refusal instanceof UnusableAppend;
  const request = new shared.BadRequest();
  request.setMessage(isUnusable ? refusal.inBatch : refusal.details);
  return {
    kind: 'failed',
    typeName: 'event_store.client.BadRequest',
    code: isUnusable ? 3 : refusal.code,
    message: isUnusable ? 'BadRequest' : refusal.details,
    bytes: request.serializeBinary(),
  };
}

export function serverNotReady(): BatchFailure {
  return {
    kind: 'failed',
    typeName: 'google.protobuf.Empty',
    code: 0,
    message: 'Server Is Not Ready',
    bytes: new Uint8Array(),
  };
}
