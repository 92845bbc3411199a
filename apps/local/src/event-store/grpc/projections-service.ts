import { status } from '@grpc/grpc-js';
import type { handleServerStreamingCall, handleUnaryCall } from '@grpc/grpc-js';
import { answeringOnce, answeringWithStream } from '../faults/faulty-service.js';
import type { FaultSwitches } from '../faults/fault-switches.js';
import { projectionMessages } from '../protocol.js';
import type { Projections } from '../protocol.js';
import { RpcError } from './rpc-errors.js';

/** The standard projections that always run here; the names are EventStoreDB's. */
const NAMES = ['$by_category', '$by_event_type', '$streams', '$stream_by_category'];

/**
 * Lets the client start the system projections, which run anyway, and ask how they are. Everything else
 * about projections is not implemented, and answered so.
 */
export function projectionsService(faults: FaultSwitches): {
  enable: handleUnaryCall<Projections.EnableReq, Projections.EnableResp>;
  statistics: handleServerStreamingCall<Projections.StatisticsReq, Projections.StatisticsResp>;
} {
  return {
    enable: answeringOnce(faults, 'projections', (call, callback) => {
      const name = call.request.getOptions()?.getName() ?? '';
      if (NAMES.includes(name)) callback(null, new projectionMessages.EnableResp());
      else callback(unknownProjection());
    }),
    statistics: answeringWithStream(faults, 'projections', (call) => {
      const options = call.request.getOptions();
      const name = options?.hasName() ? options.getName() : undefined;
      const asked = NAMES.filter((known) => name === undefined || name === known);
      if (asked.length === 0) {
        call.emit('error', unknownProjection());
        return;
      }
      for (const known of asked) call.write(runningProjection(known));
      call.end();
    }),
  };
}

function unknownProjection(): RpcError {
  return new RpcError(status.NOT_FOUND, 'there is no projection of this name');
}

function runningProjection(name: string): Projections.StatisticsResp {
  const details = new projectionMessages.StatisticsResp.Details();
  details.setName(name);
  details.setEffectivename(name);
  details.setMode('Continuous');
  details.setStatus('Running');
  details.setProgress(100);
  return new projectionMessages.StatisticsResp().setDetails(details);
}
