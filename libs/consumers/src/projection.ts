import type { EventCodec, LogPosition, RecordedEvent, StreamRevision } from '@app/event-store';
import type { Queryable } from '@app/postgres';

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
  /** Events of other types change no row; any may when left out. */
  readonly eventTypes?: ReadonlySet<string>;
  /**
   * Writes what the facts change. Writing the same facts again must change nothing.
   *
   * @param table the table to write to, with its schema
   * @param events in the order of the log
   * @throws when a fact cannot be projected
   */
  write(
    transaction: Queryable,
    table: string,
    events: readonly ProjectedEvent<Event>[],
  ): Promise<void>;
}

/** Whether an event of this type may change a row. */
export function concerns<Event>(
  { eventTypes }: Projection<Event>,
  { type }: Pick<RecordedEvent, 'type'>,
): boolean {
  return eventTypes?.has(type) ?? true;
}

/**
 * The events as facts with their places.
 *
 * @throws what the codec throws
 */
export async function factsOf<Event>(
  codec: Pick<EventCodec<Event>, 'decode'>,
  events: readonly RecordedEvent[],
): Promise<ProjectedEvent<Event>[]> {
  if (events.length === 0) return [];
  const facts = await codec.decode(events);
  return events.map(({ streamName, revision, position }, index) => {
    const event = facts[index];
    if (event === undefined) throw new Error('the codec left out an event');
    return { streamName, revision, position, event };
  });
}

/** Where the rows are that everybody reads. */
export function liveTable({ table }: Pick<Projection<never>, 'table'>): string {
  return `read_model.${table}`;
}
