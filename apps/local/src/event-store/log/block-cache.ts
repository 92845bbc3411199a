import { readSync } from 'node:fs';

const BLOCK_BITS = 16;
const BLOCK_LENGTH = 1 << BLOCK_BITS;

/**
 * The log file in blocks of 64 KiB, the most recently used of them in memory.
 *
 * Written bytes go into the cache first, so that a reader never notices whether they have already reached
 * the file; blocks that have not are never evicted.
 */
export class BlockCache {
  /** Insertion order is order of use: the first key is the next to go. */
  private readonly blocks = new Map<number, Buffer>();
  /** Length of the log including what has not reached the file. */
  private length: number;
  private writtenLength: number;
  private latestNumber = -1;
  private latest: Buffer = Buffer.alloc(0);

  constructor(
    private readonly fileDescriptor: number,
    length: number,
    private readonly capacityInBytes: number,
  ) {
    this.length = length;
    this.writtenLength = length;
  }

  /** Adds bytes at the end of the log. */
  append(bytes: Buffer): void {
    let copied = 0;
    while (copied < bytes.length) {
      const offset = this.length + copied;
      const within = offset & (BLOCK_LENGTH - 1);
      copied += bytes.copy(this.block(blockNumberOf(offset)), within, copied);
    }
    this.length += bytes.length;
  }

  /** Everything before `offset` can be found in the file from now on. */
  markWritten(offset: number): void {
    this.writtenLength = offset;
    this.evict();
  }

  /** Bytes of the log, often a window into the cache: not to be changed by the caller. */
  read(offset: number, length: number): Buffer {
    const within = offset & (BLOCK_LENGTH - 1);
    const first = this.block(blockNumberOf(offset));
    if (within + length <= BLOCK_LENGTH) return first.subarray(within, within + length);
    const joined = Buffer.allocUnsafe(length);
    let filled = first.copy(joined, 0, within);
    while (filled < length)
      filled += this.block(blockNumberOf(offset + filled)).copy(joined, filled);
    return joined;
  }

  private block(number: number): Buffer {
    if (number !== this.latestNumber) {
      this.latest = this.blocks.get(number) ?? this.load(number);
      this.latestNumber = number;
      this.blocks.delete(number);
      this.blocks.set(number, this.latest);
      this.evict();
    }
    return this.latest;
  }

  private load(number: number): Buffer {
    const loaded = Buffer.allocUnsafeSlow(BLOCK_LENGTH);
    const start = number * BLOCK_LENGTH;
    const inFile = Math.min(BLOCK_LENGTH, this.writtenLength - start);
    let filled = 0;
    while (filled < inFile) {
      const read = readSync(this.fileDescriptor, loaded, filled, inFile - filled, start + filled);
      if (read === 0) throw new Error(`the event log ends before offset ${start + inFile}`);
      filled += read;
    }
    return loaded;
  }

  private evict(): void {
    const firstUnwritten = blockNumberOf(this.writtenLength);
    for (const number of this.blocks.keys()) {
      if (this.blocks.size * BLOCK_LENGTH <= this.capacityInBytes) return;
      if (number < firstUnwritten) this.blocks.delete(number);
    }
  }
}

function blockNumberOf(offset: number): number {
  return Math.floor(offset / BLOCK_LENGTH);
}
