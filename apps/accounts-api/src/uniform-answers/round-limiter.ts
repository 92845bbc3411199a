/**
 * Lets through so many callers in each round of the event loop. Many callers at the same moment would
 * otherwise run in one go and hold up all others.
 */
export class RoundLimiter {
  private readonly waiting: (() => void)[] = [];
  private passed = 0;
  private isCounting = false;

  /** @param mostInARound callers that the event loop can bear at a time */
  constructor(private readonly mostInARound: number) {}

  /** Resolves at once, or in the order of the calls as soon as there is room in a round. */
  pass(): Promise<void> {
    this.count();
    if (this.passed >= this.mostInARound) {
      return new Promise((resolve) => this.waiting.push(resolve));
    }
    this.passed += 1;
    return Promise.resolve();
  }

  private count(): void {
    if (this.isCounting) return;
    this.isCounting = true;
    setImmediate(() => this.beginRound());
  }

  private beginRound(): void {
    this.isCounting = false;
    this.passed = 0;
    for (const letThrough of this.waiting.splice(0, this.mostInARound)) {
      this.passed += 1;
      letThrough();
    }
    if (this.passed > 0) this.count();
  }
}
