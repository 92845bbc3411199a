import { createHmac, hkdfSync } from 'node:crypto';
import { LRUCache } from 'lru-cache';

const KEY_BYTES = 32;
/** Of base64url: 18 bytes. */
const NAME_LENGTH = 24;
const NO_SALT = Buffer.alloc(0);

const HOUR_MS = 3_600_000;

/**
 * The limits that count what all networks together do to one address or inbox: in which period, and which part of it
 * networks may use that had some of it already that day.
 */
export const SHARED_LIMITS = {
  mails: { name: 'mails/address', periodMs: 24 * HOUR_MS, partOfKnown: 0.6 },
  registrations: { name: 'registrations/address', periodMs: HOUR_MS, partOfKnown: 0.5 },
} as const;

/**
 * Names under which calls are counted: keyed hashes, so that they reveal nothing of the callers. What concerns one
 * address or inbox has a common beginning, so that an operator can end it without knowing the callers.
 */
export class BucketNames {
  readonly #key: Buffer;
  /** A call is counted under several limits of one address. */
  readonly #beginnings = new LRUCache<string, string>({ max: 100 });

  /** @param secret the same in all processes */
  constructor(secret: Buffer) {
    this.#key = Buffer.from(hkdfSync('sha256', secret, NO_SALT, 'throttle/v1', KEY_BYTES));
  }

  /**
   * @param what name of a limit or mark
   * @param caller never stored as it is
   * @param of the address or inbox that is concerned, if it is one
   */
  nameOf(what: string, caller: string, of?: string): string {
    const name = this.#hash(`${what}\0${caller}`);
    return of === undefined ? name : this.beginningOf(of) + name;
  }

  /** What the names of everything begin with that concerns an account id or an inbox. */
  beginningOf(of: string): string {
    const known = this.#beginnings.get(of);
    if (known !== undefined) return known;
    const beginning = `${this.#hash(`of\0${of}`)}/`;
    this.#beginnings.set(of, beginning);
    return beginning;
  }

  #hash(text: string): string {
    // A digest that is asked for as text makes no buffer: a quarter less work.
    return createHmac('sha256', this.#key).update(text).digest('base64url').slice(0, NAME_LENGTH);
  }
}
