import type { EventRecord } from '../log/event-record.js';

export type SourceStep =
  | { readonly kind: 'event'; readonly event: EventRecord }
  /** Nothing was passed over up to this position that a subscriber would have to see. */
  | { readonly kind: 'checkpoint'; readonly position: number }
  /** Many events were passed over: others should have a turn. */
  | { readonly kind: 'searching' }
  /** There is nothing more at this moment. */
  | { readonly kind: 'up-to-date' };

export const SEARCHING: SourceStep = { kind: 'searching' };
export const UP_TO_DATE: SourceStep = { kind: 'up-to-date' };

/** What a subscription delivers, one step at a time. */
export interface EventSource {
  /** @throws RpcError when the subscription cannot go on */
  next(): SourceStep;
  /** Position up to which events were passed over since the last checkpoint, if there were any. */
  checkpoint(): number | bigint | undefined;
  /** Whether more than `count` events are waiting. */
  isBehindBy(count: number): boolean;
}
