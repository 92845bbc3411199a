import { setTimeout as pause } from 'node:timers/promises';
import { ErrorType, START, streamNameFilter } from '@eventstore/db-client';
import type {
  AllStreamSubscription,
  EventStoreDBClient,
  RecordedEvent as ClientRecordedEvent,
} from '@eventstore/db-client';
import {
  EVENT_STORE_TIMEOUT_MS,
  EventStoreUnavailable,
  WrongExpectedRevision,
  isLogPosition,
  positionOf,
} from './event-store.js';
import type {
  AppendResult,
  EventMetadata,
  EventStore,
  ExpectedRevision,
  LogPosition,
  NewEvent,
  ReadStreamOptions,
  RecordedEvent,
  SubscribeToAllOptions,
  SubscriptionMessage,
} from './event-store.js';
import { AppendCallGivenUp, AppendCalls } from './eventstoredb-append-calls.js';
import { backoffMs, pauseUnlessAborted } from './back-off.js';
import { EventStoreNodes, EventStoreUrlWrong, hasType, isSameNode } from './eventstoredb-nodes.js';
import type { EventStoreNode } from './eventstoredb-nodes.js';
import { settingToMend } from './setting-to-mend.js';
import { MOST_WAITING, WaitingMessages } from './waiting-messages.js';

export interface EventStoreDBOptions {
  /** `esdb://…` or `esdb+discover://…`, as the official client takes it. */
  readonly url: string;
  /** How long one append, or the next event of a read, may take, in milliseconds. */
  readonly timeoutMs?: number;
}

/** A checkpoint after this many events of no interest (the client multiplies by its window of 32). */
const CHECKPOINT_INTERVAL = 8;
/** After this time the server's own end of a read has arrived, in milliseconds. */
const READ_ENDS_WITHIN_MS = 250;
/** Longest time for taking leave of the server: what is on its way then is of no use to this process. */
const CLOSES_WITHIN_MS = 2_000;
/** A call that the client is about to begin on a closed channel becomes an unhandled rejection. */
const CLOSES_CHANNELS_AFTER_MS = 1_000;
/** A call without an answer for so long has the adapter look at the cluster, and again after as long. */
const LOOK_INTERVAL_MS = 500;
/** A subscription that nothing comes from does the same. */
const SILENCE_MS = 2_000;
/** How long a cluster without a usable node, as during an election, is asked again. */
const FIND_WITHIN_MS = 1_000;
const FIND_INTERVAL_MS = 100;
/** Not a real stream: reading it proves that the server answers. */
const PROBE_STREAM = 'availability-probe';

/**
 * The event store on EventStoreDB, through its official client. Everything this program knows about
 * that client stands here, above all how it must be held (version 6.2.1):
 *
 * - Its appends are left alone: the unary call costs more than everything else of an append, and the batched one has no
 *   deadline, mixes the fates of all clients of a process, and rejects behind the caller's back when the connection is
 *   lost (eventstoredb-append-calls.ts).
 * - Reads and subscriptions have no deadline of their own, nor has our call for appends, so that all of them get one here.
 * - A read that is left early stays open until all that has arrived is taken.
 * - A read of a stream that does not exist stays open as well, although the server has ended it. Cancelling it at
 *   once resets it, and some servers close the connection of a client that resets many.
 * - A connection that the server closes under a call fails it as an internal error; one that it closes because too many
 *   calls were given up on it, as an unknown one.
 * - A read that is cut short by disposing of the client ends as if it were complete.
 * - A broken subscription emits `error` and nothing else; late errors need a listener, or the process dies.
 * - Its generated code is most of the work of a read, so that events are taken apart here (eventstoredb-read-answers.ts).
 * - It looks for another node of a cluster only when a connection breaks, and a frozen leader breaks none: the
 *   adapter chooses the node (eventstoredb-nodes.ts), and leaves one that another node has replaced.
 *
 * And about the servers, above all that the positions they send are believed only when they are places of a log
 * and move forward: versions 24.2 to 24.10.4 send a subscription that began at the start and found nothing one
 * checkpoint of 2^64-1, and never another one. A consumer that resumed there would begin at the end.
 */
export class EventStoreDBEventStore implements EventStore {
  private readonly nodes: EventStoreNodes;
  private readonly timeoutMs: number;
  /** Undefined until the first call, and while another node has to be found. */
  private connection: Promise<Connection> | undefined;
  /** What `connection` led to last. */
  private open: Connection | undefined;
  private isLooking = false;
  private isClosed = false;
  /** Reads of streams that do not exist, to be cancelled when the server's end of them has arrived. */
  private readonly endingReads = new Map<NodeJS.Timeout, () => void>();

