import { randomBytes } from 'node:crypto';

/** Secrets of one product, given to its processes as settings: for tests that start further processes. */
export function knownSecrets(): Readonly<Record<string, string>> {
  const key = () => randomBytes(32).toString('base64');
  return {
    ADDRESS_KEY: key(),
    ACTIVATION_CODE_KEYS: `k1:${key()}`,
    PASSWORD_PEPPERS: `k1:${key()}`,
    PERSONAL_DATA_KEYS: `k1:${key()}`,
  };
}
