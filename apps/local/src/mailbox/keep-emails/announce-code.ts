import { codeIn } from './email.js';
import type { Email } from './email.js';

/**
 * Prints a message's code and whom it is for. The mailbox is the one place where these two may be printed:
 * it stands in for the inbox of a person.
 */
export function announceCode(email: Email): void {
  const code = codeIn(email.text);
  if (code !== undefined) process.stdout.write(`code ${code} for ${email.to.join(', ')}\n`);
}