  /** @throws EventStoreUrlWrong */
  constructor(options: EventStoreDBOptions) {
    this.nodes = new EventStoreNodes(options.url);
    this.timeoutMs = options.timeoutMs ?? EVENT_STORE_TIMEOUT_MS;
  }

  async append(
    streamName: string,
    expectedRevision: ExpectedRevision,
    events: readonly [NewEvent, ...NewEvent[]],
  ): Promise<AppendResult> {
    const until = performance.now() + this.timeoutMs;
    for (let timeouts = 1; ; timeouts++) {
      const connection = await this.connectedBy(until);
      const leftMs = Math.max(1, until - performance.now());
      const sent = connection.appends.append(streamName, expectedRevision, events);
      try {
        const { revision, position } = await this.watched(connection, leftMs, sent.answer);
        return { revision, position: placeInLog(position, 'an append') };
      } catch (error) {
        sent.giveUp(timeouts === 1);
        if (hasType(error, ErrorType.WRONG_EXPECTED_VERSION)) {
          throw new WrongExpectedRevision(streamName, expectedRevision);
        }
        // Whatever became of the first try: with the same ids nothing is stored twice.
        if (error instanceof NodeReplaced || error instanceof AppendCallGivenUp) {
          if (performance.now() >= until) throw this.noAnswer(connection);
          continue;
        }
        const pauseMs = backoffMs(timeouts);
        const isTimedOutThere = hasType(error, ErrorType.DEADLINE_EXCEEDED);
        if (!isTimedOutThere || performance.now() + pauseMs >= until) {
          throw this.translated(error, connection);
        }
        await pause(pauseMs);
      }
    }
  }

  async *readStream(
    streamName: string,
    options: ReadStreamOptions = {},
  ): AsyncGenerator<RecordedEvent, void, void> {
    const until = performance.now() + this.timeoutMs;
    for (;;) {
      const connection = await this.connectedBy(until);
      let hasBegun = false;
      try {
        for await (const event of this.readOnce(connection, streamName, options)) {
          hasBegun = true;
          yield event;
        }
        return;
      } catch (error) {
        if (!connection.isReplaced || hasBegun || performance.now() >= until) throw error;
      }
    }
  }

  private async *readOnce(
    connection: Connection,
    streamName: string,
    options: ReadStreamOptions,
  ): AsyncGenerator<RecordedEvent, void, void> {
    const events = connection.client.readStream(streamName, {
      fromRevision: options.fromRevision ?? START,
      ...(options.maxCount === undefined ? {} : { maxCount: options.maxCount }),
    });
    let readerIsBusy = false;
    const overdue = () => {
      if (readerIsBusy) return;
      events.destroy(this.noAnswer(connection));
    };
    const timer = setTimeout(overdue, this.timeoutMs);
    const looking = this.lookingEvery(LOOK_INTERVAL_MS, connection, () => !readerIsBusy);
    let isThere = true;
    try {
      for await (const { event } of events.iterator({ destroyOnReturn: false })) {
        if (event === undefined) continue;
        readerIsBusy = true;
        yield toRecordedEvent(event, placeInLog(event.position?.commit, 'a read'));
        readerIsBusy = false;
        timer.refresh();
      }
      if (connection.isCut) throw new EventStoreUnavailable('the connection of a read was closed');
    } catch (error) {
      isThere = !hasType(error, ErrorType.STREAM_NOT_FOUND);
      if (isThere) throw this.translated(error, connection);
    } finally {
      clearTimeout(timer);
      clearInterval(looking);
      events.on('error', ignoreLateError);
      // Not awaited: it waits for the discovery of a node.
      const cancel = () => void cancelled(() => events.cancel());
      if (isThere) cancel();
      else this.whenEnded(cancel);
      // What has arrived must be taken, or the client waits for it when it is disposed of.
      events.resume();
    }
  }

  async *subscribeToAll(
    options: SubscribeToAllOptions,
  ): AsyncGenerator<SubscriptionMessage, void, void> {
    let { after } = options;
    // A server would take it for the end.
    if (after !== 'start' && !isLogPosition(after)) {
      throw new RangeError(`no log has a position ${after}`);
    }
    while (!options.signal.aborted) {
      const goOnAfter = yield* this.subscribeOnce({ ...options, after });
      if (goOnAfter === undefined) return;
      after = goOnAfter;
    }
  }

