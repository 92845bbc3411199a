import { readFileSync } from 'node:fs';
import { EventStoreDBClient, isCommandError } from '@eventstore/db-client';
import { filterAndOrderMembers } from '@eventstore/db-client/dist/Client/discovery.js';
import { parseConnectionString } from '@eventstore/db-client/dist/Client/parseConnectionString.js';
import type { ConnectionOptions } from '@eventstore/db-client/dist/Client/parseConnectionString.js';
import gossip from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import { Metadata, credentials } from '@grpc/grpc-js';
import type { ChannelCredentials } from '@grpc/grpc-js';
import type { Credentials, ErrorType } from '@eventstore/db-client';
import { readingQuickly } from './eventstoredb-read-answers.js';

/** Where a node is reached. */
export interface EventStoreNode {
  readonly address: string;
  readonly port: number;
}

/** A node that gives no answer to such a small question within this time is not to be worked with, in milliseconds. */
const GOSSIP_TIMEOUT_MS = 1_000;
/** The client's own default. */
const KEEPALIVE_TIMEOUT_MS = 10_000;

/** EVENTSTORE_URL is none, or names a file that cannot be read. Waiting does not help. */
export class EventStoreUrlWrong extends Error {
  readonly faults: readonly string[];

  constructor(why: string) {
    super(`EVENTSTORE_URL ${why}`);
    this.name = 'EventStoreUrlWrong';
    this.faults = [this.message];
  }
}

/**
 * The nodes that a URL leads to, and clients of one of them. Which node of a cluster is to be worked with is found out
 * here and not by the client, for the sake of a leader that is frozen: its connections stay open, the other nodes name
 * it until they have elected another one, and the client neither notices nor asks again.
 */
export class EventStoreNodes {
  /** What a call has to carry; without any in the URL a placeholder, which an insecure server never sees. */
  readonly credentials: Credentials;
  /** Whether there may be several nodes, so that another one can lead. */
  readonly isCluster: boolean;
  private readonly settings: ConnectionOptions;

  /** @throws EventStoreUrlWrong */
  constructor(url: string) {
    this.settings = parsed(url);
    this.isCluster = this.settings.dnsDiscover || this.settings.hosts.length > 1;
    this.credentials = this.settings.defaultCredentials ?? {
      username: 'unused',
      password: 'unused',
    };
    this.channelCredentials();
  }

  /**
   * @param connection all clients of one process that share it use the same connection
   * @throws EventStoreUrlWrong
   */
  clientOf(
    node: EventStoreNode,
    connection: 'shared' | 'own connection' = 'shared',
  ): EventStoreDBClient {
    const { keepAliveInterval, connectionName, tls } = this.settings;
    const { keepAliveTimeout = KEEPALIVE_TIMEOUT_MS } = this.settings;
    // Connections are shared by all whose settings are the same. A negative time means no keepalive.
    const differs = connection === 'own connection' && keepAliveTimeout >= 0;
    const client = new EventStoreDBClient(
      {
        endpoint: { ...node },
        ...(keepAliveInterval !== undefined && { keepAliveInterval }),
        keepAliveTimeout: keepAliveTimeout + (differs ? 1 : 0),
        ...(connectionName !== undefined && { connectionName }),
      },
      { insecure: tls === false, ...this.certificates() },
      this.settings.defaultCredentials,
    );
    return readingQuickly(client);
  }

  /** What HTTP needs to know of TLS; undefined where there is none. */
  get tls(): { readonly rootCertificate?: Buffer } | undefined {
    return this.settings.tls === false ? undefined : this.certificates();
  }

  /**
   * The node to work with: of a cluster the leader, or what the URL prefers, and only one that answers itself.
   *
   * @param current is preferred to others that are as good
   * @throws AggregateError of what each node answered; EventStoreUrlWrong
   */
  async find(current?: EventStoreNode): Promise<EventStoreNode> {
    const { hosts } = this.settings;
    const [first] = hosts;
    if (first === undefined) throw new EventStoreUrlWrong('names no host');
    if (!this.isCluster) return first;
    const channelCredentials = this.channelCredentials();
    const answers = new Map<string, Promise<EventStoreNode>>();
    const ask = (node: EventStoreNode) => {
      const name = nameOf(node);
      const answer = answers.get(name) ?? this.bestKnownTo(node, channelCredentials, current);
      answers.set(name, answer);
      return answer;
    };
    return Promise.any(
      hosts.map(async (host) => {
        const best = await ask(host);
        // The others do not know yet that it is frozen.
        await ask(best);
        return best;
      }),
    );
  }

