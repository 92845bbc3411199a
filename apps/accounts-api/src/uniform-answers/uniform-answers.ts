import { RoundLimiter } from './round-limiter.js';

/** Pieces of work that begin, and answers that leave, in one round of the event loop. */
const MOST_IN_A_ROUND = 8;

/**
 * Makes work whose length depends on a secret take equally long: it ends at the beat of a clock that starts
 * with it, never in between. The duration of work that fits into one beat reveals nothing. Calls of the
 * same moment have their beats at the same moment, too: they begin and are answered a few at a time.
 */
export class UniformAnswers {
  private readonly roundLimiter = new RoundLimiter(MOST_IN_A_ROUND);

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
    await this.roundLimiter.pass();
    if (this.beatMs === 0) return work();
    // Set going before the work begins: the moment of a beat cannot depend on the work.
    const clock = new Ticker(this.beatMs);
    try {
      const result = await work().catch(async (error: unknown) => {
        await this.next(clock);
        throw error;
      });
      if (tells(result)) await this.next(clock);
      return result;
    } finally {
      clock.stop();
    }
  }

  private async next(clock: Ticker): Promise<void> {
    await clock.next();
    await this.roundLimiter.pass();
  }
}

class Ticker {
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