  /** Answers where another subscription is to go on, when this one sends no more checkpoints or was dropped. */
  private async *subscribeOnce(
    options: SubscribeToAllOptions,
  ): AsyncGenerator<SubscriptionMessage, LogPosition | 'start' | undefined, void> {
    const { after, streamNamePrefixes, signal } = options;
    const waiting = new WaitingMessages(after);
    let tellsNoCheckpoints = false;
    let reached: LogPosition | undefined;
    const connection = await unlessAborted(this.connected(), signal);
    if (connection === undefined || signal.aborted) return undefined;
    const subscription: AllStreamSubscription = connection.subscriptions.subscribeToAll({
      fromPosition: after === 'start' ? START : { commit: after, prepare: after },
      filter: streamNameFilter({
        prefixes: [...streamNamePrefixes],
        checkpointInterval: CHECKPOINT_INTERVAL,
        checkpointReached: (_, position) => {
          isSilent = false;
          tellsNoCheckpoints ||= !isLogPosition(position.commit);
          // Events the client still buffers come before this checkpoint, and would be skipped by it.
          if (subscription.readableLength === 0) {
            waiting.add({ kind: 'checkpoint', position: position.commit });
          }
        },
      }),
    });
    const unconfirmed = setTimeout(() => {
      waiting.fail(this.noAnswer(connection));
    }, this.timeoutMs);
    let isSilent = true;
    const looking = this.lookingEvery(SILENCE_MS, connection, () => {
      const wasSilent = isSilent;
      isSilent = true;
      return wasSilent;
    });
    const replaced = () => waiting.fail(new EventStoreUnavailable('another node leads'));
    connection.waiting.add(replaced);
    const end = () => waiting.end();
    let isLive = false;
    let caughtUp = false;
    const tellCaughtUp = () => {
      if (!caughtUp || subscription.readableLength > 0) return;
      caughtUp = false;
      waiting.add({ kind: 'caught-up' });
    };

    signal.addEventListener('abort', end);
    subscription
      .on('confirmation', () => clearTimeout(unconfirmed))
      .on('error', (error: unknown) => {
        waiting.fail(
          isForSlowness(error) ? new DroppedAsSlow() : this.translated(error, connection),
        );
      })
      .on('end', () => waiting.fail(new EventStoreUnavailable('it ended a subscription')))
      .on('caughtUp', () => {
        isLive = true;
        caughtUp = true;
        tellCaughtUp();
      })
      .on('data', ({ event }) => {
        isSilent = false;
        if (event) {
          waiting.add({ kind: 'event', event: toRecordedEvent(event, event.position.commit) });
        }
        if (waiting.size >= MOST_WAITING) subscription.pause();
        tellCaughtUp();
      });
    try {
      for (;;) {
        const message = await waiting.next();
        if (message === undefined) return undefined;
        if (message.kind !== 'caught-up') reached = positionOf(message);
        yield message;
        if (tellsNoCheckpoints && message.kind === 'event') return message.event.position;
        if (subscription.isPaused() && waiting.size <= MOST_WAITING / 2) subscription.resume();
      }
    } catch (error) {
      // One that never comes so far is opened again by its consumer, with a pause.
      if (error instanceof DroppedAsSlow && (isLive || reached !== undefined)) {
        return reached ?? after;
      }
      throw error;
    } finally {
      clearTimeout(unconfirmed);
      clearInterval(looking);
      connection.waiting.delete(replaced);
      signal.removeEventListener('abort', end);
      subscription.removeAllListeners('data').on('error', ignoreLateError);
      void cancelled(() => subscription.unsubscribe());
    }
  }

  async checkAvailable(): Promise<void> {
    const probe = this.readStream(PROBE_STREAM, { maxCount: 1 });
    await probe.next();
    await probe.return();
  }

  async close(): Promise<void> {
    for (const [timer, cancel] of this.endingReads) {
      clearTimeout(timer);
      cancel();
    }
    this.endingReads.clear();
    this.isClosed = true;
    if (!this.open) return;
    // The client waits for every stream to end, and one that a frozen process gave up may never say that it has.
    const closed = new AbortController();
    await Promise.race([
      this.open.cut().finally(() => closed.abort()),
      pauseUnlessAborted(CLOSES_WITHIN_MS, closed.signal),
    ]);
  }

  private whenEnded(cancel: () => void): void {
    const timer = setTimeout(() => {
      this.endingReads.delete(timer);
      cancel();
    }, READ_ENDS_WITHIN_MS);
    this.endingReads.set(timer, cancel);
  }

