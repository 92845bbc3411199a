import { createHmac } from 'node:crypto';

/**
 * What can be stored of a secret key so that another one is noticed: HMAC-SHA-256 under the key. A key has 32 random
 * bytes or more, so nothing that is stored helps to guess it.
 */
export function sentinelOf(setting: string, keyId: string, key: Buffer): Buffer {
  return createHmac('sha256', key).update(`secret-sentinel/v1\0${setting}\0${keyId}`).digest();
}
