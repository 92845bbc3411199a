import { EVENT_STORE_TIMEOUT_MS } from '@app/event-store';
import type { AccountsApiSettings } from './accounts-api.settings.js';
import { LONGEST_HASH_WAIT_MS } from './passwords/bcrypt-password-hasher.js';
import { CAPTCHA_TIMEOUT_MS } from './who-may-register/captcha.js';
import { LONGEST_READ_WAIT_MS } from './read-your-writes/read-your-writes.js';

/** Longest time for one statement of the API, in milliseconds. */
export const API_STATEMENT_TIMEOUT_MS = 2_000;
/** A connection of the pool, and a server that does not cancel its statement by itself. */
const DATABASE_SLACK_MS = 3_000;
/** The statement that a call goes with waits for the one before (ADR 147). */
const STATEMENTS = 2;
/** One hash of cost 12 on a core that others use, too; each step of the cost doubles it. */
const HASH_OF_COST_12_MS = 500;
/** A password is compared and, when its hash is outdated, hashed anew. */
const HASHES = 2;

/** The longest that a call may take that has arrived: every wait that it may meet, one after the other. Milliseconds. */
export function longestCallMs({
  BCRYPT_COST,
  ANSWER_BEAT_MS,
  CAPTCHA_VERIFY_URL,
}: Pick<AccountsApiSettings, 'BCRYPT_COST' | 'ANSWER_BEAT_MS'> &
  Partial<Pick<AccountsApiSettings, 'CAPTCHA_VERIFY_URL'>>): number {
  const hashingMs = LONGEST_HASH_WAIT_MS + HASHES * HASH_OF_COST_12_MS * 2 ** (BCRYPT_COST - 12);
  const askingMs = STATEMENTS * (API_STATEMENT_TIMEOUT_MS + DATABASE_SLACK_MS);
  const storingMs = 2 * EVENT_STORE_TIMEOUT_MS + askingMs;
  const captchaMs = CAPTCHA_VERIFY_URL ? CAPTCHA_TIMEOUT_MS : 0;
  return Math.ceil(captchaMs + hashingMs + storingMs + LONGEST_READ_WAIT_MS + ANSWER_BEAT_MS);
}
