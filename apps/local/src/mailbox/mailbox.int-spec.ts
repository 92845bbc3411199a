import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createLog } from '@app/process';
import type { RunningProcess } from '@app/process';
import { eventually } from '../../../../test/support/eventually.js';
import { temporaryFolder } from '../../../../test/support/run-folder.js';
import type { Email } from './keep-emails/email.js';
import { loadMailboxSettings } from './mailbox-settings.js';
import { startMailbox } from './start-mailbox.js';

const API_KEY = 'key-of-the-mailbox-spec';

let mailbox: RunningProcess;
let url: string;

beforeAll(async () => {
  mailbox = await start(0);
  url = mailbox.endpoints['mailbox']!;
});

afterAll(() => mailbox.stop());

afterEach(async () => {
  for (const path of ['/faults', '/emails']) {
    expect((await fetch(url + path, { method: 'DELETE' })).status).toBe(204);
  }
});

/** A mailbox of its own that prints nothing. */
function start(port: number): Promise<RunningProcess> {
  const settings = loadMailboxSettings({
    MAILBOX_PORT: String(port),
    EMAIL_API_KEY: API_KEY,
    MAILBOX_DATA_DIR: temporaryFolder('mailbox'),
  });
  return startMailbox(settings, createLog('mailbox'), () => undefined);
}

const message = {
  from: 'Accounts <no-reply@example.org>',
  to: ['ada@example.org'],
  subject: 'Your code',
  text: 'Your code is 0421.',
  html: '<p>Your code is <b>0421</b>.</p>',
};

