import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Made many at a time, which costs hardly more than one. No keys: what waits in memory is no secret. */
const nonces = Buffer.alloc(340 * NONCE_BYTES);
let usedBytes = nonces.length;

/** The sealed bytes were changed, or they were sealed with another key or for another place. */
export class SealBroken extends Error {
  constructor(where: string) {
    super(`the sealed value at ${where} cannot be opened`);
    this.name = 'SealBroken';
  }
}

/**
 * AES-256-GCM with a fresh random nonce: 12 bytes nonce, 16 bytes tag, ciphertext.
 *
 * @param key 32 bytes
 * @param where what the value belongs to; a value moved elsewhere cannot be opened there
 */
export function seal(plain: Buffer, key: Buffer, where: string): Buffer {
  const nonce = newNonce();
  const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(where, 'utf8'));
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]);
}

/**
 * The value that was sealed with this key for this place.
 *
 * @throws SealBroken
 */
export function open(sealed: Buffer, key: Buffer, where: string): Buffer {
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const tag = sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
  if (tag.length < TAG_BYTES) throw new SealBroken(where);
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(where, 'utf8'))
    .setAuthTag(tag);
  const ciphertext = sealed.subarray(NONCE_BYTES + TAG_BYTES);
  try {
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  } catch {
    // The cipher only says that it could not authenticate the data, which is what our error means.
    throw new SealBroken(where);
  }
}

/** Handed out once; good until the next call. */
function newNonce(): Buffer {
  if (usedBytes === nonces.length) {
    randomFillSync(nonces);
    usedBytes = 0;
  }
  usedBytes += NONCE_BYTES;
  return nonces.subarray(usedBytes - NONCE_BYTES, usedBytes);
}
