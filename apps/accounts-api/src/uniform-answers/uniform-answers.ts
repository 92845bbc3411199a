/**
 * Makes work whose length depends on a secret take equally long: it ends at the beat of a clock that starts
 * with it, never in between. Work that fits into one beat tells nothing at all by its duration.
 */
export class UniformAnswers {
  /** @param beatMs longer than the work usually takes, in milliseconds; 0 for no waiting */
  constructor(private readonly beatMs: number) {}

  /**
   * Resolves as `work` does, at the first beat after it has ended; rejects as it does, likewise.
   *
   * @param tells whether this result has anything to hide; the others are not waited for
   */
  async atTheBeat<Result>(
    work: () => Promise<Result>,
    tells: (result: Result) => boolean = () => true,
  ): Promise<Result> {
    if (this.beatMs === 0) return work();
    // Set going before the work begins: the moment of a beat cannot depend on the work.
    const clock = new Beats(this.beatMs);
    try {
      const result = await work().catch(async (error: unknown) => {
        await clock.next();
        throw error;
      });
      if (tells(result)) await clock.next();
      return result;
    } finally {
      clock.stop();
    }
  }
}

class Beats {
  private readonly timer: NodeJS.Timeout;
  private onBeat: () => void = () => undefined;

  constructor(beatMs: number) {
    this.timer = setInterval(() => this.onBeat(), beatMs);
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.onBeat = resolve;
    });
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
