/**
 * Where the events of the last appends went, by stream and id. EventStoreDB keeps 8 MiB of them; two
 * generations of so many entries take about as much here.
 */
const GENERATION_LENGTH = 30_000;

export class RecentEventIds {
  private young = new Map<string, number>();
  private old = new Map<string, number>();

  remember(stream: number, id: string, revision: number): void {
    this.young.set(keyOf(stream, id), revision);
    // Forgetting one by one would be slow: the oldest key of a large Map is found by searching.
    if (this.young.size < GENERATION_LENGTH) return;
    this.old = this.young;
    this.young = new Map();
  }

  revisionOf(stream: number, id: string): number | undefined {
    const key = keyOf(stream, id);
    return this.young.get(key) ?? this.old.get(key);
  }
}

function keyOf(stream: number, id: string): string {
  return `${stream}/${id}`;
}
