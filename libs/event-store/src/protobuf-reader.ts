/** Wire types of the protocol buffers encoding. */
const VARINT = 0;
const FIXED_64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

/** The bytes are not the message that they should be. */
export class MalformedMessage extends Error {
  constructor(options?: ErrorOptions) {
    super('the message is not valid protocol buffers encoding', options);
    this.name = 'MalformedMessage';
  }
}

/**
 * Walks through a message field by field. Byte fields are windows into the message, not copies.
 *
 *     while (reader.next()) {
 *       if (reader.field === 1) name = reader.bytes();
 *       else reader.skip();
 *     }
 *
 * All functions throw MalformedMessage.
 */
export class ProtobufReader {
  field = 0;
  private wireType = 0;
  private at = 0;

  constructor(private readonly message: Buffer) {}

  /** Moves on to the next field; its value has to be taken or skipped. */
  next(): boolean {
    if (this.at === this.message.length) return false;
    const tag = this.readVarint();
    this.field = Math.floor(tag / 8);
    this.wireType = tag % 8;
    return true;
  }

  /** Exact up to 2^53; the few larger numbers of the protocol only mean "the end". */
  varint(): number {
    if (this.wireType !== VARINT) throw new MalformedMessage();
    return this.readVarint();
  }

  bytes(): Buffer {
    if (this.wireType !== LENGTH_DELIMITED) throw new MalformedMessage();
    const length = this.readVarint();
    const start = this.at;
    this.advance(length);
    return this.message.subarray(start, this.at);
  }

  text(): string {
    if (this.wireType !== LENGTH_DELIMITED) throw new MalformedMessage();
    const length = this.readVarint();
    const start = this.at;
    this.advance(length);
    return this.message.toString('utf8', start, this.at);
  }

  skip(): void {
    switch (this.wireType) {
      case VARINT:
        this.readVarint();
        return;
      case FIXED_64:
        return this.advance(8);
      case LENGTH_DELIMITED:
        return this.advance(this.readVarint());
      case FIXED_32:
        return this.advance(4);
      default:
        throw new MalformedMessage();
    }
  }

  private advance(count: number): void {
    if (this.at + count > this.message.length) throw new MalformedMessage();
    this.at += count;
  }

  private readVarint(): number {
    let value = 0;
    let weight = 1;
    for (let read = 0; read < 10; read += 1) {
      const byte = this.message[this.at];
      if (byte === undefined) throw new MalformedMessage();
      this.at += 1;
      value += (byte & 0x7f) * weight;
      if (byte < 0x80) return value;
      weight *= 128;
    }
    throw new MalformedMessage();
  }
}