  /** @throws EventStoreUnavailable also when no node was found by then */
  private async connectedBy(until: number): Promise<Connection> {
    // Nothing to wait for, as nearly always.
    if (this.connection && this.open?.isCut === false) return this.connection;
    const leftMs = Math.max(1, Math.ceil(until - performance.now()));
    const connection = await unlessAborted(this.connected(), AbortSignal.timeout(leftMs));
    if (connection) return connection;
    throw new EventStoreUnavailable(`no usable node was found within ${this.timeoutMs} ms`);
  }

  /** @throws EventStoreUnavailable when no node is found */
  private connected(): Promise<Connection> {
    if (this.isClosed) return Promise.reject(closedHere());
    if (this.connection) return this.connection;
    const connecting = this.connect();
    this.connection = connecting;
    connecting.catch(() => {
      if (this.connection === connecting) this.connection = undefined;
    });
    return connecting;
  }

  private async connect(): Promise<Connection> {
    const until = performance.now() + FIND_WITHIN_MS;
    for (;;) {
      try {
        const node = await this.nodes.find();
        return this.openTo(node);
      } catch (error) {
        if (this.isClosed || performance.now() > until) {
          const causes: readonly unknown[] =
            error instanceof AggregateError ? error.errors : [error];
          const toMend = causes
            .map((cause) =>
              cause instanceof EventStoreUrlWrong ? cause.message : settingToMend(cause),
            )
            .find((what) => what !== undefined);
          throw new EventStoreUnavailable(toMend ?? 'no usable node was found', { cause: error });
        }
      }
      await pause(FIND_INTERVAL_MS);
    }
  }

  private openTo(node: EventStoreNode): Connection {
    if (this.isClosed) throw closedHere();
    this.open = new Connection(
      node,
      this.nodes.clientOf(node),
      this.nodes.clientOf(node, 'own connection'),
    );
    return this.open;
  }

  /**
   * Of one node nothing can be found out that helps; of a cluster, which node leads by now.
   *
   * @param isDue whether to look when the time has come
   */
  private lookingEvery(intervalMs: number, connection: Connection, isDue: () => boolean) {
    if (!this.nodes.isCluster) return undefined;
    return setInterval(() => {
      if (isDue()) void this.look(connection);
    }, intervalMs);
  }

  /** Moves everything from a node that does not answer, or no longer leads, to the one that does. */
  private async look(connection: Connection): Promise<void> {
    if (this.isLooking || connection.isCut) return;
    this.isLooking = true;
    try {
      const node = await this.nodes.find(connection.node);
      if (isSameNode(node, connection.node) || connection.isCut) return;
      this.connection = Promise.resolve(this.openTo(node));
      connection.replace();
    } catch (error) {
      // No node is usable now: the calls that wait for one have their own time.
      ignoreLateError(error);
    } finally {
      this.isLooking = false;
    }
  }

  /**
   * What a call on a connection answers.
   *
   * @throws NodeReplaced, EventStoreUnavailable when the time is over, and what the call throws
   */
  private async watched<Result>(
    connection: Connection,
    leftMs: number,
    call: Promise<Result>,
  ): Promise<Result> {
    const looking = this.lookingEvery(LOOK_INTERVAL_MS, connection, () => true);
    let overdue: NodeJS.Timeout | undefined;
    let replaced = (): void => undefined;
    try {
      return await new Promise<Result>((resolve, reject) => {
        overdue = setTimeout(() => reject(this.noAnswer(connection)), leftMs);
        replaced = () => reject(new NodeReplaced());
        connection.waiting.add(replaced);
        call.then(resolve, reject);
      });
    } finally {
      clearTimeout(overdue);
      clearInterval(looking);
      connection.waiting.delete(replaced);
    }
  }

  private noAnswer({ node }: Connection): EventStoreUnavailable {
    return new EventStoreUnavailable(
      `no answer from ${node.address}:${node.port} within ${this.timeoutMs} ms`,
    );
  }

