import { randomUUID } from 'node:crypto';
import type { handleUnaryCall } from '@grpc/grpc-js';
import { answeringOnce } from '../faults/faulty-service.js';
import type { FaultSwitches } from '../faults/fault-switches.js';
import { gossip, shared } from '../protocol.js';

export interface Address {
  readonly host: string;
  readonly port: number;
}

type ClusterInfo = InstanceType<typeof gossip.ClusterInfo>;

/** A cluster of one: this node leads and is reached at the advertised address. */
export function gossipService(
  faults: FaultSwitches,
  advertised: () => Address,
): {
  read: handleUnaryCall<unknown, ClusterInfo>;
} {
  const instanceId = new shared.UUID();
  instanceId.setString(randomUUID());
  return {
    read: answeringOnce(faults, 'gossip', (_call, callback) => {
      const { host, port } = advertised();
      const endPoint = new gossip.EndPoint();
      endPoint.setAddress(host);
      endPoint.setPort(port);
      const member = new gossip.MemberInfo();
      member.setInstanceId(instanceId);
      member.setTimeStamp(`${Date.now()}0000`);
      member.setState(gossip.MemberInfo.VNodeState.LEADER);
      member.setIsAlive(true);
      member.setHttpEndPoint(endPoint);
      const cluster = new gossip.ClusterInfo();
      cluster.addMembers(member);
      callback(null, cluster);
    }),
  };
}
