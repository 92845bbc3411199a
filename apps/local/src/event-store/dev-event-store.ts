import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Log } from '@app/process';
import { ControlServer } from './faults/control-server.js';
import type { Controls } from './faults/control-server.js';
import { FaultSwitches } from './faults/fault-switches.js';
import { gossipService } from './grpc/gossip-service.js';
import type { Address } from './grpc/gossip-service.js';
import { OpenStreams } from './grpc/open-streams.js';
import { refusedService } from './grpc/refused-calls.js';
import { serverStops, unavailable } from './grpc/rpc-errors.js';
import { serverFeaturesService } from './grpc/server-features-service.js';
import { streamsService, streamsServiceDefinition } from './grpc/streams-service.js';
import {
  GossipService,
  PersistentSubscriptionsService,
  ProjectionsService,
  ServerFeaturesService,
} from './protocol.js';
import { StreamStore } from './streams/stream-store.js';
import type { SlowConsumerPolicy } from './subscriptions/catch-up-subscription.js';

/** EventStoreDB's limit for the data of one append. */
const MAX_APPEND_SIZE = 1_048_576;
const MAX_MESSAGE_SIZE = 16 * 1_048_576;
/** What the web server under EventStoreDB allows: the 101st call on a connection waits. */
const MAX_STREAMS_PER_CONNECTION = 100;
const KEEPALIVE_MS = 10_000;
const PASSED_OVER =
  'the event log holds tombstones or system streams (named $...) of an older version of this store: ' +
  'they are passed over, and events that were deleted or truncated can be read again';
/** Ended calls need a moment to tell their clients. */
const STOP_GRACE_MS = 300;

export interface DevEventStoreOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Port of the fault switches: 0 takes a free one, `off` has none. */
  readonly controlPort: number | 'off';
  readonly dataFolder: string;
  /** Whether an append waits for the disk. */
  readonly fsync: boolean;
  /** Where gossip says that this node is; its own address when left out. */
  readonly advertise: { readonly host?: string | undefined; readonly port?: number | undefined };
  readonly slowConsumerPolicy: SlowConsumerPolicy;
  readonly log: Log;
  /** Called when the disk fails: the process should end. */
  readonly onFailure: (error: Error) => void;
}

/** The port asked for cannot be listened on. */
class PortUnavailableError extends Error {
  constructor(host: string, port: number, cause: Error) {
    super(`EVENTSTORE_PORT ${port} on ${host} cannot be used: ${reasonOf(cause)}`, { cause });
    this.name = 'PortUnavailableError';
  }
}

/** The whole event store: its file, gRPC services and the ports they are reached at. */
export class DevEventStore {
  private readonly openStreams = new OpenStreams();
  private readonly faults: FaultSwitches;
  private readonly server = new Server({
    'grpc.max_concurrent_streams': MAX_STREAMS_PER_CONNECTION,
    'grpc.max_receive_message_length': MAX_MESSAGE_SIZE,
    'grpc.max_send_message_length': -1,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_MS,
  });
  private control: ControlServer | undefined;
  private boundPort: number;

  private constructor(
    private readonly store: StreamStore,
    private readonly options: DevEventStoreOptions,
  ) {
    this.boundPort = options.port;
    this.faults = new FaultSwitches((faults) =>
      this.openStreams.holdAll(faults.frozen, faults.methods),
    );
    this.addServices();
  }

  /**
   * @throws PortUnavailableError
   * @throws FolderInUseError
   * @throws CorruptLogError
   */
  static async start(options: DevEventStoreOptions): Promise<DevEventStore> {
    const { dataFolder, fsync, log, onFailure } = options;
    const onRoom = (hasRoom: boolean): void => {
      if (hasRoom) log.info('the disk has room again: events are appended');
      else log.error('the disk is full: no event is appended until there is room again');
    };
    const startedAt = performance.now();
    const store = await StreamStore.open({
      folder: dataFolder,
      fsync,
      now: Date.now,
      onRoom,
      onFailure,
    });
    if (store.tornBytes > 0)
      log.warn({ bytes: store.tornBytes }, 'cut off an append that was never acknowledged');
    if (store.passedOver > 0) log.warn({ records: store.passedOver }, PASSED_OVER);
    const milliseconds = Math.round(performance.now() - startedAt);
    log.info({ events: store.index.eventCount, milliseconds }, 'event log is open');

    const eventStore = new DevEventStore(store, options);
    try {
      await eventStore.listen();
    } catch (error) {
      await eventStore.stop();
      throw error;
    }
    return eventStore;
  }

  get endpoints(): Readonly<Record<string, string>> {
    const { host } = this.options;
    return {
      eventstore: `esdb://${host}:${this.boundPort}?tls=false`,
      ...(this.control === undefined ? {} : { control: `http://${host}:${this.control.port}` }),
    };
  }

  /** Ends all calls, writes out what is pending and lets go of the ports and the folder. */
  async stop(): Promise<void> {
    const shutDown = new Promise<void>((resolve) => this.server.tryShutdown(() => resolve()));
    this.openStreams.failAll(serverStops());
    const impatience = setTimeout(() => this.server.forceShutdown(), STOP_GRACE_MS);
    await shutDown;
    clearTimeout(impatience);
    await this.control?.stop();
    await this.store.close();
  }

  private addServices(): void {
    const { store, server, faults, openStreams, options } = this;
    server.addService(
      streamsServiceDefinition,
      streamsService(store, openStreams, faults, {
        maxAppendSize: MAX_APPEND_SIZE,
        slowConsumerPolicy: () => faults.current.slowConsumer ?? options.slowConsumerPolicy,
        tellsBeyondLog: () => faults.current.checkpointBeyondLog,
      }),
    );
    for (const service of [PersistentSubscriptionsService, ProjectionsService])
      server.addService(service, refusedService(service));
    server.addService(ServerFeaturesService, serverFeaturesService(faults));
    server.addService(
      GossipService,
      gossipService(faults, () => this.advertisedAddress()),
    );
  }

  private advertisedAddress(): Address {
    const { advertise, host } = this.options;
    return { host: advertise.host ?? host, port: advertise.port ?? this.boundPort };
  }

  private async listen(): Promise<void> {
    const { host, port, controlPort } = this.options;
    this.boundPort = await bind(this.server, host, port);
    if (controlPort !== 'off')
      this.control = await ControlServer.start(host, controlPort, this.controls());
  }

  private controls(): Controls {
    const { faults, openStreams, store } = this;
    return {
      faults: () => faults.current,
      setFaults: (wanted) => faults.set(wanted),
      dropStreams: ({ methods, status }) =>
        openStreams.failAll(status === 'cancelled' ? serverStops() : unavailable(), methods),
      overrunSubscribers: () => openStreams.overrunAll(),
      state: () => ({
        events: store.visibleEvents,
        openStreams: openStreams.size,
        listeners: store.listenerCount,
        residentBytes: process.memoryUsage.rss(),
      }),
    };
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