interface Sending {
  readonly body?: unknown;
  readonly key?: string;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

function send({ body = message, key, headers = {}, signal }: Sending = {}): Promise<Response> {
  return fetch(`${url}/emails`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Bearer ${API_KEY}`,
      ...(key !== undefined && { 'Idempotency-Key': key }),
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal && { signal }),
  });
}

async function inbox(query = ''): Promise<Email[]> {
  const answer = await fetch(`${url}/emails${query}`);
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { data: Email[] }).data;
}

async function setFaults(faults: object): Promise<void> {
  const headers = { 'Content-Type': 'application/json' };
  const body = JSON.stringify(faults);
  const answer = await fetch(`${url}/faults`, { method: 'PUT', headers, body });
  expect(answer.status).toBe(200);
}

const read = async (path: string) =>
  (await (await fetch(url + path)).json()) as Record<string, unknown>;

describe('POST /emails', () => {
  it('accepts a message and shows it in the inbox of its recipient', async () => {
    const answer = await send({ key: 'account/1' });
    expect(answer.status).toBe(200);
    const { id } = (await answer.json()) as { id: string };

    const [email, ...others] = await inbox('?to=Ada@example.org');
    expect(others).toEqual([]);
    expect(email).toEqual({
      id,
      ...message,
      idempotencyKey: 'account/1',
      receivedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
    expect(await read(`/emails/${id}`)).toEqual(email);
    expect(await inbox('?to=grace@example.org')).toEqual([]);
  });

  it('answers one key with one id, and keeps one message', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => send({ key: 'account/1' })));
    const ids = await Promise.all(answers.map((answer) => answer.json()));

    expect(new Set(ids.map((answer) => (answer as { id: string }).id)).size).toBe(1);
    expect(await inbox()).toHaveLength(1);
  });

  it.each([
    ['no key', { headers: { Authorization: '' } }, 401, 'missing_api_key'],
    ['another scheme', { headers: { Authorization: 'Basic eDp5' } }, 401, 'missing_api_key'],
    ['a wrong key', { headers: { Authorization: 'Bearer wrong' } }, 403, 'invalid_api_key'],
    ['a missing field', { body: { ...message, to: undefined } }, 422, 'missing_required_field'],
    ['a wrong address', { body: { ...message, to: ['x'] } }, 422, 'validation_error'],
    ['a long idempotency key', { key: 'x'.repeat(257) }, 400, 'invalid_idempotency_key'],
    ['an empty idempotency key', { key: '' }, 400, 'invalid_idempotency_key'],
    ['malformed JSON', { body: '{"from":' }, 400, 'validation_error'],
    ['__proto__', { body: '{"__proto__":{"x":1}}' }, 400, 'validation_error'],
    ['too much', { body: { ...message, x: 'x'.repeat(300_000) } }, 413, 'payload_too_large'],
    ['XML', { headers: { 'Content-Type': 'text/xml' } }, 415, 'unsupported_media_type'],
  ])('refuses %s', async (_what, sending, statusCode, name) => {
    const answer = await send(sending);
    expect(answer.status).toBe(statusCode);
    expect(await answer.json()).toEqual({ statusCode, name, message: expect.any(String) });
    expect(await inbox()).toEqual([]);
  });

  it('refuses a key that was used for another message', async () => {
    await send({ key: 'account/1' });
    const answer = await send({ key: 'account/1', body: { ...message, subject: 'Another' } });
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ name: 'invalid_idempotent_request' });
    expect(await inbox()).toHaveLength(1);
  });
});

describe('GET /emails', () => {
  it('finds an address with a plus sign, encoded or typed by hand', async () => {
    await send({ body: { ...message, to: ['ada+1@example.org'] } });
    expect(await inbox('?to=ada%2B1%40example.org')).toHaveLength(1);
    expect(await inbox('?to=ada+1@example.org')).toHaveLength(1);
  });

  it('answers newest first and says when there are more than asked for', async () => {
    for (const subject of ['one', 'two', 'three']) await send({ body: { ...message, subject } });
    const { data, has_more } = (await read('/emails?limit=2')) as {
      data: Email[];
      has_more: boolean;
    };
    expect(data.map(({ subject }) => subject)).toEqual(['three', 'two']);
    expect(has_more).toBe(true);
  });

  it.each(['limit=0', 'limit=10001', 'limit=x', 'to=a@b.example&to=c@d.example'])(
    'refuses ?%s',
    async (query) => {
      expect((await fetch(`${url}/emails?${query}`)).status).toBe(422);
    },
  );

  it('knows no message by an id it did not give', async () => {
    const answer = await fetch(`${url}/emails/none`);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ statusCode: 404, name: 'not_found' });
  });
});

describe('faults', () => {
  it('fails the next requests, as often as set and with Retry-After', async () => {
    await setFaults({ failNext: { status: 429, count: 2, retryAfterSeconds: 3 } });
    for (let n = 0; n < 2; n += 1) {
      const answer = await send({ key: 'account/1' });
      expect(answer.status).toBe(429);
      expect(answer.headers.get('Retry-After')).toBe('3');
      expect(await answer.json()).toMatchObject({ name: 'rate_limit_exceeded' });
    }
    expect(await inbox()).toEqual([]);
    expect((await send({ key: 'account/1' })).status).toBe(200);
  });

  it('fails every request until the switch is cleared', async () => {
    await setFaults({ failAlways: { status: 503 } });
    for (let n = 0; n < 3; n += 1) expect((await send()).status).toBe(503);
    await fetch(`${url}/faults`, { method: 'DELETE' });
    expect((await send()).status).toBe(200);
  });

  it('fails the requests for one recipient, and no other one', async () => {
    await setFaults({ recipients: [{ to: 'Ada@Example.org', fail: { status: 409 } }] });
    for (let n = 0; n < 2; n += 1) expect((await send()).status).toBe(409);
    expect((await send({ body: { ...message, to: ['grace@example.org'] } })).status).toBe(200);
    expect(await inbox()).toHaveLength(1);
  });

  it('never answers, or answers late, what is for one recipient, and no other one', async () => {
    await setFaults({
      recipients: [
        { to: 'ada@example.org', hang: true },
        { to: 'late@example.org', latencyMs: 250 },
      ],
    });
    await expect(send({ signal: AbortSignal.timeout(300) })).rejects.toThrow('aborted');
    const begun = performance.now();
    expect((await send({ body: { ...message, to: ['late@example.org'] } })).status).toBe(200);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(240);
    expect((await send({ body: { ...message, to: ['grace@example.org'] } })).status).toBe(200);
    expect(await inbox()).toHaveLength(2);
  });

  it('cuts the connection after keeping the message; the retry gets the id of that message', async () => {
    await setFaults({ dropAfterAccept: 1 });
    await expect(send({ key: 'account/1' })).rejects.toThrow('fetch failed');
    const [kept] = await inbox();

    const answer = await send({ key: 'account/1' });
    expect(await answer.json()).toEqual({ id: kept?.id });
    expect(await inbox()).toHaveLength(1);
  });

  it('never answers and keeps nothing', async () => {
    await setFaults({ hang: 1 });
    const hanging = send({ key: 'account/1', signal: AbortSignal.timeout(300) });
    await expect(hanging).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(await inbox()).toEqual([]);
    expect((await send({ key: 'account/1' })).status).toBe(200);
  });

  it('is slow, and keeps a message whose sender has stopped waiting', async () => {
    await setFaults({ latencyMs: 400 });
    const startedAt = performance.now();
    const impatient = send({ key: 'account/1', signal: AbortSignal.timeout(100) });
    await expect(impatient).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(await inbox()).toEqual([]);

    await eventually(async () => expect(await inbox()).toHaveLength(1));
    expect(performance.now() - startedAt).toBeGreaterThan(390);
  });

  it('delivers twice', async () => {
    await send({ key: 'account/0', body: { ...message, to: ['grace@example.org'] } });
    await setFaults({ duplicate: 1 });
    await send({ key: 'account/0', body: { ...message, to: ['grace@example.org'] } });
    const { id } = (await (await send({ key: 'account/1' })).json()) as { id: string };
    const kept = await inbox('?to=ada@example.org');
    expect(kept).toHaveLength(2);
    expect(kept.map((email) => email.id)).toContain(id);
  });

  it('shows the switches as they stand', async () => {
    await setFaults({ failNext: { status: 500, count: 3 } });
    await send();
    expect(await read('/faults')).toEqual({
      latencyMs: 0,
      failNext: { status: 500, count: 2 },
      recipients: [],
      dropAfterAccept: 0,
      hang: 0,
      duplicate: 0,
    });
  });

  it.each([{ latency: 5 }, { latencyMs: -1 }, { failNext: { status: 200, count: 1 } }, [], 'x'])(
    'refuses the switches %j and leaves the old ones',
    async (faults) => {
      await setFaults({ duplicate: 7 });
      const headers = { 'Content-Type': 'application/json' };
      const body = JSON.stringify(faults);
      const answer = await fetch(`${url}/faults`, { method: 'PUT', headers, body });
      expect(answer.status).toBe(422);
      expect(await read('/faults')).toMatchObject({ duplicate: 7 });
    },
  );
});

describe('pages', () => {
  it('shows the inbox and the message under a policy that lets nothing in from outside', async () => {
    const { id } = (await (await send()).json()) as { id: string };
    for (const path of ['/', '/?to=ada@example.org', `/messages/${id}`]) {
      const answer = await fetch(url + path);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('Content-Type')).toBe('text/html; charset=utf-8');
      expect(answer.headers.get('Content-Security-Policy')).toContain("default-src 'none'");
      expect(answer.headers.get('Cache-Control')).toBe('no-store');
      expect(await answer.text()).toMatch(/0421.*data-until=/s);
    }
    expect((await fetch(`${url}/messages/none`)).status).toBe(404);
  });

  it("serves a message's own HTML so that it can neither run nor load anything", async () => {
    const { id } = (await (await send()).json()) as { id: string };
    const answer = await fetch(`${url}/messages/${id}/html`);
    expect(await answer.text()).toBe(message.html);
    expect(answer.headers.get('Content-Security-Policy')).toMatch(/^sandbox; default-src 'none'/);
    expect(answer.headers.get('X-Content-Type-Options')).toBe('nosniff');
  });
});

describe('the process', () => {
  it('is healthy', async () => {
    expect(await read('/health')).toEqual({ status: 'ok' });
  });

  it('names MAILBOX_PORT when the port is taken', async () => {
    const other = createServer();
    await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening));
    const { port } = other.address() as AddressInfo;
    try {
      await expect(start(port)).rejects.toThrow(
        `MAILBOX_PORT: port ${port} cannot be used (it is taken)`,
      );
    } finally {
      await new Promise((closed) => other.close(closed));
    }
  });

  it('stops although a request hangs', async () => {
    const short = await start(0);
    const there = short.endpoints['mailbox']!;
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${API_KEY}` };
    await fetch(`${there}/faults`, { method: 'PUT', headers, body: '{"hang":1}' });
    const body = JSON.stringify(message);
    const hanging = fetch(`${there}/emails`, { method: 'POST', headers, body });
    const cut = expect(hanging).rejects.toThrow('fetch failed');
    await eventually(async () => {
      const faults = (await (await fetch(`${there}/faults`)).json()) as { hang: number };
      expect(faults.hang).toBe(0);
    });
    await short.stop();
    await cut;
  });
});
