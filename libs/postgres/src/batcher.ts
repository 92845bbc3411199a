interface Waiting<Asked, Answer> {
  readonly asked: Asked;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** A statement does not grow beyond what is answered in a moment. */
const MOST_IN_A_BATCH = 50;

/**
 * Lets calls that come at the same time share statements: those of one turn of the event loop go together, and while a
 * statement is under way, callers wait and go with the next one. A caller that is alone waits for nothing but the end of that
 * turn, and the busier the process, the fewer statements a call costs.
 */
export class Batcher<Asked, Answer> {
  private readonly waiting: Waiting<Asked, Answer>[] = [];
  private underWay = 0;
  private isDue = false;

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
    this.sendSoon();
    return answer;
  }

  private sendSoon(): void {
    if (this.isDue) return;
    this.isDue = true;
    setImmediate(() => {
      this.isDue = false;
      while (this.underWay < this.atOnce && this.waiting.length > 0) {
        void this.send(this.waiting.splice(0, MOST_IN_A_BATCH));
      }
    });
  }

  private async send(batch: readonly Waiting<Asked, Answer>[]): Promise<void> {
    this.underWay += 1;
    try {
      const answers = await this.answerAll(batch.map(({ asked }) => asked));
      batch.forEach(({ resolve }, index) => resolve(answers[index] as Answer));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    this.underWay -= 1;
    this.sendSoon();
  }
}
