import { createHmac, randomBytes } from 'node:crypto';
import { activationCodeMessage, longCodeOf, truncateToCode } from '@app/accounts';
import type { CodeForm } from '@app/accounts';
import type { KeyRing } from './key-ring.js';

const NONCE_BYTES = 16;
const NO_SALT = Buffer.alloc(0);

/** What an account remembers of an issue: enough, with the master key, to derive its code again. */
export interface IssuedCode {
  readonly issueNumber: number;
  readonly nonce: string;
  readonly keyId: string;
  readonly form: CodeForm;
}

/**
 * Activation codes, derived whenever they are needed and stored nowhere: neither the log nor the keys
 * alone give one away, and a repeated mail carries the same code.
 */
export class ActivationCodes {
  readonly #keys: KeyRing;

  constructor(keys: KeyRing) {
    this.#keys = keys;
  }

  /** The key that new codes are to be derived from. */
  get currentKeyId(): string {
    return this.#keys.current.id;
  }

  /** Whether codes derived from this key can be derived again. */
  knows(keyId: string): boolean {
    return this.#keys.has(keyId);
  }

  /** 16 bytes of the system's random source, in lower-case hexadecimal. */
  newNonce(): string {
    return randomBytes(NONCE_BYTES).toString('hex');
  }

  /**
   * HMAC-SHA-256 over issue number and nonce under a key of the account's own: four digits, truncated as in
   * RFC 4226, or 60 bits of it in letters.
   *
   * @throws UnknownKey when the issue's master key is not in the key ring
   */
  codeFor(accountId: string, { issueNumber, nonce, keyId, form }: IssuedCode): string {
    const accountKey = this.#accountKey(accountId, keyId);
    const mac = hmac(accountKey, activationCodeMessage(issueNumber, nonce));
    return form === 'short' ? truncateToCode(mac) : longCodeOf(mac);
  }

  /**
   * HKDF-SHA-256 with the purpose, a zero byte and the account id as `info`. The purpose holds no zero
   * byte, so `info` can be read in one way only and no other purpose derives the same key. Its one block is two HMACs
   * (RFC 5869, sections 2.2 and 2.3): written out, because hkdfSync takes three times as long.
   */
  #accountKey(accountId: string, keyId: string): Buffer {
    const pseudorandomKey = hmac(NO_SALT, this.#keys.get(keyId));
    return hmac(pseudorandomKey, `activation-code/v1\0${accountId}\x01`);
  }
}

function hmac(key: Buffer, message: string | Uint8Array): Buffer {
  return createHmac('sha256', key).update(message).digest();
}
