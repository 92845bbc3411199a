import * as z from 'zod';
import { recipientKey } from '../keep-emails/email.js';
import type { NewEmail } from '../keep-emails/email.js';
import { ProviderError } from '../provider-error.js';

// A line break in a header field would let a sender add header fields of its own (SMTP injection).
const headerText = (max: number) =>
  z
    .string()
    .min(1, 'must not be empty')
    .max(max, `must have at most ${max} characters`)
    .refine((value) => !/\p{Cc}/u.test(value), 'must not hold control characters');

const address = headerText(320).refine(
  (value) => /^[^\s@]+@[^\s@]+$/.test(recipientKey(value)),
  'must be an e-mail address, alone or as `Name <address>`',
);

const emailRequest = z.object({
  from: address,
  to: z
    .union([
      z.array(address).min(1, 'must name a recipient').max(50, 'must name 50 at most'),
      address,
    ])
    .transform((to) => (Array.isArray(to) ? to : [to])),
  subject: headerText(998),
  text: z.string().max(100_000, 'must have at most 100000 characters').nullish(),
  html: z.string().max(200_000, 'must have at most 200000 characters').nullish(),
});

const REQUIRED = ['from', 'to', 'subject'] as const;

/**
 * Reads a request to send one e-mail. Fields of the provider that the mailbox has no use for (`cc`, `headers`,
 * `tags`, …) are taken and ignored.
 *
 * @throws ProviderError 422 naming the field and what is allowed; never quotes what was sent
 */
export function parseEmailRequest(body: unknown): NewEmail {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new ProviderError(422, 'The body must be a JSON object.');
  }
  for (const field of REQUIRED) {
    if (isMissing(body, field)) throw missing(`\`${field}\``);
  }
  if (isMissing(body, 'text') && isMissing(body, 'html')) throw missing('`text` or `html`');
  const parsed = emailRequest.safeParse(body);
  if (!parsed.success) throw invalid(parsed.error.issues[0]!);
  const { from, to, subject, text, html } = parsed.data;
  return { from, to, subject, text: text ?? null, html: html ?? null };
}

function isMissing(body: object, field: string): boolean {
  const value: unknown = Object.hasOwn(body, field) ? body[field as never] : undefined;
  return value === undefined || value === null;
}

function missing(field: string): ProviderError {
  return new ProviderError(422, `Missing ${field} field.`, { errorName: 'missing_required_field' });
}

function invalid(issue: z.core.$ZodIssue): ProviderError {
  const field = String(issue.path[0]);
  const errorName = field === 'from' ? 'invalid_from_address' : 'validation_error';
  const [innermost] = issue.code === 'invalid_union' ? issue.errors.flat() : [issue];
  return new ProviderError(422, `The \`${field}\` field ${explain(innermost ?? issue)}.`, {
    errorName,
  });
}

function explain(issue: z.core.$ZodIssue): string {
  return issue.code === 'invalid_type' ? `must be a ${issue.expected}` : issue.message;
}