  private async bestKnownTo(
    node: EventStoreNode,
    channelCredentials: ChannelCredentials,
    current: EventStoreNode | undefined,
  ): Promise<EventStoreNode> {
    const members = await membersKnownTo(node, channelCredentials);
    const usable = filterAndOrderMembers(this.settings.nodePreference ?? 'leader', members);
    const [best] = usable;
    const kept = usable.find(
      ({ state, httpEndpoint }) =>
        state === best?.state && httpEndpoint && isSameNode(httpEndpoint, current),
    );
    const chosen = (kept ?? best)?.httpEndpoint;
    if (chosen === undefined) throw new Error('the cluster has no usable node');
    return chosen;
  }

  private channelCredentials(): ChannelCredentials {
    if (this.settings.tls === false) return credentials.createInsecure();
    const { rootCertificate, userKeyFile, userCertFile } = this.certificates();
    return credentials.createSsl(rootCertificate, userKeyFile, userCertFile);
  }

  /** Read anew at each connection: an authority's certificate is replaced, too. */
  private certificates() {
    const { tls, tlsCAFile, userCertFile, userKeyFile } = this.settings;
    if (tls === false) return {};
    return {
      ...(tlsCAFile !== undefined && { rootCertificate: fileOf('tlsCAFile', tlsCAFile) }),
      ...(userCertFile !== undefined && { userCertFile: fileOf('userCertFile', userCertFile) }),
      ...(userKeyFile !== undefined && { userKeyFile: fileOf('userKeyFile', userKeyFile) }),
    };
  }
}

export function isSameNode(one: EventStoreNode, other: EventStoreNode | undefined): boolean {
  return one.address === other?.address && one.port === other.port;
}

/** Whether a client failed for this reason. */
export function hasType(error: unknown, type: ErrorType): boolean {
  return error instanceof Error && isCommandError(error) && error.type === type;
}

function nameOf({ address, port }: EventStoreNode): string {
  return `${address}:${port}`;
}

function membersKnownTo(node: EventStoreNode, channelCredentials: ChannelCredentials) {
  const client = new gossip.GossipClient(nameOf(node), channelCredentials, {});
  return new Promise<Parameters<typeof filterAndOrderMembers>[1]>((resolve, reject) => {
    const overdue = setTimeout(() => call.cancel(), GOSSIP_TIMEOUT_MS);
    const call = client.read(new shared.Empty(), new Metadata(), (error, cluster) => {
      clearTimeout(overdue);
      client.close();
      if (error) return reject(error);
      const members = cluster.getMembersList().map((member) => {
        const endPoint = member.getHttpEndPoint();
        return {
          state: member.getState() as number,
          isAlive: member.getIsAlive(),
          timeStamp: Number(member.getTimeStamp()),
          ...(endPoint && {
            httpEndpoint: { address: endPoint.getAddress(), port: endPoint.getPort() },
          }),
        };
      });
      return resolve(members);
    });
  });
}

const WITH_CREDENTIALS = /^([^:]+:\/\/)([^:@]+):([^@]+)@/;

function parsed(url: string): ConnectionOptions {
  const [, , username, password] = WITH_CREDENTIALS.exec(url) ?? [];
  try {
    // The client quotes the whole URL when it complains.
    const options = parseConnectionString(url.replace(WITH_CREDENTIALS, '$1'));
    if (username === undefined || password === undefined) return options;
    const defaultCredentials = {
      username: decodeURIComponent(username),
      password: decodeURIComponent(password),
    };
    return { ...options, defaultCredentials };
  } catch {
    // Not with the client's reason, which quotes what a password may be part of.
    throw new EventStoreUrlWrong(
      'cannot be read: its form is esdb://user:password@host:2113?tls=true, or several hosts separated by commas; ' +
        'what is special in user and password is percent-encoded',
    );
  }
}

function fileOf(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new EventStoreUrlWrong(`names a file that cannot be read: ${option} gives ${code}`);
  }
}
