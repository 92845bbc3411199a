import { createHmac, hkdfSync, randomBytes } from 'node:crypto';

const KEY_BYTES = 16;
const DERIVED_KEY_BYTES = 32;
const NAME_BYTES = 12;
const NO_SALT = Buffer.alloc(0);

/**
 * Names of networks within one account, which say whether two callers have one network and nothing else. Each account
 * has a key for it, kept with its personal data: when that is forgotten, no name can be made or checked any more. A copy
 * of the account's key alone is not enough either, because the secret of the configuration goes into each name.
 */
export class NetworkNames {
  readonly #secret: Buffer;

  constructor(addressKeySecret: Buffer) {
    const purpose = 'network-names/v1';
    const secret = hkdfSync('sha256', addressKeySecret, NO_SALT, purpose, DERIVED_KEY_BYTES);
    this.#secret = Buffer.from(secret);
  }

  /** A key for an account: 16 bytes of the system's random source, in lower-case hexadecimal. */
  newKey(): string {
    return randomBytes(KEY_BYTES).toString('hex');
  }

  /**
   * 96 bits of HMAC-SHA-256, in base64url.
   *
   * @param networkKey of the account
   * @param network such as `203.0.113.0/24`
   */
  nameOf(networkKey: string, network: string): string {
    return createHmac('sha256', this.#secret)
      .update(`${networkKey}\0${network}`, 'utf8')
      .digest()
      .toString('base64url', 0, NAME_BYTES);
  }
}
