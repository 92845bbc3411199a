import { hash } from 'node:crypto';
import type {
  EventMetadata,
  ExpectedRevision,
  NewEvent,
  RecordedEvent,
  StreamRevision,
} from './event-store.js';

/** What an event's link in the chain is made of. */
export interface ChainedEvent extends Pick<NewEvent, 'id' | 'type' | 'data'> {
  readonly streamName: string;
  readonly revision: StreamRevision;
  readonly metadata: Omit<EventMetadata, 'chain' | 'traceparent'>;
}

/** What a walk along a stream found. */
export interface ChainVerdict {
  readonly streamName: string;
  /** How many events were read. */
  readonly events: number;
  /** Link of the last event; undefined for an empty stream, and for a broken one. */
  readonly head: string | undefined;
  /** The first event that is not what was appended there; undefined when the chain is whole. */
  readonly broken: { readonly revision: StreamRevision; readonly reason: ChainFault } | undefined;
}

/** `revision-missing`: a gap, or events out of order. `link-missing`: every appender writes one. */
export type ChainFault = 'revision-missing' | 'link-missing' | 'link-differs';

/**
 * The event's link: SHA-256, lower-case hexadecimal, over the link before (empty for the first event of a
 * stream), a line end, and the event as canonical JSON. Canonical: an array of stream name, revision as text,
 * id, type, data, the metadata's version, two ids and actor, and its client where there is one, with the
 * members of every object sorted by name. That survives the store, which keeps JSON's values and not its bytes.
 */
export function linkOf(previous: string, event: ChainedEvent): string {
  const { streamName, revision, id, type, data, metadata } = event;
  const { schemaVersion, $correlationId, $causationId, actor, client } = metadata;
  const why = [schemaVersion, $correlationId, $causationId, actor];
  const values = [streamName, String(revision), id, type, data, ...why];
  const text = JSON.stringify(client === undefined ? values : [...values, client], sorted);
  return hash('sha256', `${previous}\n${text}`, 'hex');
}

/**
 * Each event with its link to the one before.
 *
 * @param before where the stream ends; its head is empty for one that does not exist
 */
export function linked(
  streamName: string,
  before: { readonly revision: ExpectedRevision; readonly head: string },
  events: readonly NewEvent[],
): readonly NewEvent[] {
  let revision = before.revision === 'no-stream' ? -1n : before.revision;
  let chain = before.head;
  return events.map((event) => {
    revision += 1n;
    chain = linkOf(chain, { ...event, streamName, revision });
    return { ...event, metadata: { ...event.metadata, chain } };
  });
}

/**
 * The link that the event after this one follows. An event without one of its own is a finding of every verification;
 * a computed one keeps commands on its stream possible.
 *
 * @param previous what this answered for the event before; empty for the first event of a stream
 */
export function linkAfter(previous: string, event: RecordedEvent): string {
  return event.metadata.chain ?? linkOf(previous, event);
}

/**
 * Walks a whole stream and finds the first event that was changed, removed, moved or slipped in. What was cut
 * off its end, or a stream that was rewritten with all its links, shows only beside an earlier head.
 *
 * @param events of one stream, from its first on
 * @throws EventStoreUnavailable
 */
export async function verifyChain(
  streamName: string,
  events: AsyncIterable<RecordedEvent>,
): Promise<ChainVerdict> {
  const walk = new ChainWalk(streamName);
  for await (const event of events) walk.add(event);
  return walk.verdict;
}

/** One stream, followed event by event from its first on. */
export class ChainWalk {
  private events = 0;
  private head: string | undefined;
  private broken: ChainVerdict['broken'];

  constructor(private readonly streamName: string) {}

  get verdict(): ChainVerdict {
    const { streamName, events, broken } = this;
    return { streamName, events, head: broken ? undefined : this.head, broken };
  }

  add(event: RecordedEvent): void {
    const revision = BigInt(this.events);
    this.events += 1;
    if (this.broken) return;
    const link = linkOf(this.head ?? '', { ...event, streamName: this.streamName });
    const { chain } = event.metadata;
    const reason = faultOf(event.revision === revision, chain, link);
    if (reason) this.broken = { revision, reason };
    this.head = link;
  }
}

function faultOf(
  isNext: boolean,
  stored: string | undefined,
  link: string,
): ChainFault | undefined {
  if (!isNext) return 'revision-missing';
  if (stored === undefined) return 'link-missing';
  return stored === link ? undefined : 'link-differs';
}

/** For JSON.stringify: the members of an object in the order of their names. */
function sorted(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}
