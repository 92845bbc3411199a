/** What a catch-up subscription delivers, one step at a time. */
export interface EventSource {
  /**
   * The next message; `searching` when many events were passed over and others should have a turn;
   * `up-to-date` when there is nothing more at this moment.
   *
   * @throws RpcError when the subscription cannot go on
   */
  next(): Buffer | 'searching' | 'up-to-date';
  /** A checkpoint for the events that were passed over since the last message, if there were any. */
  checkpoint(): Buffer | undefined;
  /** Whether more than `count` messages are waiting. */
  isBehindBy(count: number): boolean;
}
