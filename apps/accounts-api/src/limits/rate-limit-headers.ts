import { retryAfterHeader } from '@app/http-service';
import type { LimitExceeded } from './throttle.js';

/** Headers of draft-ietf-httpapi-ratelimit-headers; the second names the limit, the first its state. */
export const RATE_LIMIT_HEADERS = ['RateLimit', 'RateLimit-Policy'] as const;

/**
 * What a caller whose limit is used up may know: when to come back, and the figures of a limit that counts his own
 * networks alone.
 */
export function rateLimitHeaders({ limit, retryAfterSeconds }: LimitExceeded) {
  const seconds = retryAfterHeader(retryAfterSeconds);
  const retryAfter = { 'Retry-After': seconds };
  if (limit.countsOthers) return retryAfter;
  return {
    ...retryAfter,
    RateLimit: `"${limit.name}";r=0;t=${seconds}`,
    'RateLimit-Policy': `"${limit.name}";q=${limit.calls};w=${limit.periodMs / 1_000}`,
  };
}
