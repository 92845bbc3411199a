import { codeIn, recipientKey } from '../keep-emails/email.js';
import type { Email } from '../keep-emails/email.js';

/** What an inbox can know of a code: whether a newer one came, and its time. */
export type MailedCode =
  | { readonly kind: 'alive'; readonly until: Date }
  | { readonly kind: 'expired' | 'replaced' };

/**
 * The state of the code of each e-mail that has one, by the e-mail's id. Alive is the newest code of an address, until
 * its time is over; whether it was used, or ended by wrong guesses, only the API knows.
 *
 * @param emails newest first
 * @param lifetimeMs how long a code can be used after its e-mail was accepted
 */
export function mailedCodes(
  emails: readonly Email[],
  lifetimeMs: number,
  now: Date,
): ReadonlyMap<string, MailedCode> {
  const newest = new Map<string, string>();
  const states = new Map<string, MailedCode>();
  for (const { id, to, text, receivedAt } of emails) {
    const code = codeIn(text);
    if (code === undefined) continue;
    const address = recipientKey(to[0] ?? '');
    const newestCode = newest.get(address) ?? code;
    newest.set(address, newestCode);
    const until = new Date(Date.parse(receivedAt) + lifetimeMs);
    if (code !== newestCode) states.set(id, { kind: 'replaced' });
    else states.set(id, until > now ? { kind: 'alive', until } : { kind: 'expired' });
  }
  return states;
}
