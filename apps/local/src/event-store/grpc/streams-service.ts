import type {
  handleBidiStreamingCall,
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  sendUnaryData,
} from '@grpc/grpc-js';
import { answeringOnce, answeringWithStream } from '../faults/faulty-service.js';
import type { FaultSwitches } from '../faults/fault-switches.js';
import { streams, StreamsService } from '../protocol.js';
import type { Streams } from '../protocol.js';
import type { ExpectedVersion } from '../streams/append-decision.js';
import type { StreamReader } from '../reading/stream-reader.js';
import type { StreamStore } from '../streams/stream-store.js';
import type { AppendOutcome } from '../streams/stream-store.js';
import { handleAppend } from './append-call.js';
import { BatchAppendCall } from './batch-append-call.js';
import type { OpenStreams } from './open-streams.js';
import { expectedRevisionOf, streamNameOf } from './protocol-values.js';
import { handleRead } from './read-call.js';
import type { SubscriptionBehaviour } from './read-call.js';
import {
  asRpcError,
  invalidArgument,
  streamDeleted,
  unavailable,
  wrongExpectedVersion,
} from './rpc-errors.js';

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

export interface StreamsServiceOptions extends SubscriptionBehaviour {
  /** Bytes of event data that one append may have. */
  readonly maxAppendSize: number;
}

type StreamsServiceImplementation = {
  read: handleServerStreamingCall<Streams.ReadReq, Buffer>;
  append: handleClientStreamingCall<Buffer, Streams.AppendResp>;
  batchAppend: handleBidiStreamingCall<Buffer, Buffer>;
  delete: handleUnaryCall<Streams.DeleteReq, Streams.DeleteResp>;
  tombstone: handleUnaryCall<Streams.TombstoneReq, Streams.TombstoneResp>;
};

export function streamsService(
  reader: StreamReader,
  openStreams: OpenStreams,
  faults: FaultSwitches,
  options: StreamsServiceOptions,
): StreamsServiceImplementation {
  const { store } = reader;
  const { maxAppendSize } = options;
  return {
    read: answeringWithStream(faults, 'read', (call) => {
      void handleRead(reader, call.request, openStreams.open('read', call), options);
    }),
    append: answeringOnce(faults, 'append', (call, callback) =>
      handleAppend(store, maxAppendSize, call, callback),
    ),
    batchAppend: answeringWithStream(faults, 'batchAppend', (call) => {
      const stream = openStreams.open('batchAppend', call);
      new BatchAppendCall(store, maxAppendSize, stream, faults, call);
    }),
    delete: answeringOnce(faults, 'delete', (call, callback) =>
      handleRemoval(store, store.delete.bind(store), call.request, callback, (at) => {
        const position = new streams.DeleteResp.Position();
        position.setCommitPosition(at);
        position.setPreparePosition(at);
        return new streams.DeleteResp().setPosition(position);
      }),
    ),
    tombstone: answeringOnce(faults, 'tombstone', (call, callback) =>
      handleRemoval(store, store.tombstone.bind(store), call.request, callback, (at) => {
        const position = new streams.TombstoneResp.Position();
        position.setCommitPosition(at);
        position.setPreparePosition(at);
        return new streams.TombstoneResp().setPosition(position);
      }),
    ),
  };
}

/** Delete and tombstone: two methods with requests of the same shape and the same errors. */
function handleRemoval<Response extends Streams.DeleteResp | Streams.TombstoneResp>(
  store: StreamStore,
  remove: (
    streamName: Buffer,
    expected: ExpectedVersion,
    done: (outcome: AppendOutcome) => void,
  ) => void,
  request: Streams.DeleteReq | Streams.TombstoneReq,
  callback: sendUnaryData<Response>,
  respond: (position: string) => Response,
): void {
  try {
    const options = request.getOptions();
    if (options === undefined) throw invalidArgument('the request has no options');
    const streamName = streamNameOf(options.getStreamIdentifier());
    const revision = options.hasRevision() ? options.getRevision() : undefined;
    const expected = expectedRevisionOf(options, revision);
    if (!store.hasRoom) throw unavailable();
    remove(streamName, expected, (outcome) => {
      const name = streamName.toString('utf8');
      if (outcome.kind === 'appended') callback(null, respond(String(outcome.position)));
      else if (outcome.kind === 'stream-deleted') callback(streamDeleted(name));
      else callback(wrongExpectedVersion(name, expected, outcome.currentRevision));
    });
  } catch (error) {
    callback(asRpcError(error));
  }
}
