import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A key as its holder has it: `id.secret`. */
export interface KeyText {
  readonly keyId: string;
  readonly secret: string;
}

const ID_BYTES = 8;
const SECRET_BYTES = 32;
/** At least 128 bits of base64url. */
const KEY = /^([a-z0-9-]{4,32})\.([A-Za-z0-9_-]{22,128})$/;

/** A new key of 256 random bits. */
export function newKeyText(): KeyText {
  return {
    keyId: randomBytes(ID_BYTES).toString('hex'),
    secret: randomBytes(SECRET_BYTES).toString('base64url'),
  };
}

/** Undefined when the text is no key. */
export function parseKeyText(text: string): KeyText | undefined {
  const [, keyId, secret] = KEY.exec(text) ?? [];
  return keyId === undefined || secret === undefined ? undefined : { keyId, secret };
}

/** The key of an Authorization header of scheme Bearer; undefined when there is none. */
export function keyOfHeader(header: string | undefined): KeyText | undefined {
  const token = /^bearer +(\S+) *$/i.exec(header ?? '')?.[1];
  return token === undefined ? undefined : parseKeyText(token);
}

/** What is kept of a secret: 256 random bits need no slow hash. */
export function hashOfSecret(secret: string): Buffer {
  return createHash('sha256').update(secret, 'utf8').digest();
}

/** Takes the same time wherever the two differ. */
export function isSecretOf(secret: string, hash: Buffer): boolean {
  return timingSafeEqual(hashOfSecret(secret), hash);
}
