import type { sendUnaryData } from '@grpc/grpc-js';
import type { AuthorizedCall, FaultSwitches, Method } from './fault-switches.js';
import type { RpcError } from '../grpc/rpc-errors.js';

interface FailingCall extends AuthorizedCall {
  emit(event: 'error', error: RpcError): boolean;
}

/** A method with one answer, behind the fault switches. */
export function answeringOnce<Call extends AuthorizedCall, Response>(
  faults: FaultSwitches,
  method: Method,
  handle: (call: Call, callback: sendUnaryData<Response>) => void,
): (call: Call, callback: sendUnaryData<Response>) => void {
  return (call, callback) => {
    const answer: sendUnaryData<Response> = (...result) =>
      faults.answer(method, () => callback(...result), callback);
    faults.admit(method, call, () => handle(call, answer), callback);
  };
}

/** A method that answers with a stream, behind the fault switches. */
export function answeringWithStream<Call extends FailingCall>(
  faults: FaultSwitches,
  method: Method,
  handle: (call: Call) => void,
): (call: Call) => void {
  return (call) =>
    faults.admit(
      method,
      call,
      () => handle(call),
      (error) => void call.emit('error', error),
    );
}
