import type { MailEventKind } from '@app/accounts';
import { invalidRequest } from '@app/http-service';
import * as z from 'zod';

/** What the provider reports of the mail with one code. */
export interface MailNews {
  readonly accountId: string;
  readonly issueNumber: number;
  readonly kind: MailEventKind;
  /** By the provider's clock; undefined when it does not say, or says it unreadably. */
  readonly occurredAt: number | undefined;
}

const TAG_LIMIT = 256;
const tag = z.string().max(TAG_LIMIT);

/** What the provider sends, as far as it is read. */
export const providerMessage = z.object({
  type: z.string().meta({ examples: ['email.delivered', 'email.bounced', 'email.complained'] }),
  created_at: z.string().optional(),
  data: z.object({
    /** The provider sends them as an object, and takes them as a list: both are read. */
    tags: z
      .union([z.record(z.string(), tag), z.array(z.object({ name: z.string(), value: tag }))])
      .optional(),
    bounce: z.object({ type: z.string().optional() }).optional(),
  }),
});

const codeTags = z.object({
  account: z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  issue: z
    .string()
    .regex(/^[1-9]\d{0,8}$/)
    .transform(Number),
});

/**
 * Reads a message of the provider, in the shape of the Resend API.
 *
 * @returns undefined for what is no concern of an account: other kinds of news, other mails
 * @throws Problem invalid-request when it is no message of that shape
 */
export function mailNewsOf(body: unknown): MailNews | undefined {
  const parsed = providerMessage.safeParse(body);
  if (!parsed.success) {
    throw invalidRequest(
      parsed.error.issues.map((issue) => ({
        field: issue.path.join('.') || 'body',
        code: 'not-a-provider-message',
        message: 'is not what the e-mail provider sends here',
      })),
    );
  }
  const { type, created_at: createdAt, data } = parsed.data;
  const kind = kindOf(type, data.bounce?.type);
  const tags = codeTags.safeParse(byName(data.tags));
  if (kind === undefined || !tags.success) return undefined;
  const { account: accountId, issue: issueNumber } = tags.data;
  const at = Date.parse(createdAt ?? '');
  return { accountId, issueNumber, kind, occurredAt: Number.isNaN(at) ? undefined : at };
}

function kindOf(type: string, bounceType: string | undefined): MailEventKind | undefined {
  switch (type) {
    case 'email.delivered':
      return 'delivered';
    case 'email.complained':
      return 'reported-as-spam';
    case 'email.bounced':
      // A bounce that is not said to pass is one that lasts.
      return bounceType === 'Transient' || bounceType === 'Undetermined'
        ? 'bounced-transiently'
        : 'bounced-permanently';
    default:
      return undefined;
  }
}

function byName(tags: z.infer<typeof providerMessage>['data']['tags']): Record<string, string> {
  if (!Array.isArray(tags)) return tags ?? {};
  return Object.fromEntries(tags.map(({ name, value }) => [name, value]));
}
