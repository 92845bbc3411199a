import type { AccountEvent, AccountEventType } from '@app/accounts';
import { accountIdOfStream } from '@app/accounts';
import {
  checkLog,
  consumeInWindow,
  readCheckpoint,
  runSubscription,
  saveCheckpoint,
  takeBackToLastEvent,
  whileLeader,
} from '@app/consumers';
import type { EventCodec, EventStore, LogPosition, RecordedEvent } from '@app/event-store';
import type { Database } from '@app/postgres';
import type { HandledEvent } from '@app/consumers';
import type { SagaConsumer } from '@app/views';
import type { Log } from '@app/process';
import type { DurableEventBus } from './durable-event-bus.js';
import type { FactClass } from './recorded-fact.js';

/** Holds work back while it would be in vain. */
export interface WorkGate {
  /** Whether work would have to wait. */
  readonly isClosed: boolean;
  /**
   * Resolves when work may begin, with what is to be called when it has ended.
   *
   * @throws when the signal ends the waiting
   */
  enter(signal: AbortSignal): Promise<() => void>;
}

export interface SagaFeedStatus {
  /** `paused`: the gate is closed. `faulted`: something failed, and nothing has succeeded since. */
  readonly state: 'stopped' | 'standby' | 'running' | 'paused' | 'faulted';
  /** Everything up to here has been acted upon; undefined before the first checkpoint. */
  readonly position: LogPosition | undefined;
  /** Events that are begun and not completed, those that wait for another try included. */
  readonly inFlight: number;
  /** How long ago the oldest event that is not acted upon yet was recorded, in milliseconds; 0 if none. */
  readonly lagMs: number;
  readonly lastError: { readonly message: string; readonly at: Date } | undefined;
}

export interface SagaFeedOptions extends Omit<SagaConsumer, 'kind' | 'eventTypes'> {
  readonly store: EventStore;
  readonly database: Database;
  readonly codec: EventCodec<AccountEvent>;
  readonly eventBus: Pick<DurableEventBus, 'dispatch'>;
  /** The class of each event type that a saga reacts to; other types are passed over without being read. */
  readonly events: { readonly [Type in AccountEventType]?: FactClass<Type> };
  /**
   * Called with an event that no saga can act upon. Resolves to true when the fault concerns a single account and
   * is recorded: the event then counts as done, so that a few such accounts do not hold up all others.
   */
  quarantine?(recorded: RecordedEvent, error: unknown): Promise<boolean>;
  /** Always open when left out. */
  readonly gate?: WorkGate;
  /** How many events may be acted upon at a time. */
  readonly windowSize: number;
  readonly log: Log;
}

/** Saving rarely is cheap; after a crash the commands of repeated events find their work done. */
const CHECKPOINT_PAUSE_MS = 250;

/**
 * Feeds the sagas from the event store, starting where the last process stopped. The checkpoint moves
 * only over events whose commands have completed: a crash repeats some, and loses none. Of several
 * workers one feeds at a time; the others stand by.
 */
export class SagaFeed {
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private state: Exclude<SagaFeedStatus['state'], 'paused'> = 'stopped';
  private position: LogPosition | undefined;
  /** Id of each event in flight, and when it was recorded. */
  private readonly underWay = new Map<string, Date>();
  private lastError: SagaFeedStatus['lastError'];
  /** Events of which the checkpoint does not know yet, in the order of the log. */
  private received: HandledEvent[] = [];

  constructor(private readonly options: SagaFeedOptions) {}

  /** For health checks and metrics. */
  get status(): SagaFeedStatus {
    const { position, underWay, lastError } = this;
    const isFeeding = this.state === 'running' || this.state === 'faulted';
    const state = isFeeding && this.options.gate?.isClosed ? 'paused' : this.state;
    return { state, position, inFlight: underWay.size, lagMs: this.lagMs(), lastError };
  }

  /** To be called after the sagas are registered: earlier events would find no saga. */
  start(): void {
    const { name, database, log } = this.options;
    this.running ??= whileLeader({
      database,
      name,
      signal: this.stopping.signal,
      lead: (signal) => this.feed(signal),
      observer: {
        onStandby: () => (this.state = 'standby'),
        onElected: () => log.info('this worker feeds the sagas'),
        onLeadershipFault: (error, retryInMs) => this.onFault(error, retryInMs),
      },
    });
  }

  /** Finishes the commands under way and saves the checkpoint. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    this.underWay.clear();
    this.state = 'stopped';
  }

  private async feed(signal: AbortSignal): Promise<void> {
    const { name, streamNamePrefixes, store, database, windowSize } = this.options;
    await takeBackToLastEvent(database, name);
    const onFault = (error: unknown, retryInMs: number) => this.onFault(error, retryInMs);
    await runSubscription({
      name,
      store,
      streamNamePrefixes,
      readCheckpoint: async () => {
        await checkLog(store, database, name);
        const checkpoint = await readCheckpoint(database, name);
        this.received = [];
        this.position = checkpoint === 'start' ? undefined : checkpoint;
        this.underWay.clear();
        this.state = 'running';
        return checkpoint;
      },
      consume: consumeInWindow({
        windowSize,
        checkpointPauseMs: CHECKPOINT_PAUSE_MS,
        signal,
        onFault,
        handle: (event, ended) => this.act(event, ended),
        saveCheckpoint: async (position) => {
          await saveCheckpoint(database, name, position, this.lastEventUpTo(position));
          this.received = this.received.filter((event) => event.position > position);
          this.position = position;
          // Without events in flight only the saving itself had failed.
          if (this.underWay.size === 0) this.state = 'running';
        },
      }),
      signal,
      onFault,
    });
  }

  private lastEventUpTo(position: LogPosition): HandledEvent | undefined {
    return this.received.findLast((event) => event.position <= position);
  }

  private async act(recorded: RecordedEvent, signal: AbortSignal): Promise<void> {
    const { events, codec, eventBus, gate } = this.options;
    this.receive(recorded);
    if (!Object.hasOwn(events, recorded.type)) return;
    this.underWay.set(recorded.id, recorded.recordedAt);
    const leave = await gate?.enter(signal);
    try {
      const [event] = await codec.decode([recorded]);
      const Fact = events[recorded.type as AccountEventType];
      if (event && Fact) {
        const { streamName, id, metadata } = recorded;
        const accountId = accountIdOfStream(streamName);
        await eventBus.dispatch(
          new Fact(accountId, event.data as never, id, metadata.$correlationId),
        );
      }
    } catch (error) {
      if (!(await this.options.quarantine?.(recorded, error))) throw error;
    } finally {
      leave?.();
    }
    this.underWay.delete(recorded.id);
    this.state = 'running';
  }

  /** Again with every try. */
  private receive({ id, streamName, revision, position }: RecordedEvent): void {
    const newest = this.received.at(-1);
    if (newest !== undefined && newest.position >= position) return;
    this.received.push({ id, streamName, revision, position });
  }

  private lagMs(): number {
    const oldest = Math.min(...[...this.underWay.values()].map((at) => at.getTime()));
    return Math.max(0, Date.now() - oldest);
  }

  private onFault(error: unknown, retryInMs: number): void {
    this.state = 'faulted';
    const message = error instanceof Error ? error.message : String(error);
    this.lastError = { message, at: new Date() };
    this.options.log.warn({ err: error, retryInMs }, 'a saga cannot get on for now');
  }
}
