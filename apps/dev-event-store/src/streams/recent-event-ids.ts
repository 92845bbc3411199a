/**
 * Where the events of the last appends went, by stream and id. EventStoreDB keeps 8 MiB of them; so many
 * entries take about as much here.
 */
const CAPACITY = 60_000;

export class RecentEventIds {
  /** Insertion order is age: the first key is the oldest. */
  private readonly revisions = new Map<string, number>();

  remember(stream: number, id: string, revision: number): void {
    this.revisions.set(keyOf(stream, id), revision);
    if (this.revisions.size <= CAPACITY) return;
    for (const oldest of this.revisions.keys()) {
      this.revisions.delete(oldest);
      return;
    }
  }

  revisionOf(stream: number, id: string): number | undefined {
    return this.revisions.get(keyOf(stream, id));
  }
}

function keyOf(stream: number, id: string): string {
  return `${stream}/${id}`;
}
