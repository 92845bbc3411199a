const INITIAL_LENGTH = 64 * 1024;

/** Wire types of the protocol buffers encoding that are used here. */
const VARINT = 0;
const LENGTH_DELIMITED = 2;

/** Writes protocol buffers into a growing buffer that is used again and again. */
export class ProtobufWriter {
  buffer = Buffer.allocUnsafeSlow(INITIAL_LENGTH);
  length = 0;

  reset(): void {
    this.length = 0;
  }

  /** A copy of what was written. */
  copy(): Buffer {
    return Buffer.from(this.buffer.subarray(0, this.length));
  }

  /** Leaves room, to be filled in later, and returns where it begins. */
  reserve(count: number): number {
    this.ensure(count);
    const start = this.length;
    this.length += count;
    return start;
  }

  varintField(field: number, value: number): void {
    this.ensure(20);
    this.writeVarint((field << 3) | VARINT);
    this.writeVarint(value);
  }

  /** Tag and length of an embedded message or byte field whose content the caller writes next. */
  openField(field: number, contentLength: number): void {
    this.ensure(20);
    this.writeVarint((field << 3) | LENGTH_DELIMITED);
    this.writeVarint(contentLength);
  }

  /** @returns where the bytes begin in the buffer */
  bytesField(field: number, bytes: Uint8Array): number {
    this.openField(field, bytes.length);
    const start = this.reserve(bytes.length);
    this.buffer.set(bytes, start);
    return start;
  }

  /**
   * @param text ASCII only
   * @returns where the text begins in the buffer
   */
  asciiField(field: number, text: string): number {
    this.openField(field, text.length);
    const start = this.reserve(text.length);
    this.buffer.write(text, start, 'latin1');
    return start;
  }

  private writeVarint(value: number): void {
    let rest = value;
    while (rest > 0x7fffffff) {
      this.buffer[this.length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.buffer[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.length++] = rest;
  }

  private ensure(count: number): void {
    const needed = this.length + count;
    if (needed <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(larger, 0, 0, this.length);
    this.buffer = larger;
  }
}

/** How many bytes a number takes as a varint. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) length += 1;
  return length;
}

/** How many bytes a length-delimited field takes whose field number is below 16. */
export function fieldLength(contentLength: number): number {
  return 1 + varintLength(contentLength) + contentLength;
}
