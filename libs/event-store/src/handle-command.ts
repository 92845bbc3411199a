import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { headOf, linkOf } from './event-chain.js';
import type { EventCodec } from './event-codec.js';
import { WrongExpectedRevision } from './event-store.js';
import type {
  EventMetadata,
  EventStore,
  ExpectedRevision,
  LogPosition,
  NewEvent,
  RecordedEvent,
  RequestClient,
} from './event-store.js';

/** The three pure functions that make up the behaviour of one kind of stream. */
export interface Decider<Command, Event, State> {
  readonly initialState: State;
  /** The facts that follow from the command; throws the rule that forbids it. */
  decide(command: Command, state: State): readonly Event[];
  evolve(state: State, event: Event): State;
}

/** Where decisions about one kind of stream are stored and how they are read. */
export interface StreamBehaviour<Command, Event, State> {
  readonly store: EventStore;
  readonly codec: EventCodec<Event>;
  readonly decider: Decider<Command, Event, State>;
}

/** Who asks, from where and as part of what; becomes the metadata of every event appended. */
export interface CommandContext extends Omit<EventMetadata, 'schemaVersion' | 'chain' | 'client'> {
  readonly client?: RequestClient | undefined;
}

export interface Decision<Event, State> {
  /** The facts that were appended; empty when the command changed nothing. */
  readonly events: readonly Event[];
  /** The state after those facts. */
  readonly state: State;
  /** Position of the last fact of this decision, or undefined when nothing was appended. */
  readonly position: LogPosition | undefined;
}

export interface StreamState<State> {
  readonly state: State;
  readonly revision: ExpectedRevision;
}

/** Other writers were faster at every attempt. Nothing was appended; asking again is safe. */
export class TooMuchContention extends Error {
  constructor(streamName: string, attempts: number) {
    super(`stream ${streamName} changed under each of ${attempts} attempts`);
    this.name = 'TooMuchContention';
  }
}

const MAX_ATTEMPTS = 30;
const LONGEST_PAUSE_MS = 50;

/**
 * Loads the stream, lets the decider decide, and appends at exactly the revision that was read. When
 * somebody else appended meanwhile, loads and decides again.
 *
 * @param toCommand builds the command, given the state it will be decided against: what a command
 *   derives from a secret depends on what the stream says
 * @throws whatever `decide` throws (nothing is appended then), TooMuchContention, EventStoreUnavailable
 *   (the outcome is unknown), UnknownEvent
 */
export async function handleCommand<Command, Event, State>(
  behaviour: StreamBehaviour<Command, Event, State>,
  streamName: string,
  toCommand: (state: State) => Command,
  context: CommandContext,
): Promise<Decision<Event, State>> {
  const { store, codec, decider } = behaviour;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const { state, revision, recorded } = await loadHistory(behaviour, streamName);
    const events = decider.decide(toCommand(state), state);
    const newEvents = linked(
      streamName,
      recorded,
      await toNewEvents(codec, streamName, { recorded, events }, context),
    );
    if (!isNotEmpty(newEvents)) return { events, state, position: undefined };
    try {
      const { position } = await store.append(streamName, revision, newEvents);
      return { events, state: events.reduce(decider.evolve, state), position };
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error;
      // Rivals that lost together would meet again without the jitter.
      await pause(Math.random() * Math.min(LONGEST_PAUSE_MS, 2 * attempt));
    }
  }
  throw new TooMuchContention(streamName, MAX_ATTEMPTS);
}

/**
 * The current state of a stream, folded from all its events.
 *
 * @throws EventStoreUnavailable, UnknownEvent
 */
export async function loadStream<Command, Event, State>(
  behaviour: StreamBehaviour<Command, Event, State>,
  streamName: string,
): Promise<StreamState<State>> {
  const { state, revision } = await loadHistory(behaviour, streamName);
  return { state, revision };
}

async function loadHistory<Command, Event, State>(
  { store, codec, decider }: StreamBehaviour<Command, Event, State>,
  streamName: string,
): Promise<StreamState<State> & { readonly recorded: readonly RecordedEvent[] }> {
  const recorded: RecordedEvent[] = [];
  for await (const event of store.readStream(streamName)) recorded.push(event);
  const events = await codec.decode(recorded);
  return {
    state: events.reduce(decider.evolve, decider.initialState),
    revision: recorded.at(-1)?.revision ?? 'no-stream',
    recorded,
  };
}

async function toNewEvents<Event>(
  codec: EventCodec<Event>,
  streamName: string,
  { recorded, events }: { recorded: readonly RecordedEvent[]; events: readonly Event[] },
  { client: requestClient, ...context }: CommandContext,
): Promise<readonly NewEvent[]> {
  if (events.length === 0) return [];
  const stored = await codec.encode(streamName, events, {
    history: recorded,
    client: requestClient,
  });
  return stored.map(({ type, schemaVersion, data, client }) => ({
    id: randomUUID(),
    type,
    data,
    metadata: { schemaVersion, ...context, ...(client !== undefined && { client }) },
  }));
}

/** Each event with its link to the one before. */
function linked(
  streamName: string,
  recorded: readonly RecordedEvent[],
  events: readonly NewEvent[],
): readonly NewEvent[] {
  if (events.length === 0) return [];
  let revision = recorded.at(-1)?.revision ?? -1n;
  let chain = headOf(recorded);
  return events.map((event) => {
    revision += 1n;
    chain = linkOf(chain, { ...event, streamName, revision });
    return { ...event, metadata: { ...event.metadata, chain } };
  });
}

function isNotEmpty<T>(items: readonly T[]): items is readonly [T, ...T[]] {
  return items.length > 0;
}
