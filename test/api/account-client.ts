import { randomBytes } from 'node:crypto';
import { expect } from '@jest/globals';
import { accountStreamName } from '@app/accounts';
import type { AccountEventType } from '@app/accounts';
import { EventStoreDBEventStore } from '@app/event-store/eventstoredb-event-store.js';
import { eventually } from '../support/eventually.js';
import type { Product } from '../support/product.js';

/** An answer of the API with its body read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Credentials {
  readonly email: string;
  readonly password: string;
}

export const PASSWORD = 'correct horse battery staple';

/** A caller with an address that is not in use yet. */
export function newCaller(password = PASSWORD): Credentials {
  return { email: `ada.${randomBytes(6).toString('hex')}@example.org`, password };
}

export function basicAuth({ email, password }: Credentials): string {
  return `Basic ${Buffer.from(`${email}:${password}`, 'utf8').toString('base64')}`;
}

/** Any code but this one. */
export function anotherCode(code: string): string {
  return code === '0000' ? '1111' : '0000';
}

/** The public API as a client application calls it. */
export class AccountClient {
  constructor(
    private readonly url: string,
    private readonly userAgent = 'spec',
  ) {}

  async call(path: string, init: RequestInit = {}): Promise<Answer> {
    const headers = new Headers(init.headers);
    headers.set('User-Agent', this.userAgent);
    const response = await fetch(this.url + path, { ...init, headers });
    const text = await response.text();
    const isJson = text !== '' && /json/.test(response.headers.get('Content-Type') ?? '');
    const body = isJson ? (JSON.parse(text) as Answer['body']) : {};
    return { status: response.status, headers: response.headers, text, body };
  }

  post(path: string, body: string | object, headers: Record<string, string> = {}) {
    return this.call(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  /** Whatever else a test keeps of a caller is not sent: it would be refused before anything is done. */
  register({ email, password }: Credentials) {
    return this.post('/v1/accounts', { email, password });
  }

  view(caller: Credentials, headers: Record<string, string> = {}) {
    return this.call('/v1/account', { headers: { Authorization: basicAuth(caller), ...headers } });
  }

  activate(caller: Credentials, code: unknown, headers: Record<string, string> = {}) {
    const authorization = { Authorization: basicAuth(caller), ...headers };
    return this.post('/v1/account/activation', { code }, authorization);
  }

  requestCode(caller: Credentials) {
    return this.call('/v1/account/activation-code', {
      method: 'POST',
      headers: { Authorization: basicAuth(caller) },
    });
  }
}

const SHORT_CODE = /(?<![\w-])\d{4}(?![\w-])/;
const LONG_CODE = /\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b/;

/** What happened in the product, seen from behind. */
export class Backstage {
  private readonly eventStore: EventStoreDBEventStore;

  constructor(private readonly product: Product) {
    this.eventStore = new EventStoreDBEventStore({ url: product.endpoints.eventstore });
  }

  /** The code of the newest mail to the caller, once there are so many mails with one. */
  codeFor(caller: Credentials, mails = 1): Promise<string> {
    return this.codeLike(SHORT_CODE, caller, mails);
  }

  /** The same of long codes. */
  longCodeFor(caller: Credentials, mails = 1): Promise<string> {
    return this.codeLike(LONG_CODE, caller, mails);
  }

  private codeLike(form: RegExp, { email }: Credentials, mails: number): Promise<string> {
    return eventually(
      async () => {
        const response = await fetch(
          `${this.product.endpoints.mailbox}/emails?to=${encodeURIComponent(email)}`,
        );
        const { data } = (await response.json()) as { data: { text: string }[] };
        const codes = data.flatMap(({ text }) => form.exec(text)?.[0] ?? []);
        const [newest] = codes;
        if (newest === undefined || codes.length < mails) throw new Error('no mail has arrived');
        return newest;
      },
      { within: 15_000 },
    );
  }

  /** Sets the mailbox's fault switches; none puts them back to normal. */
  async mailFaults(faults: object = {}): Promise<void> {
    const response = await fetch(`${this.product.endpoints.mailbox}/faults`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(faults),
    });
    expect(response.status).toBe(200);
  }

  async historyOf(accountId: unknown): Promise<{ type: string; data: unknown }[]> {
    const history: { type: string; data: unknown }[] = [];
    for await (const { type, data } of this.eventStore.readStream(
      accountStreamName(String(accountId)),
    )) {
      history.push({ type, data });
    }
    return history;
  }

  /** The account's newest event of that type, once there is one. */
  recorded(accountId: unknown, type: AccountEventType): Promise<Readonly<Record<string, unknown>>> {
    return eventually(
      async () => {
        const event = (await this.historyOf(accountId)).findLast((one) => one.type === type);
        if (!event) throw new Error(`${type} is not recorded`);
        return event.data as Readonly<Record<string, unknown>>;
      },
      { within: 15_000 },
    );
  }

  /** Position of the last event of any account. */
  async endOfLog(): Promise<bigint | undefined> {
    const stop = new AbortController();
    let end: bigint | undefined;
    const messages = this.eventStore.subscribeToAll({
      after: 'start',
      streamNamePrefixes: ['account-'],
      signal: stop.signal,
    });
    for await (const message of messages) {
      if (message.kind === 'event') end = message.event.position;
      if (message.kind === 'caught-up') stop.abort();
    }
    return end;
  }

  close(): Promise<void> {
    return this.eventStore.close();
  }
}

/** Checks that the answer is a whole problem document of that kind. */
export function expectProblem(answer: Answer, status: number, slug: string): void {
  expect({ status: answer.status, type: answer.body['type'] }).toEqual({
    status,
    type: `/problems/${slug}`,
  });
  const requestId = answer.headers.get('X-Request-Id');
  expect(answer.body).toMatchObject({
    title: expect.stringMatching(/./),
    status,
    detail: expect.stringMatching(/./),
    instance: `urn:uuid:${requestId}`,
    requestId,
  });
  expect(answer.headers.get('Content-Type')).toBe('application/problem+json');
}

/** A Retry-After of whole seconds between the two, both included. */
export function expectRetryAfter(answer: Answer, least: number, most: number): void {
  const header = answer.headers.get('Retry-After') ?? '';
  expect(header).toMatch(/^\d+$/);
  expect(Number(header)).toBeGreaterThanOrEqual(least);
  expect(Number(header)).toBeLessThanOrEqual(most);
}
