import { describe, expect, it } from '@jest/globals';
import { RegistrationClient, RegistrationProblem, RegistrationUnreachable } from './index.js';

const ADA = { email: 'ada@example.org', password: 'korrektes Pferd 🐎' };

interface Answer {
  readonly status: number;
  readonly body?: object;
  readonly headers?: Record<string, string>;
}

const account: Answer = { status: 200, body: { status: 'pending' } };
const problem = (kind: string, status: number, more: object = {}): Answer => ({
  status,
  body: { type: `/problems/${kind}`, title: kind, status, detail: `about ${kind}`, ...more },
});
const unavailable = problem('service-unavailable', 503, { retryAfterSeconds: 0.05 });

/** A client whose API answers so, one after the other; an error is a network that is away. */
function calling(...answers: readonly (Answer | Error)[]) {
  const calls: { url: string; method: string; headers: Headers; body: unknown }[] = [];
  const client = new RegistrationClient({
    url: 'https://accounts.example.org/',
    language: 'de',
    patienceMs: 2_000,
    fetch: async (url, init = {}) => {
      const { method = 'GET', body } = init;
      calls.push({ url: String(url), method, headers: new Headers(init.headers), body });
      const answer = answers[calls.length - 1];
      if (!answer) throw new Error('one call too many');
      if (answer instanceof Error) throw answer;
      return Response.json(answer.body, { status: answer.status, headers: answer.headers ?? {} });
    },
  });
  return { client, calls };
}

describe('The client', () => {
  it('sends what the API asks for', async () => {
    const { client, calls } = calling({ status: 202, body: { accountId: 'id' } }, account);
    await client.register(ADA);
    await client.account(ADA, { wait: 'sent' });
    expect(calls.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST https://accounts.example.org/v1/accounts',
      'GET https://accounts.example.org/v1/account?wait=sent',
    ]);
    expect(calls[0]?.body).toBe(JSON.stringify(ADA));
    expect(calls[0]?.headers.has('Authorization')).toBe(false);
    expect(calls[1]?.headers.get('Accept-Language')).toBe('de');
    const [, basic = ''] = calls[1]?.headers.get('Authorization')?.split(' ') ?? [];
    expect(Buffer.from(basic, 'base64').toString('utf8')).toBe(`${ADA.email}:${ADA.password}`);
  });

  it('keeps the newest consistency token, and sends it with what needs the account', async () => {
    const token = (value: string) => ({ headers: { 'Consistency-Token': value } });
    const { client, calls } = calling(
      { ...account, status: 202, ...token('one') },
      { ...account, status: 202, ...token('two') },
      account,
      account,
    );
    await client.register(ADA);
    await client.requestCode(ADA);
    await client.account(ADA);
    await client.account(ADA);
    const sent = calls.map(({ headers }) => headers.get('Consistency-Token'));
    expect(sent).toEqual([null, 'one', 'two', 'two']);
  });

  it('tries again when Retry-After says, and where no answer came', async () => {
    const { client, calls } = calling(unavailable, new TypeError('fetch failed'), account);
    const startedAt = Date.now();
    expect(await client.account(ADA)).toEqual({ status: 'pending' });
    expect(calls).toHaveLength(3);
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(500);
  });

  it('gives up when its patience ends before the API may be asked again', async () => {
    const later = problem('service-unavailable', 503, { retryAfterSeconds: 5 });
    const { client, calls } = calling(later);
    const error = await client.account(ADA).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RegistrationProblem);
    expect(error).toMatchObject({ kind: 'service-unavailable', status: 503, retryAfterSeconds: 5 });
    expect(calls).toHaveLength(1);
  });

  it.each([
    problem('activation-code-incorrect', 422, { attemptsLeft: 2 }),
    problem('too-many-requests', 429, { retryAfterSeconds: 0.01 }),
    problem('unauthenticated', 401),
  ])('leaves a refusal to the caller at once: $status', async (answer) => {
    const { client, calls } = calling(answer);
    await expect(client.activate(ADA, '0000')).rejects.toMatchObject({ document: answer.body });
    expect(calls).toHaveLength(1);
  });

  it('takes an activation whose answer was lost for what it is', async () => {
    const activatedAt = '2026-11-22T10:02:12.345Z';
    const { client } = calling(
      new TypeError('fetch failed'),
      problem('account-already-active', 409, { activatedAt }),
    );
    expect(await client.activate(ADA, '0042')).toEqual({ activatedAt });
  });

  it('tells an answer that is not from the API', async () => {
    const { client } = calling(...Array.from({ length: 5 }, () => ({ status: 502, body: {} })));
    await expect(client.account(ADA)).rejects.toBeInstanceOf(RegistrationUnreachable);
  });

  it('ends with its signal, also while it waits', async () => {
    const { client, calls } = calling(
      problem('service-unavailable', 503, { retryAfterSeconds: 1 }),
    );
    const leaving = new AbortController();
    const asking = client.account(ADA, { signal: leaving.signal });
    leaving.abort(new Error('the page was left'));
    await expect(asking).rejects.toThrow('the page was left');
    expect(calls).toHaveLength(1);
  });

  it("counts down by the API's clock", async () => {
    const anHourAhead = new Date(Date.now() + 3_600_000);
    const headers = { Date: anHourAhead.toUTCString() };
    const { client } = calling({ ...account, headers });
    await client.account(ADA);
    const expiresAt = new Date(anHourAhead.getTime() + 59_500).toISOString();
    expect(client.secondsUntil(expiresAt)).toBeGreaterThan(57);
    expect(client.secondsUntil(expiresAt)).toBeLessThanOrEqual(61);
    expect(client.secondsUntil(anHourAhead.toISOString())).toBeLessThanOrEqual(1);
    expect(client.secondsUntil(new Date().toISOString())).toBe(0);

    const seen: number[] = [];
    const soon = new Date(Date.now() + 3_600_000 + 1_200).toISOString();
    await client.countdown(soon, (left) => seen.push(left));
    expect(seen.at(-1)).toBe(0);
    expect(seen).toEqual(seen.toSorted((one, other) => other - one));
  });

  it('keeps the nearest of the seconds that answers name, until a clock is set anew', async () => {
    const second = Math.floor(Date.now() / 1_000) * 1_000;
    const expiresAt = new Date(second + 59_500).toISOString();
    const answers = [-1_000, 0, -1_000, -3_600_000].map((cut) => ({
      ...account,
      headers: { Date: new Date(second + cut).toUTCString() },
    }));
    const { client } = calling(...answers);
    const left: number[] = [];
    for (const _ of answers) {
      await client.account(ADA);
      left.push(client.secondsUntil(expiresAt));
    }
    expect(left).toEqual([61, 60, 60, 3_660]);
  });
});
