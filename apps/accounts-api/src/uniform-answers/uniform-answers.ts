/**
 * Makes work whose length depends on a secret take equally long: it ends at the beat of a clock that starts
 * with it, never in between. Work that fits into one beat tells nothing at all by its duration.
 */
export class UniformAnswers {
  /** @param beatMs longer than the work usually takes, in milliseconds; 0 for no waiting */
  constructor(private readonly beatMs: number) {}

  /** Resolves or rejects as `work` does, at the first beat after it has ended. */
  async atTheBeat<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.beatMs === 0) return work();
    // Armed before the work begins: the moment it goes off cannot depend on the work.
    let beat = pause(this.beatMs);
    let hasEnded = false;
    const result = work().finally(() => {
      hasEnded = true;
    });
    // Reported below; without this a rejection would count as unhandled until the beat.
    result.catch(() => undefined);
    for (;;) {
      await beat;
      if (hasEnded) return result;
      beat = pause(this.beatMs);
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
