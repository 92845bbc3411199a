interface Waiting<Asked, Answer> {
  readonly asked: Asked;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** A statement does not grow beyond what is answered in a moment. */
const MOST_IN_A_BATCH = 50;

/**
 * Lets calls that come at the same time share statements: while one is under way, callers wait, and go together with the
 * next one. A caller that is alone waits for nothing, and the busier the process, the fewer statements a call costs.
 */
export class Batcher<Asked, Answer> {
  private readonly waiting: Waiting<Asked, Answer>[] = [];
  private underWay = 0;

  /**
   * @param answerAll one answer for each, in the same order; when it fails, it fails for all
   * @param atOnce so many batches go at a time: a statement that hangs holds up only those that went with it
   */
  constructor(
    private readonly answerAll: (asked: readonly Asked[]) => Promise<readonly Answer[]>,
    private readonly atOnce = 2,
  ) {}

  /** @throws what `answerAll` throws */
  ask(asked: Asked): Promise<Answer> {
    const answer = new Promise<Answer>((resolve, reject) => {
      this.waiting.push({ asked, resolve, reject });
    });
    void this.sendNext();
    return answer;
  }

  private async sendNext(): Promise<void> {
    if (this.underWay === this.atOnce || this.waiting.length === 0) return;
    this.underWay += 1;
    const batch = this.waiting.splice(0, MOST_IN_A_BATCH);
    try {
      const answers = await this.answerAll(batch.map(({ asked }) => asked));
      batch.forEach(({ resolve }, index) => resolve(answers[index] as Answer));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    this.underWay -= 1;
    void this.sendNext();
  }
}
