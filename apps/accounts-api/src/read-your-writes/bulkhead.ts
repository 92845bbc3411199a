/** Places to wait in: so many in all, and no more than a share of them for one visitor. */
export class Bulkhead {
  private taken = 0;
  private readonly takenBy = new Map<string, number>();

  constructor(
    private readonly most: number,
    private readonly mostOfOne: number,
  ) {}

  /** Runs `wait` in a place of the visitor's, or `turnAway` where there is none. */
  async holdWhile<Result>(
    visitor: string,
    wait: () => Promise<Result>,
    turnAway: () => Promise<Result>,
  ): Promise<Result> {
    const own = this.takenBy.get(visitor) ?? 0;
    if (this.taken >= this.most || own >= this.mostOfOne) return turnAway();
    this.taken += 1;
    this.takenBy.set(visitor, own + 1);
    try {
      return await wait();
    } finally {
      this.taken -= 1;
      const left = (this.takenBy.get(visitor) ?? 1) - 1;
      if (left === 0) this.takenBy.delete(visitor);
      else this.takenBy.set(visitor, left);
    }
  }
}
