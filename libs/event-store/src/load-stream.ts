import { setImmediate as nextRound } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { linkAfter } from './event-chain.js';
import type { EventCodec, NewestEvents } from './event-codec.js';
import type { EventStore, ExpectedRevision, RecordedEvent } from './event-store.js';

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
  /** States of long streams, so that a command on one of them costs about what it costs on a short one. */
  readonly snapshots?: StreamSnapshots<State>;
}

/** A stream as it was read, for a decision about it that is made later. Its size does not grow with the stream. */
export interface LoadedStream<State> {
  readonly state: State;
  readonly revision: ExpectedRevision;
  /** Link of the last event in the stream's chain; empty for a stream that does not exist. */
  readonly head: string;
  readonly newest: NewestEvents;
}

/**
 * Port: what a stream looked like at some revision. A cache beside the log: one that is lost, or cannot be read, costs
 * time and nothing else.
 */
export interface StreamSnapshots<State> {
  /** The stream as it was kept; undefined where that is not there or cannot be used. Never rejects. */
  find(streamName: string): Promise<LoadedStream<State> | undefined>;
  /** Keeps it in place of what was kept before. Resolves as well when that was not possible. */
  keep(streamName: string, loaded: LoadedStream<State>): Promise<void>;
}

/** Events that are decoded together, and held in memory, while a stream is folded. */
const FOLD_CHUNK = 256;
/** No snapshot is looked for, or kept, of streams with fewer events. */
export const SHORT_STREAM = 256;
/** So many events behind its snapshot a stream gets another one. */
export const EVENTS_BETWEEN_SNAPSHOTS = 32;
/** Names of long streams that a process remembers: it reads the beginning of no other one twice. */
const MOST_LONG_STREAMS = 10_000;

/**
 * The current state of a stream, folded from its events: all of them, or those that came after a snapshot. Holds few
 * of them at a time and lets other calls of the process go on in between: a long stream must not block the process.
 *
 * @throws EventStoreUnavailable, UnknownEvent
 */
export async function loadStream<Command, Event, State>(
  behaviour: StreamBehaviour<Command, Event, State>,
  streamName: string,
): Promise<LoadedStream<State>> {
  const { store, snapshots } = behaviour;
  const empty = emptyStream(behaviour);
  if (!snapshots) return foldOnto(behaviour, empty, store.readStream(streamName));
  const long = longStreamsOf(behaviour);
  let begun = empty;
  if (!long.has(streamName)) {
    const first = store.readStream(streamName, { maxCount: SHORT_STREAM });
    begun = await foldOnto(behaviour, empty, first);
    if (lengthOf(begun) < SHORT_STREAM) return begun;
    long.set(streamName, true);
  }
  const snapshot = await snapshots.find(streamName);
  const onSnapshot = snapshot && (await foldOntoSnapshot(behaviour, streamName, snapshot));
  const rest = { fromRevision: BigInt(lengthOf(begun)) };
  const loaded =
    onSnapshot ?? (await foldOnto(behaviour, begun, store.readStream(streamName, rest)));
  const keptUpTo = onSnapshot && snapshot ? lengthOf(snapshot) : 0;
  const isDue = lengthOf(loaded) >= keptUpTo + EVENTS_BETWEEN_SNAPSHOTS;
  if (isDue && endsWithItsHead(loaded)) await snapshots.keep(streamName, loaded);
  return loaded;
}

/** By its last link a snapshot is known to be of this log; events from before there were links have none. */
function endsWithItsHead({ newest, revision, head }: LoadedStream<unknown>): boolean {
  const last = [...newest.values()].find((event) => event.revision === revision);
  return last?.metadata.chain === head;
}

const longStreams = new WeakMap<object, LRUCache<string, true>>();

function longStreamsOf(behaviour: object): LRUCache<string, true> {
  const known = longStreams.get(behaviour);
  if (known) return known;
  const made = new LRUCache<string, true>({ max: MOST_LONG_STREAMS });
  longStreams.set(behaviour, made);
  return made;
}

function lengthOf({ revision }: LoadedStream<unknown>): number {
  return revision === 'no-stream' ? 0 : Number(revision) + 1;
}

/**
 * Undefined when the snapshot is of another log, such as one before it was restored from a copy: its last event is not
 * there, or follows other events.
 */
async function foldOntoSnapshot<Command, Event, State>(
  behaviour: StreamBehaviour<Command, Event, State>,
  streamName: string,
  snapshot: LoadedStream<State>,
): Promise<LoadedStream<State> | undefined> {
  const { revision, head } = snapshot;
  if (revision === 'no-stream') return undefined;
  const events = behaviour.store
    .readStream(streamName, { fromRevision: revision })
    [Symbol.asyncIterator]();
  const last = await events.next();
  const fits = !last.done && last.value.revision === revision && last.value.metadata.chain === head;
  if (fits) return foldOnto(behaviour, snapshot, { [Symbol.asyncIterator]: () => events });
  await events.return?.();
  return undefined;
}

/** The state of a stream of which all events are at hand, as `loadStream` answers it. @throws UnknownEvent */
export function foldStream<Command, Event, State>(
  behaviour: StreamBehaviour<Command, Event, State>,
  events: readonly RecordedEvent[],
): Promise<LoadedStream<State>> {
  return foldOnto(behaviour, emptyStream(behaviour), events);
}

/** A stream that does not exist, as `loadStream` answers it. */
export function emptyStream<Command, Event, State>({
  decider,
}: StreamBehaviour<Command, Event, State>): LoadedStream<State> {
  return { state: decider.initialState, revision: 'no-stream', head: '', newest: new Map() };
}

async function foldOnto<Command, Event, State>(
  { codec, decider }: StreamBehaviour<Command, Event, State>,
  before: LoadedStream<State>,
  events: AsyncIterable<RecordedEvent> | Iterable<RecordedEvent>,
): Promise<LoadedStream<State>> {
  let { state, revision, head } = before;
  const newest = new Map(before.newest);
  let chunk: RecordedEvent[] = [];
  const foldChunk = async () => {
    for (const event of await codec.decode(chunk)) state = decider.evolve(state, event);
    chunk = [];
  };
  for await (const event of events) {
    revision = event.revision;
    head = linkAfter(head, event);
    newest.set(event.type, event);
    chunk.push(event);
    if (chunk.length < FOLD_CHUNK) continue;
    await foldChunk();
    await nextRound();
  }
  await foldChunk();
  return { state, revision, head, newest };
}
