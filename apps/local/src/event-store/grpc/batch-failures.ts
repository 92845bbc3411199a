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
  return failure('WrongExpectedVersion', 6, refusal);
}

export function maximumAppendSizeFailure(limit: number): BatchFailure {
  const exceeded = new shared.MaximumAppendSizeExceeded();
  exceeded.setMaxappendsize(limit);
  return failure('MaximumAppendSizeExceeded', 3, exceeded);
}

export function timedOut(): BatchFailure {
  return failure('Timeout', 4, new shared.Timeout());
}

export function badRequest(error: unknown): BatchFailure {
  const refusal = asRpcError(error);
  const request = new shared.BadRequest();
  if (refusal instanceof UnusableAppend) {
    request.setMessage(refusal.inBatch);
    return failure('BadRequest', 3, request);
  }
  request.setMessage(refusal.details);
  return failure('BadRequest', refusal.code, request, refusal.details);
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

function failure(
  name: string,
  code: number,
  details: { serializeBinary(): Uint8Array },
  message = name,
): BatchFailure {
  const typeName = `event_store.client.${name}`;
  return { kind: 'failed', typeName, code, message, bytes: details.serializeBinary() };
}
