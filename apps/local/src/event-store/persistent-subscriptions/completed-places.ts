interface Entry {
  readonly place: number;
  isDone: boolean;
}

/** Up to where everything that was taken from a source, in order, has been dealt with, in any order. */
export class CompletedPlaces {
  private readonly entries: Entry[] = [];
  private readonly byPlace = new Map<number, Entry>();
  private completed: number | undefined;
  private completedCount = 0;

  /** @param completed where an earlier run got to */
  constructor(completed: number | undefined) {
    this.completed = completed;
  }

  /** The last place before the first that is not done. */
  get completedUpTo(): number | undefined {
    return this.completed;
  }

  /** How many places were completed since the count was last taken. */
  get countSinceTaken(): number {
    return this.completedCount;
  }

  takeCount(): void {
    this.completedCount = 0;
  }

  begin(place: number): void {
    const entry = { place, isDone: false };
    this.entries.push(entry);
    this.byPlace.set(place, entry);
  }

  finish(place: number): void {
    const entry = this.byPlace.get(place);
    if (entry === undefined) return;
    entry.isDone = true;
    this.byPlace.delete(place);
    let done = 0;
    while (this.entries[done]?.isDone) done += 1;
    if (done === 0) return;
    this.completed = this.entries[done - 1]!.place;
    this.completedCount += done;
    this.entries.splice(0, done);
  }
}
