import type { components } from './api-types.js';

type Schemas = components['schemas'];

export type ViewedAccount = Schemas['ViewAccountAnswer'];
export type RegisterAnswer = Schemas['RegisterAccountAnswer'];
export type CodeAnswer = Schemas['RequestActivationCodeAnswer'];
/** As the API sends it (RFC 9457). */
export type ApiProblem = Schemas['Problem'];

type ActivateAnswer = Schemas['ActivateAccountAnswer'];
/** What a problem is about: `activation-code-incorrect`, `too-many-requests`, … */
export type ProblemKind = ApiProblem['type'] extends `/problems/${infer Kind}` ? Kind : never;

export interface Credentials {
  readonly email: string;
  readonly password: string;
}

export interface RegistrationClientOptions {
  /** Where the API is: `https://accounts.example.org`; the page's own origin when left out in a browser. */
  readonly url?: string;
  /** Language of mails and of sentences in problems: `de`, `fr-CH, fr;q=0.9`. A browser sends its own. */
  readonly language?: string;
  /** How long a call may wait and try again while the API cannot serve it, in milliseconds; 10,000 when left out. */
  readonly patienceMs?: number;
  /** Stands in for the platform's `fetch`. */
  readonly fetch?: typeof fetch;
}

/** The API refused a call, and says what to change. */
export class RegistrationProblem extends Error {
  override readonly name = 'RegistrationProblem';

  constructor(readonly document: ApiProblem) {
    super(document.detail);
  }

  get kind(): ProblemKind {
    return this.document.type.replace('/problems/', '') as ProblemKind;
  }

  get status(): number {
    return this.document.status;
  }

  /** When the call may be repeated, in seconds; undefined where repeating it is of no use. */
  get retryAfterSeconds(): number | undefined {
    return this.document.retryAfterSeconds;
  }
}

/** No answer came that the API could have given: the network is away, or something else answered. */
export class RegistrationUnreachable extends Error {
  override readonly name = 'RegistrationUnreachable';
}

interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly credentials?: Credentials;
  readonly body?: object;
  readonly signal?: AbortSignal | undefined;
}

const PATIENCE_MS = 10_000;
/** Pause before a call is repeated that got no answer, in milliseconds. */
const PAUSE_MS = 500;
/** An answer names the second that it was written in, and takes a moment to arrive: longer, and a clock was set anew. */
const CUT_AND_TRAVEL_MS = 5_000;
const CONSISTENCY_TOKEN = 'Consistency-Token';

/**
 * Calls the registration API from a browser or Node. A client belongs to one person: it remembers what the API said
 * of the last change, so that what follows sees it.
 *
 * A call that the API cannot serve for now (503), or that got no answer, is repeated when `Retry-After` says, for as
 * long as the client's patience lasts; repeating one is safe. Every method throws RegistrationProblem where the API
 * refuses, RegistrationUnreachable where it is away, and the signal's reason once that is aborted.
 */
export class RegistrationClient {
  private readonly url: string;
  private token: string | undefined;
  /** Milliseconds; undefined until the first answer. */
  private ahead: number | undefined;

  constructor(private readonly options: RegistrationClientOptions = {}) {
    this.url = (options.url ?? '').replace(/\/$/, '');
  }

  /**
   * Registers an address. The answer is the same whether it has an account: only its owner learns that, by mail.
   *
   * @param registration `captchaToken`: what the widget gave the page, where the service asks for a captcha
   */
  register(
    registration: Credentials & { readonly captchaToken?: string },
    signal?: AbortSignal,
  ): Promise<RegisterAnswer> {
    return this.answerTo({ method: 'POST', path: '/v1/accounts', body: registration, signal });
  }

  /** Activates the account with the code from the newest mail. One that a repeated call finds active is a success. */
  async activate(
    credentials: Credentials,
    code: string,
    signal?: AbortSignal,
  ): Promise<Pick<ActivateAnswer, 'activatedAt'>> {
    const path = '/v1/account/activation';
    try {
      return await this.answerTo<ActivateAnswer>({
        method: 'POST',
        path,
        credentials,
        body: { code },
        signal,
      });
    } catch (error) {
      const activatedAt = error instanceof RegistrationProblem && error.document.activatedAt;
      if (!activatedAt) throw error;
      return { activatedAt };
    }
  }

  /** Asks for a new code; earlier ones are void. */
  requestCode(credentials: Credentials, signal?: AbortSignal): Promise<CodeAnswer> {
    return this.answerTo({
      method: 'POST',
      path: '/v1/account/activation-code',
      credentials,
      signal,
    });
  }

