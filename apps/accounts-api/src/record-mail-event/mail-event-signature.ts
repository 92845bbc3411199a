import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '@app/process';

/** How far the time of a message may be from ours, in milliseconds: older ones could be replayed. */
const TOLERANCE_MS = 5 * 60_000;
/** While the provider changes keys, a message carries one signature per key. */
const MOST_SIGNATURES = 10;
const ID = /^[\x21-\x7e]{1,256}$/;
const SECONDS = /^\d{1,12}$/;
/** Two names for the same headers: the provider's, and those of the Standard Webhooks convention. */
const HEADER_PREFIXES = ['svix', 'webhook'] as const;

/** The message is not from the provider, was changed on its way, or is not of this moment. */
export class MailEventNotAuthentic extends Error {
  constructor(reason: string) {
    super(`the message of the e-mail provider was not accepted: ${reason}`);
    this.name = 'MailEventNotAuthentic';
  }
}

/** Checks that a message comes from the provider, which shares our key: HMAC-SHA-256 over `id.timestamp.body`. */
export class MailEventSignature {
  readonly #key: Buffer;

  constructor(
    key: Buffer,
    private readonly clock: Clock,
  ) {
    this.#key = key;
  }

  /**
   * @param body exactly as it was received
   * @returns the provider's id of the message: the same again when it repeats itself
   * @throws MailEventNotAuthentic
   */
  verify(headers: IncomingHttpHeaders, body: Buffer): string {
    for (const prefix of HEADER_PREFIXES) {
      const id = headers[`${prefix}-id`];
      const timestamp = headers[`${prefix}-timestamp`];
      const signatures = headers[`${prefix}-signature`];
      if (typeof id === 'string' && typeof timestamp === 'string') {
        if (typeof signatures !== 'string') throw new MailEventNotAuthentic('it is not signed');
        this.#verify(id, timestamp, signatures, body);
        return id;
      }
    }
    throw new MailEventNotAuthentic('it has no id and time');
  }

  #verify(id: string, timestamp: string, signatures: string, body: Buffer): void {
    if (!ID.test(id) || !SECONDS.test(timestamp)) {
      throw new MailEventNotAuthentic('its id or time is malformed');
    }
    const expected = createHmac('sha256', this.#key)
      .update(`${id}.${timestamp}.`)
      .update(body)
      .digest();
    const isSigned = signatures
      .split(' ', MOST_SIGNATURES)
      .filter((signature) => signature.startsWith('v1,'))
      .map((signature) => Buffer.from(signature.slice('v1,'.length), 'base64'))
      .some((given) => given.length === expected.length && timingSafeEqual(given, expected));
    if (!isSigned) throw new MailEventNotAuthentic('no signature is right');
    if (Math.abs(this.clock() - Number(timestamp) * 1_000) > TOLERANCE_MS) {
      throw new MailEventNotAuthentic('it is too old, or from the future');
    }
  }
}
