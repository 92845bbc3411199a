import type {
  handleBidiStreamingCall,
  handleClientStreamingCall,
  handleServerStreamingCall,
} from '@grpc/grpc-js';
import { answeringOnce, answeringWithStream } from '../faults/faulty-service.js';
import type { FaultSwitches } from '../faults/fault-switches.js';
import { StreamsService } from '../protocol.js';
import type { Streams } from '../protocol.js';
import type { StreamStore } from '../streams/stream-store.js';
import type { Behaviour } from '../behaviour.js';
import { handleAppend } from './append-call.js';
import type { AppendRules } from './append-rules.js';
import { BatchAppendCall } from './batch-append-call.js';
import type { OpenStreams } from './open-streams.js';
import { handleRead } from './read-call.js';
import { refuseOnce } from './refused-calls.js';

const asOnTheWire = (message: Buffer): Buffer => message;

/** The service as generated, but its hot paths take and give messages as they are on the wire. */
export const streamsServiceDefinition = {
  ...StreamsService,
  read: { ...StreamsService.read, responseSerialize: asOnTheWire },
  append: { ...StreamsService.append, requestDeserialize: asOnTheWire },
  batchAppend: {
    ...StreamsService.batchAppend,
    requestDeserialize: asOnTheWire,
    responseSerialize: asOnTheWire,
  },
};

type StreamsServiceImplementation = {
  read: handleServerStreamingCall<Streams.ReadReq, Buffer>;
  append: handleClientStreamingCall<Buffer, Streams.AppendResp>;
  batchAppend: handleBidiStreamingCall<Buffer, Buffer>;
  delete: typeof refuseOnce;
  tombstone: typeof refuseOnce;
};

export function streamsService(
  store: StreamStore,
  openStreams: OpenStreams,
  faults: FaultSwitches,
  behaviour: Behaviour,
  rules: AppendRules,
): StreamsServiceImplementation {
  return {
    read: answeringWithStream(faults, 'read', (call) => {
      void handleRead(store, call.request, openStreams.open('read', call), behaviour);
    }),
    append: answeringOnce(faults, 'append', (call, callback) =>
      handleAppend(store, rules, call, callback),
    ),
    batchAppend: answeringWithStream(faults, 'batchAppend', (call) => {
      const stream = openStreams.open('batchAppend', call);
      new BatchAppendCall(store, rules, stream, faults, call);
    }),
    delete: refuseOnce,
    tombstone: refuseOnce,
  };
}
