import { isIP } from 'node:net';

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;
/** Keys, hashes, nonces and sealed data: long, or hexadecimal and not that long. */
const LOOKS_SECRET = /^(?:.{40,}|.*[0-9a-f]{32}.*)$/i;

/**
 * The text without anything that looks like an address, a URL, a password hash, a client address or a key. A second
 * line: what is personal or secret must not get here at all.
 */
export function redactText(text: string): string {
  return text
    .replace(/\b[a-z][a-z+.-]*:\/\/[^\s"']+/gi, '[URL]')
    .replace(/[^\s@<>"'(),;:]+@[^\s@<>"'(),;]+/g, '[e-mail address]')
    .replace(/(?:\bv\d+)?\$[^\s"']{8,}/g, '[hash]')
    .replace(/[0-9a-f:.]{3,}/gi, withoutAddress)
    .replace(/[A-Za-z0-9+/_=-]+/g, (word) =>
      LOOKS_SECRET.test(word.replace(UUID, '')) ? '[redacted]' : word,
    );
}

/** Every text in a value, whatever it is made of. */
export function redacted(value: unknown): unknown {
  if (typeof value === 'string') return redactText(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(redacted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, redacted(member)]),
  );
}

/** Marks that end a sentence are none of it. */
function withoutAddress(word: string): string {
  const address = word.replace(/[.:]+$/, '');
  return isIP(address) ? `[IP address]${word.slice(address.length)}` : word;
}
