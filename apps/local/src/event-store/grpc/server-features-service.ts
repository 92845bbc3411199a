import type { handleUnaryCall } from '@grpc/grpc-js';
import { answeringOnce } from '../faults/faulty-service.js';
import type { FaultSwitches } from '../faults/fault-switches.js';
import { serverFeatures } from '../protocol.js';

const SERVICE = 'event_store.client.streams.streams';
/** Its methods in the spelling of EventStoreDB: lower case; with the features of each. */
const METHODS: Readonly<Record<string, readonly string[]>> = {
  read: ['position', 'events'],
  append: [],
  batchappend: ['deadline_duration'],
};

type SupportedMethods = InstanceType<typeof serverFeatures.SupportedMethods>;

/** Lists the methods that the client may call; `batchappend` among it decides how the client appends. */
export function serverFeaturesService(
  faults: FaultSwitches,
  version: string,
): {
  getSupportedMethods: handleUnaryCall<unknown, SupportedMethods>;
} {
  const supported = new serverFeatures.SupportedMethods();
  supported.setEventStoreServerVersion(version);
  for (const [name, features] of Object.entries(METHODS)) {
    const method = new serverFeatures.SupportedMethod();
    method.setServiceName(SERVICE);
    method.setMethodName(name);
    method.setFeaturesList([...features]);
    supported.addMethods(method);
  }
  return {
    getSupportedMethods: answeringOnce(faults, 'supportedMethods', (_call, callback) =>
      callback(null, supported),
    ),
  };
}
