import { linkAfter, linkOf } from '../event-chain.js';
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
  let expected: ExpectedRevision = 'no-stream';
  let chain = '';
  for await (const event of store.readStream(streamName)) {
    expected = event.revision;
    chain = linkAfter(chain, event);
  }
  let revision = expected === 'no-stream' ? -1n : expected;
  const [first, ...rest] = events.map((event) => {
    revision += 1n;
    chain = linkOf(chain, { ...event, streamName, revision });
    return isLinked(event) ? { ...event, metadata: { ...event.metadata, chain } } : event;
  });
  if (first === undefined) throw new Error('nothing to append');
  return store.append(streamName, expected, [first, ...rest]);
}
