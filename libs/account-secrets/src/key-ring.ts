import * as z from 'zod';
import { secretKeyMinBytes, secretKeyOf } from './secret-key.js';

export interface NamedKey {
  readonly id: string;
  readonly key: Buffer;
}

/** The text of a key ring is unusable. Names the setting and the faults, never the value. */
export class InvalidKeyRing extends Error {
  override readonly name = 'InvalidKeyRing';

  constructor(
    setting: string,
    readonly faults: readonly string[],
  ) {
    super(`${setting} is not valid: ${faults.join('; ')}`);
  }
}

/** Something was made with a key that is no longer, or not yet, in the configuration. */
export class UnknownKey extends Error {
  override readonly name = 'UnknownKey';

  constructor(
    readonly setting: string,
    readonly keyId: string,
  ) {
    super(`${setting} holds no key called ${keyId}`);
  }
}

/**
 * Master keys by id. The first is used for new things; the others keep what was made with them usable, so
 * that a key can be replaced without a break: put the new one first, drop the old one when nothing
 * made with it matters any more.
 */
export class KeyRing {
  readonly #setting: string;
  readonly #keys: ReadonlyMap<string, Buffer>;
  readonly #current: NamedKey;

  private constructor(setting: string, current: NamedKey, keys: ReadonlyMap<string, Buffer>) {
    this.#setting = setting;
    this.#current = current;
    this.#keys = keys;
  }

  /**
   * @param text entries `id:base64`, separated by commas or line ends; an id is 1 to 16 of a-z, 0-9 and
   *   hyphen, a key 32 bytes or more
   * @param name of the setting it comes from, for the error
   * @throws InvalidKeyRing naming every faulty entry by its place
   */
  static parse(text: string, name: string): KeyRing {
    const faults: string[] = [];
    const keys = new Map<string, Buffer>();
    const entries = text.split(/[,\n]/).map((entry) => entry.trim());
    for (const [index, entry] of entries.filter((entry) => entry !== '').entries()) {
      const [, id, base64] = /^([a-z0-9-]{1,16}):(.*)$/.exec(entry) ?? [];
      const place = `entry ${index + 1}`;
      if (id === undefined || base64 === undefined) {
        faults.push(`${place} does not begin with an id of 1 to 16 of a-z, 0-9, - and a colon`);
        continue;
      }
      const key = secretKeyOf(base64);
      if (key === undefined) {
        faults.push(`${place} is not base64 of ${secretKeyMinBytes} bytes or more after its id`);
      } else if (keys.has(id)) {
        faults.push(`${place} has the id of an earlier entry`);
      } else {
        keys.set(id, key);
      }
    }
    const [first] = keys;
    if (first === undefined && faults.length === 0) faults.push('must have one key at least');
    if (first === undefined || faults.length > 0) throw new InvalidKeyRing(name, faults);
    return new KeyRing(name, { id: first[0], key: first[1] }, keys);
  }

  /** The key to make new things with. */
  get current(): NamedKey {
    return this.#current;
  }

  /** Every key, the current one first. */
  get all(): readonly NamedKey[] {
    return [...this.#keys].map(([id, key]) => ({ id, key }));
  }

  has(id: string): boolean {
    return this.#keys.has(id);
  }

  /** @throws UnknownKey naming the id */
  get(id: string): Buffer {
    const key = this.#keys.get(id);
    if (key === undefined) throw new UnknownKey(this.#setting, id);
    return key;
  }
}

/** Zod type of a setting that holds a key ring; marked as that of one secret key. */
export function keyRingSetting(name: string) {
  return z
    .string()
    .transform((text, context) => {
      try {
        return KeyRing.parse(text, name);
      } catch (error) {
        if (!(error instanceof InvalidKeyRing)) throw error;
        context.addIssue({ code: 'custom', message: error.faults.join('; ') });
        return z.NEVER;
      }
    })
    .meta({ secret: true });
}
