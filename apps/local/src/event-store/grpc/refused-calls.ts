import { status } from '@grpc/grpc-js';
import type { handleServerStreamingCall, handleUnaryCall, ServiceDefinition } from '@grpc/grpc-js';
import { RpcError } from './rpc-errors.js';

const WHAT_IS_SERVED =
  'The development event store appends to streams, reads and subscribes to them and to $all: deletion, ' +
  'stream metadata, system streams (named $...), links, projections and persistent subscriptions need EventStoreDB.';

/** The product does not use the rest of the protocol: the server refuses it instead of serving half. */
export function notServed(): RpcError {
  return new RpcError(status.UNIMPLEMENTED, WHAT_IS_SERVED);
}

/** Refuses a method with one answer. */
export const refuseOnce: handleUnaryCall<unknown, never> = (_call, callback) =>
  callback(notServed());

const refuseStream: handleServerStreamingCall<unknown, never> = (call) =>
  void call.emit('error', notServed());

/** A service of which each method is refused. */
export function refusedService(
  definition: ServiceDefinition,
): Record<string, typeof refuseOnce | typeof refuseStream> {
  return Object.fromEntries(
    Object.entries(definition).map(([method, { responseStream }]) => [
      method,
      responseStream ? refuseStream : refuseOnce,
    ]),
  );
}
