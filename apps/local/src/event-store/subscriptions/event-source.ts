/** A place of the log as the protocol names it. A prepare of 0 stands before the event at the commit. */
export interface Position {
  readonly commit: number | bigint;
  readonly prepare: number | bigint;
}

export type SourceStep =
  | { readonly kind: 'event'; readonly number: number }
  /** Nothing was passed over up to this position that a subscriber would have to see. */
  | { readonly kind: 'checkpoint'; readonly position: Position }
  /** Many events were passed over: others should have a turn. */
  | { readonly kind: 'searching' };

/** What a subscription delivers. */
export interface EventSource {
  /**
   * From what was sent last to the end of the log.
   *
   * @throws RpcError when the subscription cannot go on
   */
  history(): Iterable<SourceStep>;
  /** Whether the subscription can be caught up at all. */
  isThere(): boolean;
  /** What one new event means. */
  live(eventNumber: number): Iterable<SourceStep>;
  /** The step as a message, which is about to be sent; undefined for one that the subscriber has had already. */
  messageOf(step: SourceStep): Buffer | undefined;
  /** Steps before a subscriber that did not keep up reads from the log again. */
  fallBehind(): Iterable<SourceStep>;
}
