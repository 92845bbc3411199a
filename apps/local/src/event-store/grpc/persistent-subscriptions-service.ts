import type {
  handleBidiStreamingCall,
  handleUnaryCall,
  sendUnaryData,
  ServerDuplexStream,
} from '@grpc/grpc-js';
import { answeringOnce, answeringWithStream } from '../faults/faulty-service.js';
import type { FaultSwitches } from '../faults/fault-switches.js';
import { persistent, PersistentSubscriptionsService, shared } from '../protocol.js';
import type { Persistent, Shared } from '../protocol.js';
import { ALL } from '../persistent-subscriptions/group.js';
import type { Member } from '../persistent-subscriptions/consumer.js';
import type { PersistentSubscription } from '../persistent-subscriptions/persistent-subscription.js';
import type { PersistentSubscriptions } from '../persistent-subscriptions/persistent-subscriptions.js';
import type { StreamReader } from '../reading/stream-reader.js';
import type { OpenStream, OpenStreams } from './open-streams.js';
import { createdGroup, groupNameOf, nackActionOf, updatedGroup } from './persistent-requests.js';
import { streamNameOf, uuidOf } from './protocol-values.js';
import {
  asRpcError,
  invalidArgument,
  maximumSubscribersReached,
  subscriptionFailed,
} from './rpc-errors.js';
import { infoOf } from './subscription-info.js';

const sendAsIs = (message: Buffer): Buffer => message;

/** The service as generated, but the answers to reads arrive ready for the wire. */
export const persistentSubscriptionsServiceDefinition = {
  ...PersistentSubscriptionsService,
  read: { ...PersistentSubscriptionsService.read, responseSerialize: sendAsIs },
};

type Implementation = {
  create: handleUnaryCall<Persistent.CreateReq, Persistent.CreateResp>;
  update: handleUnaryCall<Persistent.UpdateReq, Persistent.UpdateResp>;
  delete: handleUnaryCall<Persistent.DeleteReq, Persistent.DeleteResp>;
  getInfo: handleUnaryCall<Persistent.GetInfoReq, Persistent.GetInfoResp>;
  list: handleUnaryCall<Persistent.ListReq, Persistent.ListResp>;
  replayParked: handleUnaryCall<Persistent.ReplayParkedReq, Persistent.ReplayParkedResp>;
  restartSubsystem: handleUnaryCall<Shared.Empty, Shared.Empty>;
  read: handleBidiStreamingCall<Persistent.ReadReq, Buffer>;
};

export function persistentSubscriptionsService(
  reader: StreamReader,
  subscriptions: PersistentSubscriptions,
  openStreams: OpenStreams,
  faults: FaultSwitches,
): Implementation {
  const managing = <Request, Response>(
    serve: (request: Request, done: (response: Response) => void) => void,
  ): handleUnaryCall<Request, Response> =>
    answeringOnce(
      faults,
      'persistentManagement',
      (call: { request: Request }, callback: sendUnaryData<Response>) => {
        try {
          serve(call.request, (response) => callback(null, response));
        } catch (error) {
          callback(asRpcError(error));
        }
      },
    );
  return {
    create: managing((request, done) =>
      subscriptions.create(createdGroup(request), () => done(new persistent.CreateResp())),
    ),
    update: managing((request, done) => {
      const { settings, ...name } = updatedGroup(request);
      subscriptions.update(name, settings, () => done(new persistent.UpdateResp()));
    }),
    delete: managing((request, done) =>
      subscriptions.delete(groupNameOf(request.getOptions()), () =>
        done(new persistent.DeleteResp()),
      ),
    ),
    getInfo: managing((request, done) => {
      const subscription = subscriptions.get(groupNameOf(request.getOptions()));
      done(new persistent.GetInfoResp().setSubscriptionInfo(infoOf(reader, subscription)));
    }),
    list: managing((request, done) => {
      const infos = listed(subscriptions, request).map((found) => infoOf(reader, found));
      done(new persistent.ListResp().setSubscriptionsList(infos));
    }),
    replayParked: managing((request, done) => {
      const options = request.getOptions();
      const name = groupNameOf(options);
      const stopAt = options?.hasStopAt() ? Number(options.getStopAt()) : undefined;
      if (stopAt !== undefined && stopAt < 0)
        throw subscriptionFailed(name.streamName, name.groupName, 'cannot stop before the start');
      subscriptions.get(name).replayParked(stopAt);
      done(new persistent.ReplayParkedResp());
    }),
    restartSubsystem: managing((_request, done) => {
      subscriptions.restart();
      done(new shared.Empty());
    }),
    read: answeringWithStream(faults, 'persistentRead', (call) =>
      handleRead(subscriptions, call, openStreams.open('persistentRead', call)),
    ),
  };
}

function listed(
  subscriptions: PersistentSubscriptions,
  request: Persistent.ListReq,
): PersistentSubscription[] {
  const ofStream = request.getOptions()?.getListForStream();
  if (ofStream === undefined) return subscriptions.all();
  const name = ofStream.hasAll() ? ALL : streamNameOf(ofStream.getStream()).toString('utf8');
  return subscriptions.ofStream(name);
}

interface Connection {
  readonly subscription: PersistentSubscription;
  readonly consumer: Member;
}

/** `Read`: options first, then acknowledgements and refusals; events come back. */
function handleRead(
  subscriptions: PersistentSubscriptions,
  call: ServerDuplexStream<Persistent.ReadReq, Buffer>,
  stream: OpenStream,
): void {
  let connection: Connection | undefined;
  call.on('data', (request: Persistent.ReadReq) => {
    if (stream.isClosed) return;
    try {
      if (connection === undefined) connection = connect(subscriptions, request, call, stream);
      else receive(connection, request);
    } catch (error) {
      stream.fail(asRpcError(error));
    }
  });
  call.on('end', () => stream.end());
}

function connect(
  subscriptions: PersistentSubscriptions,
  request: Persistent.ReadReq,
  call: ServerDuplexStream<Persistent.ReadReq, Buffer>,
  stream: OpenStream,
): Connection {
  const options = request.getOptions();
  const name = groupNameOf(options);
  const bufferSize = options?.getBufferSize() ?? 0;
  if (bufferSize < 1) throw invalidArgument('the buffer size must be at least 1');
  const subscription = subscriptions.get(name);
  if (!subscription.hasSeat) throw maximumSubscribersReached(name.streamName, name.groupName);
  const connectionName = String(call.metadata.get('connection-name')[0] ?? '');
  stream.write(confirmationOf(subscription));
  const consumer = subscription.connect(stream, connectionName, call.getPeer(), bufferSize);
  subscription.pump();
  return { subscription, consumer };
}

function receive({ subscription, consumer }: Connection, request: Persistent.ReadReq): void {
  const ack = request.getAck();
  if (ack !== undefined) {
    subscription.acknowledge(consumer, ack.getIdsList().map(uuidOf));
    return;
  }
  const nack = request.getNack();
  if (nack === undefined) throw invalidArgument('the request has neither an ack nor a nack');
  subscription.refuse(
    consumer,
    nack.getIdsList().map(uuidOf),
    nackActionOf(nack.getAction()),
    nack.getReason(),
  );
}

function confirmationOf({ key }: PersistentSubscription): Buffer {
  const confirmation = new persistent.ReadResp.SubscriptionConfirmation();
  confirmation.setSubscriptionId(key);
  const response = new persistent.ReadResp();
  response.setSubscriptionConfirmation(confirmation);
  return Buffer.from(response.serializeBinary());
}
