/**
 * Speaks EventStoreDB's protocol, but stores nothing: appends succeed at once, reads and subscriptions get
 * the same prepared event again and again. What is measured against it is the price of the client and of
 * gRPC, the ceiling for any store in Node.
 */
import { createRequire } from 'node:module';
import { Server, ServerCredentials } from '@grpc/grpc-js';

const require = createRequire(import.meta.url);
const generated = (name) => require(`@eventstore/db-client/generated/${name}.js`);
const streams = generated('streams_pb');
const shared = generated('shared_pb');
const { StreamsService } = generated('streams_grpc_pb');
const { ServerFeaturesService } = generated('serverfeatures_grpc_pb');
const features = generated('serverfeatures_pb');

const asIs = (bytes) => bytes;
let revision = 0;

function preparedEvent(dataLength) {
  const id = new shared.UUID();
  id.setString('0c9a0c1e-5b1b-4b83-9d6c-2f8f5b1d7a11');
  const identifier = new shared.StreamIdentifier();
  identifier.setStreamName(Buffer.from('bench-0c9a0c1e-5b1b-4b83-9d6c-2f8f5b1d7a11'));
  const recorded = new streams.ReadResp.ReadEvent.RecordedEvent();
  recorded.setId(id);
  recorded.setStreamIdentifier(identifier);
  recorded.setStreamRevision('1');
  recorded.setPreparePosition('123456789');
  recorded.setCommitPosition('123456789');
  recorded.getMetadataMap().set('type', 'Measured');
  recorded.getMetadataMap().set('created', '17000000000000000');
  recorded.getMetadataMap().set('content-type', 'application/json');
  recorded.setCustomMetadata(Buffer.from('{}'));
  recorded.setData(Buffer.from(JSON.stringify({ padding: 'x'.repeat(dataLength) })));
  const event = new streams.ReadResp.ReadEvent();
  event.setEvent(recorded);
  event.setCommitPosition('123456789');
  return Buffer.from(new streams.ReadResp().setEvent(event).serializeBinary());
}

const event = preparedEvent(Number(process.env.DATA_LENGTH ?? 500));
const events = Number(process.env.EVENTS ?? 50_000);

function read(call) {
  if (call.request.getOptions().hasSubscription()) {
    const confirmation = new streams.ReadResp.SubscriptionConfirmation();
    const response = new streams.ReadResp().setConfirmation(confirmation);
    call.write(Buffer.from(response.serializeBinary()));
  }
  let left = events;
  const send = () => {
    while (left > 0) {
      left -= 1;
      if (!call.write(event)) {
        call.once('drain', send);
        return;
      }
    }
    if (!call.request.getOptions().hasSubscription()) call.end();
  };
  send();
}

function append(call, callback) {
  call.on('data', () => undefined);
  call.on('end', () => {
    const position = new streams.AppendResp.Position();
    position.setCommitPosition('1');
    position.setPreparePosition('1');
    const success = new streams.AppendResp.Success();
    success.setCurrentRevision(String(revision++));
    callback(null, new streams.AppendResp().setSuccess(success.setPosition(position)));
  });
}

function batchAppend(call) {
  call.on('data', (request) => {
    if (!request.getIsFinal()) return;
    const position = new shared.AllStreamPosition();
    position.setCommitPosition('1');
    position.setPreparePosition('1');
    const success = new streams.BatchAppendResp.Success();
    success.setCurrentRevision(String(revision++));
    success.setPosition(position);
    const response = new streams.BatchAppendResp().setSuccess(success);
    response.setCorrelationId(request.getCorrelationId());
    response.setStreamIdentifier(request.getOptions().getStreamIdentifier());
    call.write(response);
  });
  call.on('end', () => call.end());
}

function getSupportedMethods(_call, callback) {
  const method = new features.SupportedMethod();
  method.setServiceName('event_store.client.streams.streams');
  method.setMethodName('batchappend');
  const list = new features.SupportedMethods();
  list.setEventStoreServerVersion('24.10.0');
  list.setMethodsList([method]);
  callback(null, list);
}

const server = new Server();
const definition = { ...StreamsService, read: { ...StreamsService.read, responseSerialize: asIs } };
server.addService(definition, { read, append, batchAppend });
server.addService(ServerFeaturesService, { getSupportedMethods });
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.send({
    kind: 'ready',
    endpoints: { eventstore: `esdb://127.0.0.1:${port}?tls=false` },
  });
});
process.on('disconnect', () => process.exit(0));