  /** @param options `wait: 'sent'`: answers once the code was handed over to the mail provider, after 10 s at most */
  account(
    credentials: Credentials,
    { wait, signal }: { wait?: 'sent'; signal?: AbortSignal } = {},
  ): Promise<ViewedAccount> {
    const path = wait ? `/v1/account?wait=${wait}` : '/v1/account';
    return this.answerTo({ method: 'GET', path, credentials, signal });
  }

  /** Whole seconds until an instant that the API named, by the API's clock; 0 when it has passed. */
  secondsUntil(instant: string): number {
    return Math.max(0, Math.ceil(this.millisecondsUntil(instant) / 1_000));
  }

  private millisecondsUntil(instant: string): number {
    return Date.parse(instant) - Date.now() - (this.ahead ?? 0);
  }

  /**
   * Calls `onSecond` with the seconds left, now and at each further second, until none is left or the signal is
   * aborted.
   */
  async countdown(
    instant: string,
    onSecond: (secondsLeft: number) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    for (;;) {
      if (signal?.aborted) return;
      const left = this.secondsUntil(instant);
      onSecond(left);
      if (left === 0) return;
      const untilNext = this.millisecondsUntil(instant) % 1_000 || 1_000;
      await pause(untilNext, signal).catch(() => undefined);
    }
  }

  /**
   * The API's clock is so far ahead, or more: its answers name whole seconds, and take a moment to arrive. The largest
   * difference is the nearest to the truth, unless the clock of this machine was set anew.
   */
  private compareClocks(aheadOrMore: number): void {
    const known = this.ahead ?? -Infinity;
    const wasSetAnew = aheadOrMore < known - CUT_AND_TRAVEL_MS;
    if (aheadOrMore > known || wasSetAnew) this.ahead = aheadOrMore;
  }

  private async answerTo<Answer>(call: Call): Promise<Answer> {
    const patienceUntil = Date.now() + (this.options.patienceMs ?? PATIENCE_MS);
    for (;;) {
      try {
        return (await this.once(call)) as Answer;
      } catch (error) {
        call.signal?.throwIfAborted();
        const waitMs = repeatableAfter(error);
        if (waitMs === undefined || Date.now() + waitMs > patienceUntil) throw error;
        await pause(waitMs, call.signal);
      }
    }
  }

  private async once({ method, path, credentials, body, signal }: Call): Promise<unknown> {
    const headers = new Headers({ 'X-Requested-With': 'registration-client' });
    if (this.options.language) headers.set('Accept-Language', this.options.language);
    if (credentials) headers.set('Authorization', basicAuth(credentials));
    if (credentials && this.token) headers.set(CONSISTENCY_TOKEN, this.token);
    if (body) headers.set('Content-Type', 'application/json');
    const request = {
      method,
      headers,
      body: body ? JSON.stringify(body) : null,
      signal: signal ?? null,
    };
    let response: Response;
    let answer: unknown;
    try {
      response = await (this.options.fetch ?? fetch)(this.url + path, request);
      answer = JSON.parse(await response.text());
    } catch (error) {
      throw new RegistrationUnreachable('the registration service cannot be reached', {
        cause: error,
      });
    }
    const date = Date.parse(response.headers.get('Date') ?? '');
    if (!Number.isNaN(date)) this.compareClocks(date - Date.now());
    this.token = response.headers.get(CONSISTENCY_TOKEN) ?? this.token;
    if (response.ok) return answer;
    if (isProblem(answer)) throw new RegistrationProblem(answer);
    throw new RegistrationUnreachable(`something else answered, with status ${response.status}`);
  }
}

/** @returns milliseconds; undefined when repeating the call would change nothing */
function repeatableAfter(error: unknown): number | undefined {
  if (error instanceof RegistrationUnreachable) return PAUSE_MS;
  if (!(error instanceof RegistrationProblem) || error.status !== 503) return undefined;
  return (error.retryAfterSeconds ?? 1) * 1_000;
}

function isProblem(answer: unknown): answer is ApiProblem {
  return typeof answer === 'object' && answer !== null && 'type' in answer && 'detail' in answer;
}

/** Any letters, emoji included: `btoa` alone takes Latin-1. */
function basicAuth({ email, password }: Credentials): string {
  const bytes = new TextEncoder().encode(`${email}:${password}`);
  return `Basic ${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))}`;
}

function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
