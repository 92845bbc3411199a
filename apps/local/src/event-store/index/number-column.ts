type NumberArray = Uint8Array | Uint32Array | Float64Array;

const CHUNK_BITS = 15;
const CHUNK_LENGTH = 1 << CHUNK_BITS;
const CHUNK_MASK = CHUNK_LENGTH - 1;

/** Growing list of numbers in chunks of typed arrays: dense in memory, and growth copies nothing. */
export class NumberColumn {
  private readonly chunks: NumberArray[] = [];
  private count = 0;

  /** @param ArrayType how a number is held; unset entries are 0 */
  constructor(private readonly ArrayType: new (length: number) => NumberArray) {}

  get length(): number {
    return this.count;
  }

  push(value: number): void {
    this.set(this.count, value);
  }

  at(index: number): number {
    if (index >= this.count) return 0;
    return this.chunks[index >>> CHUNK_BITS]![index & CHUNK_MASK]!;
  }

  /** Sets an entry, growing the column with zeros up to it. */
  set(index: number, value: number): void {
    while (index >= this.chunks.length << CHUNK_BITS)
      this.chunks.push(new this.ArrayType(CHUNK_LENGTH));
    this.chunks[index >>> CHUNK_BITS]![index & CHUNK_MASK] = value;
    if (index >= this.count) this.count = index + 1;
  }
}
