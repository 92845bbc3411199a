import type { EventRecord } from '../log/event-record.js';

/** What can be read of a stream at this moment. */
export type StreamWindow =
  | { readonly kind: 'missing' }
  | { readonly kind: 'tombstoned' }
  | {
      readonly kind: 'readable';
      /** Lowest revision that may be shown; above `last` when all events are truncated. */
      readonly first: number;
      /** Highest revision that is durable. */
      readonly last: number;
      /** Unix milliseconds; events recorded before are not shown. */
      readonly notBefore: number;
      recordAt(revision: number): EventRecord;
    };

/** An event to deliver: what was asked for, or the target of a link together with the link. */
export interface ResolvedEvent {
  /** Undefined when the target of a link is gone. */
  readonly event: EventRecord | undefined;
  readonly link?: EventRecord | undefined;
  /** Position in the log; that of the link, when there is one. */
  readonly position: number;
}

export const LINK_TYPE = Buffer.from('$>');
