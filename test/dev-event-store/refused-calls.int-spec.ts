import { Client, credentials, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  binaryEvent,
  jsonEvent,
  persistentSubscriptionToAllSettingsFromDefaults,
  persistentSubscriptionToStreamSettingsFromDefaults,
} from '@eventstore/db-client';
import type { EventStoreDBClient } from '@eventstore/db-client';
import {
  PersistentSubscriptionsService,
  ProjectionsService,
  serverFeatures,
  ServerFeaturesService,
  shared,
  StreamsService,
} from '../../apps/local/src/event-store/protocol.js';
import { EventStoreProcess } from './event-store-process.js';

/** Credentials of a single call make the client append with its unary method. */
const UNARY = { credentials: { username: 'any', password: 'any' } };
const SENTENCE =
  'The development event store appends to streams, reads and subscribes to them and to $all: deletion, ' +
  'stream metadata, system streams (named $...), links, projections and persistent subscriptions need EventStoreDB.';

const event = jsonEvent({ type: 'Tested', data: {} });
const asIs = (bytes: Buffer): Buffer => bytes;

type Emitter = { on(event: 'error', listener: (error: Error) => void): unknown };

/** The error that ends a subscription. */
function failure(subscription: Emitter): Promise<never> {
  return new Promise((_resolve, reject) => subscription.on('error', reject));
}

function first(read: AsyncIterable<unknown>): Promise<unknown> {
  return read[Symbol.asyncIterator]().next();
}

const CALLS: Record<string, (client: EventStoreDBClient) => Promise<unknown>> = {
  deleteStream: (client) => client.deleteStream('stream'),
  tombstoneStream: (client) => client.tombstoneStream('stream'),
  'setStreamMetadata on the batch path': (client) =>
    client.setStreamMetadata('stream', { maxCount: 1 }),
  'setStreamMetadata on the unary path': (client) =>
    client.setStreamMetadata('stream', { maxCount: 1 }, UNARY),
  getStreamMetadata: (client) => client.getStreamMetadata('stream'),
  'appendToStream to a system stream, on the batch path': (client) =>
    client.appendToStream('$settings', event),
  'appendToStream to a system stream, on the unary path': (client) =>
    client.appendToStream('$settings', event, UNARY),
  'readStream of a system projection': (client) => first(client.readStream('$ce-account')),
  'subscribeToStream of a system projection': (client) =>
    failure(client.subscribeToStream('$et-Tested')),
  'readStream that follows links': (client) =>
    first(client.readStream('stream', { resolveLinkTos: true })),
  'readAll that follows links': (client) => first(client.readAll({ resolveLinkTos: true })),
  'subscribeToStream that follows links': (client) =>
    failure(client.subscribeToStream('stream', { resolveLinkTos: true })),
  'subscribeToAll that follows links': (client) =>
    failure(client.subscribeToAll({ resolveLinkTos: true })),
  createPersistentSubscriptionToStream: (client) =>
    client.createPersistentSubscriptionToStream(
      'stream',
      'group',
      persistentSubscriptionToStreamSettingsFromDefaults(),
    ),
  updatePersistentSubscriptionToStream: (client) =>
    client.updatePersistentSubscriptionToStream(
      'stream',
      'group',
      persistentSubscriptionToStreamSettingsFromDefaults(),
    ),
  deletePersistentSubscriptionToStream: (client) =>
    client.deletePersistentSubscriptionToStream('stream', 'group'),
  subscribeToPersistentSubscriptionToStream: (client) =>
    failure(client.subscribeToPersistentSubscriptionToStream('stream', 'group')),
  createProjection: (client) => client.createProjection('projection', 'fromAll()'),
  updateProjection: (client) => client.updateProjection('projection', 'fromAll()'),
  deleteProjection: (client) => client.deleteProjection('projection'),
  enableProjection: (client) => client.enableProjection('$by_category'),
  disableProjection: (client) => client.disableProjection('$by_category'),
  abortProjection: (client) => client.abortProjection('$by_category'),
  resetProjection: (client) => client.resetProjection('$by_category'),
  getProjectionState: (client) => client.getProjectionState('$by_category'),
  getProjectionResult: (client) => client.getProjectionResult('$by_category'),
  getProjectionStatus: (client) => client.getProjectionStatus('$by_category'),
  listProjections: (client) => client.listProjections(),
  restartSubsystem: (client) => client.restartSubsystem(),
};

