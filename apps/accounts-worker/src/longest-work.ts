import { EVENT_STORE_TIMEOUT_MS } from '@app/event-store';
import type { AccountsWorkerSettings } from './accounts-worker.settings.js';

/** Longest time for one statement of the worker, in milliseconds. */
export const WORKER_STATEMENT_TIMEOUT_MS = 10_000;
/** A connection of the pool, and a server that does not cancel its statement by itself. */
const DATABASE_SLACK_MS = 3_000;

/** The longest that a mail may take that has begun: its account is read, it is sent, recorded, and passed. Milliseconds. */
export function longestWorkMs({
  EMAIL_TIMEOUT_MS,
}: Pick<AccountsWorkerSettings, 'EMAIL_TIMEOUT_MS'>): number {
  const storingMs = 2 * EVENT_STORE_TIMEOUT_MS + WORKER_STATEMENT_TIMEOUT_MS + DATABASE_SLACK_MS;
  return EMAIL_TIMEOUT_MS + storingMs;
}
