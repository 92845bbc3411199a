import type { EventReader, LogPosition, RecordedEvent, StreamRevision } from '@app/event-store';
import type { NamedStatement, Queryable } from '@app/postgres';

/** A fact with its place in the log, which is all that a projection may build rows from. */
export interface ProjectedEvent<Event> {
  readonly streamName: string;
  readonly revision: StreamRevision;
  readonly position: LogPosition;
  readonly event: Event;
}

/**
 * Turns facts into rows of one table, many at once or few. It can write to another table of the same shape, so that
 * the rows can be built anew aside.
 */
export interface Projection<Event> {
  /** Fixed name: the consumer whose checkpoint says how far the rows have come. */
  readonly name: string;
  readonly streamNamePrefixes: readonly [string, ...string[]];
  /** Name of the table inside its schema. */
  readonly table: string;
  /** Events of other types change no row, and are not read. */
  readonly eventTypes: ReadonlySet<string>;
  /**
   * Writes what the facts change. Writing the same facts again must change nothing.
   *
   * @param table the table to write to, with its schema
   * @param events in the order of the log
   * @param isLate the facts were set aside before: the table shows later facts of other streams. They come once
   * @throws when a fact cannot be projected
   */
  write(
    transaction: Queryable,
    table: string,
    events: readonly ProjectedEvent<Event>[],
    isLate?: boolean,
  ): Promise<void>;
  /**
   * What `write` does as a single statement, where nothing has to be read first; undefined where that takes more. It
   * writes only if the query `moved`, which its caller puts before it, has a row.
   */
  singleWrite?(table: string, events: readonly ProjectedEvent<Event>[]): NamedStatement | undefined;
}

/**
 * Those of the events that may change a row, as facts with their places. Events of other types are not read.
 *
 * @throws what the codec throws, also for an event of a type or version that this program does not know
 */
export async function factsOf<Event>(
  codec: EventReader<Event>,
  projection: Projection<Event>,
  events: readonly RecordedEvent[],
): Promise<ProjectedEvent<Event>[]> {
  for (const event of events) codec.assertKnown(event);
  const wanted = events.filter(({ type }) => projection.eventTypes.has(type));
  if (wanted.length === 0) return [];
  const facts = await codec.decode(wanted);
  return wanted.map(({ streamName, revision, position }, index) => {
    const event = facts[index];
    if (event === undefined) throw new Error('the codec left out an event');
    return { streamName, revision, position, event };
  });
}

/** Where the rows are that everybody reads. */
export function liveTable({ table }: Pick<Projection<never>, 'table'>): string {
  return `read_model.${table}`;
}
