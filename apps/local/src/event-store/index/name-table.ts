import { NumberColumn } from './number-column.js';

const ARENA_CHUNK_LENGTH = 1 << 20;
const INITIAL_SLOTS = 1 << 12;

export const NOT_FOUND = -1;

/**
 * Numbers names 0, 1, 2, … in order of first appearance. Names are held as UTF-8 in large chunks: a
 * million stream names as JavaScript strings in a Map would take several times the memory.
 */
export class NameTable {
  private readonly arena: Buffer[] = [];
  private arenaUsed = 0;
  private readonly chunkOf = new NumberColumn(Uint32Array);
  private readonly startOf = new NumberColumn(Uint32Array);
  private readonly lengthOf = new NumberColumn(Uint32Array);
  private readonly hashOf = new NumberColumn(Uint32Array);
  /** Open addressing; an entry is the name's number + 1, 0 is free. */
  private slots = new Uint32Array(INITIAL_SLOTS);

  get size(): number {
    return this.hashOf.length;
  }

  /** The number of a name, or `NOT_FOUND`. */
  find(name: Buffer): number {
    return this.slots[this.slotOf(name, hash(name))]! - 1;
  }

  /** The number of a name, numbering it when it is new. */
  intern(name: Buffer): number {
    const hashCode = hash(name);
    const slot = this.slotOf(name, hashCode);
    const found = this.slots[slot]! - 1;
    if (found !== NOT_FOUND) return found;

    const number = this.size;
    this.store(name);
    this.hashOf.push(hashCode);
    this.slots[slot] = number + 1;
    if (this.size * 2 > this.slots.length) this.growSlots();
    return number;
  }

  bytesOf(number: number): Buffer {
    const start = this.startOf.at(number);
    return this.arena[this.chunkOf.at(number)]!.subarray(start, start + this.lengthOf.at(number));
  }

  nameOf(number: number): string {
    return this.bytesOf(number).toString('utf8');
  }

  private slotOf(name: Buffer, hashCode: number): number {
    const mask = this.slots.length - 1;
    for (let slot = hashCode & mask; ; slot = (slot + 1) & mask) {
      const entry = this.slots[slot]!;
      if (entry === 0) return slot;
      if (this.hashOf.at(entry - 1) === hashCode && this.bytesOf(entry - 1).equals(name))
        return slot;
    }
  }

  private store(name: Buffer): void {
    if (this.arena.length === 0 || this.arenaUsed + name.length > ARENA_CHUNK_LENGTH) {
      this.arena.push(Buffer.allocUnsafeSlow(Math.max(ARENA_CHUNK_LENGTH, name.length)));
      this.arenaUsed = 0;
    }
    name.copy(this.arena.at(-1)!, this.arenaUsed);
    this.chunkOf.push(this.arena.length - 1);
    this.startOf.push(this.arenaUsed);
    this.lengthOf.push(name.length);
    this.arenaUsed += name.length;
  }

  private growSlots(): void {
    this.slots = new Uint32Array(this.slots.length * 2);
    const mask = this.slots.length - 1;
    for (let number = 0; number < this.size; number += 1) {
      let slot = this.hashOf.at(number) & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = number + 1;
    }
  }
}

/** FNV-1a, with a final mix because only the low bits choose the slot. */
function hash(bytes: Buffer): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < bytes.length; index += 1)
    value = Math.imul(value ^ bytes[index]!, 0x01000193);
  value ^= value >>> 15;
  return Math.imul(value, 0x85ebca6b) >>> 0;
}
