import { createHmac } from 'node:crypto';
import { secretKeyMinBytes } from './secret-key.js';

/**
 * Account ids that only the holder of the secret can derive from an address, so that the name of a stream
 * gives no address away. Replacing the secret would give every address a second account.
 */
export class AccountIds {
  readonly #secret: Buffer;

  /** @throws RangeError when the secret has fewer than 32 bytes */
  constructor(addressKeySecret: Buffer) {
    if (addressKeySecret.length < secretKeyMinBytes) {
      throw new RangeError(`the secret must have ${secretKeyMinBytes} bytes or more`);
    }
    this.#secret = addressKeySecret;
  }

  /**
   * The same address key always has the same id: a lower-case UUID of version 8 (RFC 9562, section 5.8)
   * that carries 122 bits of HMAC-SHA-256.
   */
  accountIdOf(addressKey: string): string {
    const bytes = createHmac('sha256', this.#secret).update(addressKey, 'utf8').digest();
    bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
    bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
    const hex = bytes.toString('hex', 0, 16);
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }
}