/** The client asks the server features first, and does not send these to a server that has not announced them. */
const NOT_SENT: Record<string, (client: EventStoreDBClient) => Promise<unknown>> = {
  createPersistentSubscriptionToAll: (client) =>
    client.createPersistentSubscriptionToAll(
      'group',
      persistentSubscriptionToAllSettingsFromDefaults(),
    ),
  updatePersistentSubscriptionToAll: (client) =>
    client.updatePersistentSubscriptionToAll(
      'group',
      persistentSubscriptionToAllSettingsFromDefaults(),
    ),
  deletePersistentSubscriptionToAll: (client) => client.deletePersistentSubscriptionToAll('group'),
  subscribeToPersistentSubscriptionToAll: (client) =>
    failure(client.subscribeToPersistentSubscriptionToAll('group')),
  getPersistentSubscriptionToAllInfo: (client) =>
    client.getPersistentSubscriptionToAllInfo('group'),
  listPersistentSubscriptionsToAll: (client) => client.listPersistentSubscriptionsToAll(),
  replayParkedMessagesToAll: (client) => client.replayParkedMessagesToAll('group'),
};

const METHODS = [
  StreamsService.delete,
  StreamsService.tombstone,
  ...Object.values(PersistentSubscriptionsService),
  ...Object.values(ProjectionsService),
].map(({ path }) => path);

describe('what is not served', () => {
  let eventStore: EventStoreProcess;
  let client: EventStoreDBClient;
  let raw: Client;

  beforeAll(async () => {
    eventStore = await EventStoreProcess.start();
    client = eventStore.client();
    raw = new Client(`127.0.0.1:${eventStore.port}`, credentials.createInsecure());
    await client.appendToStream('stream', event);
  });
  afterAll(async () => {
    raw.close();
    await eventStore.remove();
  });

  it.each(Object.entries(CALLS))('%s of the client is refused with a sentence', async (_, call) => {
    await expect(call(client)).rejects.toThrow(SENTENCE);
  });

  it.each(Object.entries(NOT_SENT))('%s is refused by the client itself', async (_, call) => {
    await expect(call(client)).rejects.toMatchObject({ type: 'unsupported' });
  });

  it.each(METHODS)('%s is unimplemented', async (method) => {
    const call = raw.makeBidiStreamRequest(method, asIs, asIs);
    call.on('data', () => undefined);
    call.write(Buffer.alloc(0));
    call.end();
    const error = await new Promise<ServiceError>((resolve) => call.on('error', resolve));
    expect(error).toMatchObject({ code: status.UNIMPLEMENTED, details: SENTENCE });
  });

  it('is not announced', async () => {
    const { path, requestSerialize } = ServerFeaturesService.getSupportedMethods;
    const announced = await new Promise<string[]>((resolve, reject) =>
      raw.makeUnaryRequest(
        path,
        requestSerialize,
        (bytes) => serverFeatures.SupportedMethods.deserializeBinary(bytes),
        new shared.Empty(),
        (error, supported) => {
          if (error !== null) reject(error);
          else resolve(supported!.getMethodsList().map((method) => method.getMethodName()));
        },
      ),
    );
    expect(announced).toEqual(['read', 'append', 'batchappend']);
  });

  it('changes nothing: links are events like others, and the stream is there', async () => {
    await client.appendToStream(
      'links',
      binaryEvent({ type: '$>', data: Buffer.from('0@stream') }),
    );
    const found = [];
    for await (const { event: read, link } of client.readAll()) found.push([read?.type, link]);
    expect(found).toEqual([
      ['$metadata', undefined],
      ['Tested', undefined],
      ['$>', undefined],
    ]);
  });
});
