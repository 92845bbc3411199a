import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Log } from '@app/service';
import { gossipService } from './grpc/gossip-service.js';
import type { Address } from './grpc/gossip-service.js';
import { OpenStreams } from './grpc/open-streams.js';
import { projectionsService } from './grpc/projections-service.js';
import { serverStops } from './grpc/rpc-errors.js';
import { serverFeaturesService } from './grpc/server-features-service.js';
import { streamsService, streamsServiceDefinition } from './grpc/streams-service.js';
import { GossipService, ProjectionsService, ServerFeaturesService } from './protocol.js';
import { SystemProjections } from './projections/system-projections.js';
import { StreamReader } from './reading/stream-reader.js';
import { StreamStore } from './streams/stream-store.js';
import type { SlowConsumerPolicy } from './subscriptions/catch-up-subscription.js';

/** EventStoreDB's limit for the data of one append. */
const MAX_APPEND_SIZE = 1_048_576;
const MAX_MESSAGE_SIZE = 16 * 1_048_576;
/** What the web server under EventStoreDB allows: the 101st call on a connection waits. */
const MAX_STREAMS_PER_CONNECTION = 100;
const KEEPALIVE_MS = 10_000;
/** Ended calls need a moment to tell their clients. */
const STOP_GRACE_MS = 300;

export interface DevEventStoreOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly dataFolder: string;
  /** Whether an append waits for the disk. */
  readonly fsync: boolean;
  /** Where gossip says that this node is; its own address when left out. */
  readonly advertise: Partial<Address>;
  readonly slowConsumerPolicy: SlowConsumerPolicy;
  readonly log: Log;
  /** Called when the disk fails: the process should end. */
  readonly onFailure: (error: Error) => void;
}

/** The port asked for cannot be listened on. */
export class PortUnavailableError extends Error {
  constructor(host: string, port: number, cause: Error) {
    super(`EVENTSTORE_PORT ${port} on ${host} cannot be used: ${reasonOf(cause)}`, { cause });
    this.name = 'PortUnavailableError';
  }
}

/** The whole event store: files, gRPC services and the port they are reached at. */
export class DevEventStore {
  private constructor(
    private readonly server: Server,
    private readonly store: StreamStore,
    private readonly projections: SystemProjections,
    private readonly openStreams: OpenStreams,
    readonly port: number,
  ) {}

  /**
   * @throws PortUnavailableError
   * @throws FolderInUseError
   * @throws CorruptLogError
   */
  static async start(options: DevEventStoreOptions): Promise<DevEventStore> {
    const { host, dataFolder, fsync, log, onFailure } = options;
    const startedAt = performance.now();
    const store = await StreamStore.open({ folder: dataFolder, fsync, now: Date.now, onFailure });
    if (store.tornBytes > 0)
      log.warn({ bytes: store.tornBytes }, 'cut off an append that was never acknowledged');
    const milliseconds = Math.round(performance.now() - startedAt);
    log.info({ events: store.index.eventCount, milliseconds }, 'event log is open');

    const projections = new SystemProjections(store);
    const reader = new StreamReader(store, projections, Date.now);
    const openStreams = new OpenStreams();
    const server = new Server({
      'grpc.max_concurrent_streams': MAX_STREAMS_PER_CONNECTION,
      'grpc.max_receive_message_length': MAX_MESSAGE_SIZE,
      'grpc.max_send_message_length': -1,
      'grpc.keepalive_time_ms': KEEPALIVE_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_MS,
    });
    server.addService(
      streamsServiceDefinition,
      streamsService(reader, openStreams, {
        maxAppendSize: MAX_APPEND_SIZE,
        slowConsumerPolicy: () => options.slowConsumerPolicy,
      }),
    );
    server.addService(ProjectionsService, projectionsService());
    server.addService(ServerFeaturesService, serverFeaturesService());
    let port = options.port;
    server.addService(
      GossipService,
      gossipService(() => ({ host, port, ...withoutUndefined(options.advertise) })),
    );
    try {
      port = await bind(server, host, options.port);
    } catch (error) {
      projections.stop();
      await store.close();
      throw error;
    }
    return new DevEventStore(server, store, projections, openStreams, port);
  }

  /** Ends all calls, writes out what is pending and lets go of the port and the folder. */
  async stop(): Promise<void> {
    const shutDown = new Promise<void>((resolve) => this.server.tryShutdown(() => resolve()));
    this.openStreams.failAll(serverStops());
    const impatience = setTimeout(() => this.server.forceShutdown(), STOP_GRACE_MS);
    await shutDown;
    clearTimeout(impatience);
    this.projections.stop();
    await this.store.close();
  }
}

function bind(server: Server, host: string, port: number): Promise<number> {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, boundPort) => {
      if (error !== null) reject(new PortUnavailableError(host, port, error));
      else resolve(boundPort);
    });
  });
}

function reasonOf(error: Error): string {
  return error.message.includes('EADDRINUSE') ? 'another process listens there' : error.message;
}

function withoutUndefined(address: Partial<Address>): Partial<Address> {
  return Object.fromEntries(Object.entries(address).filter(([, value]) => value !== undefined));
}
