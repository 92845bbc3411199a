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

/** A cluster of one, unless a test says otherwise: this node leads and is reached at the advertised address. */
export function gossipService(
  faults: FaultSwitches,
  advertised: () => Address,
): {
  read: handleUnaryCall<unknown, ClusterInfo>;
} {
  return {
    read: answeringOnce(faults, 'gossip', (_call, callback) => {
      const [leader, ...followers] = faults.current.cluster ?? [advertised()];
      const { INITIALIZING, LEADER, FOLLOWER } = gossip.MemberInfo.VNodeState;
      const cluster = new gossip.ClusterInfo();
      if (leader) cluster.addMembers(memberAt(leader, faults.isNotReady ? INITIALIZING : LEADER));
      for (const follower of followers) cluster.addMembers(memberAt(follower, FOLLOWER));
      callback(null, cluster);
    }),
  };
}

type Member = InstanceType<typeof gossip.MemberInfo>;

function memberAt({ host, port }: Address, state: Parameters<Member['setState']>[0]): Member {
  const instanceId = new shared.UUID();
  instanceId.setString(randomUUID());
  const endPoint = new gossip.EndPoint();
  endPoint.setAddress(host);
  endPoint.setPort(port);
  const member = new gossip.MemberInfo();
  member.setInstanceId(instanceId);
  member.setTimeStamp(`${Date.now()}0000`);
  member.setState(state);
  member.setIsAlive(true);
  member.setHttpEndPoint(endPoint);
  return member;
}
