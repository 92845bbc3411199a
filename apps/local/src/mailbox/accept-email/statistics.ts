/** What became of the requests to send, since the process started or since the counters were last reset. */
export class Statistics {
  /** Messages kept for the first time. */
  accepted = 0;
  /** Requests answered from an earlier one with the same idempotency key. */
  deduplicated = 0;
  /** Requests refused by the contract: key, body, idempotency key. */
  refused = 0;
  /** Requests that a fault switch made fail or hang; nothing was kept for them. */
  failed = 0;

  reset(): void {
    this.accepted = 0;
    this.deduplicated = 0;
    this.refused = 0;
    this.failed = 0;
  }
}
