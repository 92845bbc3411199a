import type { LogPosition, RecordedEvent, StreamRevision } from '@app/event-store';
import type { Queryable, Statement } from './database.js';

/** A fact with its place in the log, which is all that a projection may build rows from. */
export interface ProjectedEvent<Event> {
  readonly streamName: string;
  readonly revision: StreamRevision;
  readonly position: LogPosition;
  readonly event: Event;
}

/** Turns facts into rows. */
export interface Projection<Event> {
  /** Fixed name: the consumer whose checkpoint says how far the rows have come. */
  readonly name: string;
  readonly streamNamePrefixes: readonly [string, ...string[]];
  /**
   * What the fact changes, or `undefined` for nothing. Executing the statement again must change
   * nothing.
   *
   * @throws when the fact cannot be projected; the projection stops at it
   */
  project(event: ProjectedEvent<Event>): Statement | undefined;
}

/**
 * Turns many facts into rows of one table at once, in as few statements as there are kinds of change. It
 * can write to another table of the same shape, so that the rows can be built anew aside.
 */
export interface BatchProjection<Event> {
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
  projection: Projection<Event> | BatchProjection<Event>,
  { type }: Pick<RecordedEvent, 'type'>,
): boolean {
  const eventTypes = 'eventTypes' in projection ? projection.eventTypes : undefined;
  return eventTypes?.has(type) ?? true;
}

/** Where the rows are that everybody reads. */
export function liveTable({ table }: Pick<BatchProjection<never>, 'table'>): string {
  return `read_model.${table}`;
}
