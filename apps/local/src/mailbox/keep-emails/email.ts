import tr46 from 'tr46';
import * as z from 'zod';

/** An {@link Email} as it is stored. */
export const storedEmail = z.object({
  id: z.string(),
  to: z.array(z.string()).readonly(),
  from: z.string(),
  subject: z.string(),
  text: z.string().nullable(),
  html: z.string().nullable(),
  idempotencyKey: z.string().nullable(),
  /** ISO 8601, UTC. */
  receivedAt: z.string(),
});

/** A message that the provider has accepted. */
export type Email = Readonly<z.infer<typeof storedEmail>>;

/** What a sender hands over. */
export type NewEmail = Pick<Email, 'to' | 'from' | 'subject' | 'text' | 'html'>;

const LONG_CODE = /\b[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){2}\b/;

/**
 * The activation code of a message: a long one, or the only run of exactly four digits in its text, if there is just
 * one.
 */
export function codeIn(text: string | null): string | undefined {
  const long = LONG_CODE.exec(text ?? '');
  if (long) return long[0];
  const runs = (text ?? '').match(/(?<!\d)\d{4}(?!\d)/g) ?? [];
  return runs.length === 1 ? runs[0] : undefined;
}

/**
 * The form in which two spellings of one mailbox are equal: `Ada <ADA@Bücher.example>` and
 * `ada@xn--bcher-kva.example` are. Good enough to look messages up, not a check of the address.
 */
export function recipientKey(address: string): string {
  const bare = /<([^<>]*)>\s*$/.exec(address)?.[1] ?? address;
  const normal = bare.trim().normalize('NFC');
  const at = normal.lastIndexOf('@');
  const localPart = normal
    .slice(0, Math.max(0, at))
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const domain = normal.slice(at + 1);
  return at < 0 ? domain : `${localPart}@${tr46.toASCII(domain) ?? domain.toLowerCase()}`;
}