  /** Our own error for everything that another try may mend; the client's own for the rest. */
  private translated(error: unknown, connection: Connection): unknown {
    if (error instanceof EventStoreUnavailable) return error;
    const toMend = settingToMend(error);
    if (toMend !== undefined) {
      // Another user would be taken by the same node.
      if (!hasType(error, ErrorType.ACCESS_DENIED)) this.leave(connection);
      return new EventStoreUnavailable(toMend, { cause: error });
    }
    if (isBrokenConnection(error)) {
      this.leave(connection);
      return new EventStoreUnavailable('the connection was closed', { cause: error });
    }
    const transient = [
      ErrorType.UNAVAILABLE,
      ErrorType.CANCELLED,
      ErrorType.TIMEOUT,
      ErrorType.DEADLINE_EXCEEDED,
      ErrorType.NOT_LEADER,
    ].find((type) => hasType(error, type));
    if (transient === undefined) return error;
    if (transient === ErrorType.UNAVAILABLE || transient === ErrorType.NOT_LEADER) {
      this.leave(connection);
    }
    return new EventStoreUnavailable(transient, { cause: error });
  }

  /** The next call finds a node of the cluster again. With one node, the client connects again by itself. */
  private leave(connection: Connection): void {
    // Of several calls that failed together, the first has done so.
    if (!this.nodes.isCluster || connection.isCut) return;
    this.connection = undefined;
    void cancelled(() => connection.cut());
  }
}

/** Another node leads: the call on the one before will not be answered. */
class NodeReplaced extends Error {}

/** The server dropped a subscription that was not read as fast as it sends, as version 23.10 does. */
class DroppedAsSlow extends EventStoreUnavailable {
  constructor() {
    super('it found a subscriber too slow');
  }
}

function closedHere(): EventStoreUnavailable {
  return new EventStoreUnavailable('it was closed by this process');
}

function isForSlowness(error: unknown): boolean {
  return (
    hasType(error, ErrorType.TIMEOUT) && (error as Error).message.includes('Consumer too slow')
  );
}

class Connection {
  readonly appends: AppendCalls;
  /** Whether we ended the calls under way. */
  isCut = false;
  isReplaced = false;
  /** Called when another node has replaced this one. */
  readonly waiting = new Set<() => void>();

  constructor(
    readonly node: EventStoreNode,
    /** For appends and reads. */
    readonly client: EventStoreDBClient,
    /** Has a connection of its own: servers take 100 calls on one, and let the next one wait for ever. */
    readonly subscriptions: EventStoreDBClient,
  ) {
    this.appends = new AppendCalls(client);
  }

  replace(): void {
    this.isReplaced = true;
    for (const tell of this.waiting) tell();
    void cancelled(() => this.cut());
  }

  async cut(): Promise<void> {
    this.isCut = true;
    const clients = [this.client, this.subscriptions];
    await Promise.all(clients.map((client) => client.dispose()));
    // A client leaves its connection open, or goes on trying to make one.
    setTimeout(() => {
      for (const client of clients) void client['getChannel']().then((channel) => channel.close());
    }, CLOSES_CHANNELS_AFTER_MS).unref();
  }
}

/** @throws Error when the server did not send a place in the log; versions before 22.6 do not */
function placeInLog(position: bigint | undefined, what: string): LogPosition {
  if (position !== undefined && isLogPosition(position)) return position;
  throw new Error(`the event store answered ${what} with ${position ?? 'no'} position`);
}

function toRecordedEvent(event: ClientRecordedEvent, position: LogPosition): RecordedEvent {
  return {
    id: event.id,
    type: event.type,
    streamName: event.streamId,
    revision: event.revision,
    position,
    recordedAt: event.created,
    data: event.data,
    metadata: (event.metadata ?? {}) as unknown as EventMetadata,
  };
}

/** gRPC's status INTERNAL: the client found the call's connection or stream closed under it. */
const INTERNAL = 13;
/** What gRPC calls HTTP/2's ENHANCE_YOUR_CALM: a server that was away finds that very many calls were given up meanwhile. */
const TOLD_TO_CALM = 'Bandwidth exhausted';

function isBrokenConnection(error: unknown): boolean {
  if (!hasType(error, ErrorType.UNKNOWN)) return false;
  const { code, message } = error as { readonly code?: unknown; readonly message: string };
  return code === INTERNAL || message.includes(TOLD_TO_CALM);
}

/** Cancelling something that is broken already fails, and there is nothing left to cancel then. */
async function cancelled(cancel: () => Promise<unknown>): Promise<void> {
  await cancel().catch(ignoreLateError);
}

/** Undefined when the signal ends first. */
async function unlessAborted<Result>(
  work: Promise<Result>,
  signal: AbortSignal,
): Promise<Result | undefined> {
  let end = (): void => undefined;
  const aborted = new Promise<undefined>((resolve) => (end = () => resolve(undefined)));
  signal.addEventListener('abort', end);
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** For errors of a call that has already been answered, ended or reported. */
function ignoreLateError(_error: unknown): void {
  return;
}
