import { setTimeout as pause } from 'node:timers/promises';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { LETTING_GO_MS } from '@app/process';
import type { Log, RunningProcess } from '@app/process';
import { BEHAVIOURS } from './behaviour.js';
import type { Behaviour } from './behaviour.js';
import { ControlServer } from './faults/control-server.js';
import { FaultSwitches } from './faults/fault-switches.js';
import { AppendRules } from './grpc/append-rules.js';
import { gossipService } from './grpc/gossip-service.js';
import type { Address } from './grpc/gossip-service.js';
import { OpenStreams } from './grpc/open-streams.js';
import { refusedService } from './grpc/refused-calls.js';
import { serverStops } from './grpc/rpc-errors.js';
import { serverFeaturesService } from './grpc/server-features-service.js';
import { streamsService, streamsServiceDefinition } from './grpc/streams-service.js';
import { HttpAndGrpcPort } from './http-and-grpc-port.js';
import {
  GossipService,
  PersistentSubscriptionsService,
  ProjectionsService,
  ServerFeaturesService,
} from './protocol.js';
import type { Settings } from './settings.js';
import { statusPages } from './status-pages.js';
import { StreamStore } from './streams/stream-store.js';

const MAX_MESSAGE_SIZE = 16 * 1_048_576;
/** What the web server under EventStoreDB allows: the 101st call on a connection waits. */
const MAX_STREAMS_PER_CONNECTION = 100;
const KEEPALIVE_MS = 10_000;
const PASSED_OVER =
  'the event log holds tombstones or system streams (named $...) of an older version of this store: ' +
  'they are passed over, and events that were deleted or truncated can be read again';
/** Ended calls need a moment to tell their clients. */
const STOP_GRACE_MS = 300;
/** A server that stops slowly goes on answering for so long, and then says that it is not ready for so long. */
const STOP_STEPS_MS = { answers: 50, isNotReady: 200 };

export interface DevEventStoreOptions extends Settings {
  readonly log: Log;
  /** Called when the disk fails: the process should end. */
  readonly onFailure: (error: Error) => void;
}

/** The whole event store: its file, gRPC services and the ports they are reached at. */
export class DevEventStore implements RunningProcess {
  private readonly openStreams = new OpenStreams();
  private readonly faults: FaultSwitches;
  private readonly server = new Server({
    'grpc.max_concurrent_streams': MAX_STREAMS_PER_CONNECTION,
    'grpc.max_receive_message_length': MAX_MESSAGE_SIZE,
    'grpc.max_send_message_length': -1,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_MS,
  });
  private readonly port: HttpAndGrpcPort;
  private readonly behaviour: Behaviour;
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
    this.behaviour = BEHAVIOURS[options.behavesLike];
    this.addServices();
    const grpc = this.server.createConnectionInjector(ServerCredentials.createInsecure());
    this.port = new HttpAndGrpcPort(
      (connection) => grpc.injectConnection(connection),
      statusPages(
        this.behaviour,
        () => !this.faults.isNotReady,
        () => this.advertisedAddress(),
      ),
    );
  }

  /**
   * @throws Error the port cannot be listened on
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

  /** The longest time that `stop` takes, in milliseconds. */
  get stopsWithinMs(): number {
    return LETTING_GO_MS + (this.options.stopsSlowly ? this.behaviour.stopSilenceMs : 0);
  }

  /** Ends all calls, writes out what is pending and lets go of the ports and the folder. */
  async stop(): Promise<void> {
    const { stopsSlowly } = this.options;
    const { stopSilenceMs, saysNotReadyWhenStopping } = this.behaviour;
    this.port.close();
    if (stopsSlowly) {
      await pause(STOP_STEPS_MS.answers);
      if (saysNotReadyWhenStopping) this.faults.setReady(false);
      await pause(STOP_STEPS_MS.isNotReady);
    }
    const shutDown = new Promise<void>((resolve) => this.server.tryShutdown(() => resolve()));
    if (stopsSlowly) await pause(stopSilenceMs);
    // What is on its way to the disk is answered before its call ends.
    this.faults.setReady(false);
    await Promise.race([this.store.settled(), pause(STOP_GRACE_MS)]);
    this.openStreams.failAll(serverStops());
    const impatience = setTimeout(() => this.server.forceShutdown(), STOP_GRACE_MS);
    await shutDown;
    clearTimeout(impatience);
    await this.control?.stop();
    await this.store.close();
  }

  private addServices(): void {
    const { store, server, faults, openStreams, options, behaviour } = this;
    server.addService(
      streamsServiceDefinition,
      streamsService(
        store,
        openStreams,
        faults,
        behaviour,
        new AppendRules(behaviour, (reason) => options.onFailure(new Error(reason))),
      ),
    );
    for (const service of [PersistentSubscriptionsService, ProjectionsService])
      server.addService(service, refusedService(service));
    server.addService(ServerFeaturesService, serverFeaturesService(faults, behaviour.version));
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
    const { host, port, controlPort, readyAfterMs } = this.options;
    const { faults, openStreams, store } = this;
    faults.setReady(readyAfterMs === 0);
    this.boundPort = await this.port.listen(host, port).catch((error: Error) => {
      const reason = `EVENTSTORE_PORT ${port} on ${host} cannot be used: ${reasonOf(error)}`;
      throw new Error(reason, { cause: error });
    });
    if (readyAfterMs > 0) setTimeout(() => faults.setReady(true), readyAfterMs).unref();
    if (controlPort !== 'off')
      this.control = await ControlServer.start(host, controlPort, { faults, openStreams, store });
  }
}

function reasonOf(error: Error): string {
  return error.message.includes('EADDRINUSE') ? 'another process listens there' : error.message;
}
