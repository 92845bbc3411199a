import type { LogPosition, StreamRevision } from '@app/event-store';
import type { Statement } from './database.js';

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
