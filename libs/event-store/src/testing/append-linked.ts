import { linkAfter, linked } from '../event-chain.js';
import type { AppendResult, EventStore, ExpectedRevision, NewEvent } from '../event-store.js';

/**
 * Adds events to the end of a stream, each with its link to the one before, as every appender of the product does.
 *
 * @param isLinked whether the event keeps its link; those after it are linked as if it did
 */
export async function appendLinked(
  store: Pick<EventStore, 'append' | 'readStream'>,
  streamName: string,
  events: readonly NewEvent[],
  isLinked: (event: NewEvent) => boolean = () => true,
): Promise<AppendResult> {
  let revision: ExpectedRevision = 'no-stream';
  let head = '';
  for await (const event of store.readStream(streamName)) {
    revision = event.revision;
    head = linkAfter(head, event);
  }
  const links = linked(streamName, { revision, head }, events);
  const [first, ...rest] = events.map((event, index) =>
    isLinked(event) ? (links[index] ?? event) : event,
  );
  if (first === undefined) throw new Error('nothing to append');
  return store.append(streamName, revision, [first, ...rest]);
}
