import { createHash, timingSafeEqual } from 'node:crypto';
import { ProviderError } from '../provider-error.js';

/**
 * Checks the `Authorization` header of a request.
 *
 * @throws ProviderError 401 when it carries no bearer key, 403 when it is the wrong one
 */
export function demandApiKey(authorization: string | undefined, apiKey: string): void {
  const shown = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
  if (shown === undefined) {
    throw new ProviderError(401, 'Missing API key: send it as `Authorization: Bearer <key>`.');
  }
  if (!timingSafeEqual(digest(shown), digest(apiKey))) {
    throw new ProviderError(403, 'The API key is not valid.');
  }
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
