import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { inSpan } from '@app/tracing';
import fetch from 'node-fetch';
import type { Response } from 'node-fetch';
import { MailProvider } from './mail-provider.js';
import type { BreakerOptions } from './mail-provider.js';
import { MailProviderUnavailable } from './mail.js';
import type { Mail, MailOutcome } from './mail.js';

export interface HttpMailProviderOptions extends BreakerOptions {
  /** Base URL of the provider: mails go to `<url>/emails`. */
  readonly url: string;
  readonly apiKey: string;
  /** What the receiver sees as the sender, e.g. `Accounts <no-reply@example.org>`. */
  readonly from: string;
  /** Longest time for one try, in milliseconds. */
  readonly timeoutMs: number;
}

const LARGEST_ANSWER_BYTES = 64 * 1024;
/**
 * Client errors that another try may mend: a time-out, a conflict with a try still under way, too early, too
 * many; and a key that is not accepted, because that is our fault to mend and not the mail's.
 */
const MENDABLE = new Set([401, 403, 408, 409, 425, 429]);
/** An earlier try with the same key is still under way there, or has ended: the answer's name says which. */
const CONFLICT = 409;
/** Name of the conflict that says: this key was used before, with another body. */
const KEY_WAS_USED = 'invalid_idempotent_request';
/** The provider says that it did not even begin. Other server errors leave that open. */
const NOT_BEGUN = 503;
/** The provider was not reached. Any other fault of the connection may have come after the mail was taken. */
const UNREACHED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
/** A provider that asks for a longer pause is asked again after this one: mails that wait have an end. */
const LONGEST_RETRY_AFTER_MS = 10 * 60_000;

/** A provider with the HTTP API that many have in common: `POST /emails`, idempotent by header. */
export class HttpMailProvider extends MailProvider {
  private readonly endpoint: string;
  private readonly agents = {
    'http:': new HttpAgent({ keepAlive: true }),
    'https:': new HttpsAgent({ keepAlive: true }),
  };

  constructor(
    name: string,
    private readonly http: HttpMailProviderOptions,
  ) {
    super(name, http);
    this.endpoint = `${http.url.replace(/\/+$/, '')}/emails`;
  }

  protected async deliver(mail: Mail, idempotencyKey: string): Promise<MailOutcome> {
    const { status, headers, body } = await inSpan(
      `mail provider ${this.name}`,
      { kind: 'CLIENT' },
      async (span) => {
        const answer = await this.post(mail, idempotencyKey);
        span.setAttribute('http.response.status_code', answer.status);
        return answer;
      },
    );
    if (status >= 200 && status < 300) {
      const providerMessageId = fieldOf(body, 'id');
      if (providerMessageId === undefined) {
        throw new MailProviderUnavailable('it answered success without a message id', {
          inDoubt: true,
        });
      }
      return { kind: 'accepted', providerMessageId, acceptedAt: this.http.clock() };
    }
    if (status === CONFLICT && fieldOf(body, 'name') === KEY_WAS_USED) {
      return { kind: 'taken-before' };
    }
    if (status >= 400 && status < 500 && !MENDABLE.has(status)) {
      return { kind: 'refused', reason: `the provider answered ${status}` };
    }
    throw new MailProviderUnavailable(`it answered ${status}`, {
      retryAfterMs: Math.min(this.retryAfterMs(headers), LONGEST_RETRY_AFTER_MS),
      inDoubt: status === CONFLICT || (status >= 500 && status !== NOT_BEGUN),
      ofMailOnly: status === CONFLICT,
    });
  }

  close(): void {
    for (const agent of Object.values(this.agents)) agent.destroy();
  }

  private async post({ to, subject, text, html, tags }: Mail, idempotencyKey: string) {
    const { from, apiKey, timeoutMs } = this.http;
    // AbortSignal.timeout() would fire, and make its error, long after each mail that was taken.
    const overdue = new AbortController();
    const timer = setTimeout(() => overdue.abort(), timeoutMs);
    try {
      const response = await fetch(this.endpoint, {
        method: 'POST',
        headers: {
          Authorization: `Bearer ${apiKey}`,
          'Content-Type': 'application/json',
          'Idempotency-Key': idempotencyKey,
        },
        body: JSON.stringify({
          from,
          to: [to],
          subject,
          text,
          html,
          tags: Object.entries(tags).map(([name, value]) => ({ name, value })),
        }),
        agent: ({ protocol }) => this.agents[protocol === 'https:' ? 'https:' : 'http:'],
        // Our key must not follow a redirect to another server.
        redirect: 'error',
        size: LARGEST_ANSWER_BYTES,
        signal: overdue.signal,
      });
      return { status: response.status, headers: response.headers, body: await response.text() };
    } catch (error) {
      throw unanswered(error, timeoutMs);
    } finally {
      clearTimeout(timer);
    }
  }

  private retryAfterMs(headers: Response['headers']): number {
    const value = headers.get('retry-after');
    if (value === null) return 0;
    if (/^\d+$/.test(value)) return Number(value) * 1_000;
    const at = Date.parse(value);
    return Number.isNaN(at) ? 0 : Math.max(0, at - this.http.clock());
  }
}

/** A text in the provider's answer; undefined where there is none, or no answer that can be read. */
function fieldOf(body: string, name: string): string | undefined {
  try {
    const answer: unknown = JSON.parse(body);
    const value = typeof answer === 'object' && answer ? Reflect.get(answer, name) : undefined;
    return typeof value === 'string' && value !== '' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** In our own words: the library's messages may quote the URL or the answer. */
function unanswered(error: unknown, timeoutMs: number): MailProviderUnavailable {
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')) {
    return new MailProviderUnavailable(`no answer within ${timeoutMs} ms`, { inDoubt: true });
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'no answer';
  return new MailProviderUnavailable(`the connection failed (${code})`, {
    inDoubt: !UNREACHED.has(code),
  });
}
