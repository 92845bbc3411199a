import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  accountActivated,
  accountRegistered,
  activationRefused,
  codeIssued,
  codeSent,
  codeUndeliverable,
  noon,
  registrationRenewed,
  SECOND,
} from '@app/accounts/testing/account-examples.js';
import type { AccountEvent } from '@app/accounts';
import type { RecordedEvent } from '@app/event-store';
import fc from 'fast-check';
import { scopes } from '../../apps/accounts-admin/src/keys/scopes.js';
import { startAdminService } from './admin-service.js';
import type { AdminService, Answer } from './admin-service.js';

const ADA = 'Ada@Example.org';
const GRACE = 'grace@example.org';

describe('the admin API', () => {
  let admin: AdminService;
  let key: string;

  beforeAll(async () => {
    admin = await startAdminService();
    key = await admin.keyWith(...scopes);
    await admin.record(
      ADA,
      registered(ADA, noon),
      codeIssued(1, noon),
      codeSent(1, noon + SECOND),
      activationRefused(1, 'incorrect', noon + 20 * SECOND),
      registrationRenewed(noon + 40 * SECOND),
    );
    await admin.record(
      GRACE,
      registered(GRACE, noon + SECOND),
      codeIssued(1, noon + SECOND),
      codeSent(1, noon + 2 * SECOND),
      accountActivated(1, noon + 10 * SECOND),
    );
  });
  beforeEach(() => {
    admin.store.isDown = false;
    admin.store.breaksAfter = Infinity;
    admin.now = () => Date.now();
  });
  afterAll(() => admin.stop());

  function registered(address: string, at: number): AccountEvent {
    return { ...accountRegistered(at), data: { ...accountRegistered(at).data, address } };
  }

  const get = (path: string, accept?: string): Promise<Answer> =>
    admin.call('GET', `/admin/v1${path}`, accept ? { key, accept } : { key });

  async function audited(): Promise<readonly RecordedEvent[]> {
    const ended = new AbortController();
    const events: RecordedEvent[] = [];
    for await (const message of admin.store.subscribeToAll({
      after: 'start',
      streamNamePrefixes: ['audit-'],
      signal: ended.signal,
    })) {
      if (message.kind === 'caught-up') break;
      if (message.kind === 'event') events.push(message.event);
    }
    ended.abort();
    return events;
  }

  describe('audit', () => {
    const unknown = 'nobody@example.org';

    it.each([
      ['GET /accounts', 'list-accounts', 'answered', 2],
      ['GET /accounts?email=ada*', 'list-accounts', 'answered', 1],
      [`GET /accounts?email=${ADA}`, 'list-accounts', 'answered', 1],
      [`GET /accounts?email=${unknown}`, 'list-accounts', 'answered', 1],
      ['GET /accounts?ada@example.org=1', 'list-accounts', 'invalid-request', 0],
      [`GET /accounts/${ADA}`, 'view-account', 'answered', 1],
      [`HEAD /accounts/${ADA}`, 'view-account', 'answered', 1],
      [`GET /accounts/${unknown}`, 'view-account', 'account-not-found', 1],
      ['GET /accounts/ada@', 'view-account', 'invalid-request', 0],
      [`GET /accounts/${ADA}/state`, 'view-account-state', 'answered', 1],
      [`GET /accounts/${ADA}/state?revision=99`, 'view-account-state', 'invalid-request', 1],
      [`GET /accounts/${ADA}/diff?from=0&to=1`, 'diff-account', 'answered', 1],
      [`GET /accounts/${ADA}/history`, 'replay-account', 'answered', 1],
      [`GET /accounts/${ADA}/explanation`, 'explain-account', 'answered', 1],
      [`GET /accounts/${unknown}/explanation`, 'explain-account', 'account-not-found', 1],
      [`GET /accounts/${ADA}/verification`, 'verify-account', 'answered', 1],
      [`GET /accounts/${unknown}/verification`, 'verify-account', 'account-not-found', 1],
      [`GET /accounts/${ADA}/history/export`, 'export-history', 'answered', 1],
      [`GET /accounts/${unknown}/audit`, 'audit-account', 'answered', 1],
      [`GET /audit?account=${ADA}`, 'list-audit', 'answered', 1],
      ['GET /verification', 'verify-histories', 'answered', 0],
      ['GET /heads', 'export-heads', 'answered', 0],
      [`GET /support-bundle?account=${ADA}`, 'support-bundle', 'answered', 1],
      [`GET /support-bundle?account=${unknown}`, 'support-bundle', 'account-not-found', 1],
      ['GET /activation-mails', 'list-activation-mails', 'answered', 2],
      [`POST /accounts/${GRACE}/free`, 'free-account', 'account-already-active', 1],
      [`POST /accounts/${unknown}/free`, 'free-account', 'account-not-found', 1],
      [`DELETE /accounts/${unknown}?reason=test-data`, 'erase-account', 'account-not-found', 1],
      [
        'POST /activation-mails/6f9619ff-8b86-8d01-b42d-00cf4fc964ff.1/retry',
        'retry-activation-mail',
        'account-not-found',
        1,
      ],
      ['DELETE /keys/ada@example.org', 'revoke-key', 'admin-key-not-found', 0],
    ])('%s is one event on record', async (call, operation, outcome, accounts) => {
      const [method = '', path = ''] = call.split(' ');
      const before = await audited();
      const { headers } = await admin.call(method, `/admin/v1${path}`, { key });
      const [event, ...more] = (await audited()).slice(before.length);
      expect(more).toEqual([]);
      expect(event).toMatchObject({
        type: 'AdminCallAnswered',
        streamName: expect.stringMatching(/^audit-\d{4}-\d\d-\d\d-/),
        data: {
          keyId: key.split('.')[0],
          operation,
          outcome,
          at: expect.any(String),
        },
        metadata: { actor: `admin:${key.split('.')[0]}`, $correlationId: headers['x-request-id'] },
      });
      expect((event?.data as { accountIds?: string[] } | undefined)?.accountIds).toHaveLength(
        accounts,
      );
      expect(JSON.stringify([event?.data, event?.metadata]).toLowerCase()).not.toMatch(
        /ada@|nobody@|grace@/,
      );
    });

    it.each([
      '/statistics',
      '/projections',
      '/keys',
      '/failed-events',
      '/what-if?codeTtlSeconds=120',
      '/support-bundle',
    ])('GET %s shows no person, and records nothing', async (path) => {
      const before = await audited();
      const { status, text } = await get(path);
      expect(status).toBe(200);
      expect(text).not.toContain(admin.accountIdOf(ADA));
      expect(await audited()).toHaveLength(before.length);
    });

    it('names who was refused, and whom the call was about', async () => {
      const before = await audited();
      const other = await admin.keyWith('mail:read');
      const refused = await admin.call('GET', `/admin/v1/accounts/${ADA}`, { key: other });
      expect(refused.status).toBe(403);
      expect((await audited()).slice(before.length).map(({ data }) => data)).toMatchObject([
        {
          keyId: other.split('.')[0],
          operation: 'view-account',
          outcome: 'forbidden',
          accountIds: [admin.accountIdOf(ADA)],
        },
      ]);
      await admin.call('GET', '/admin/v1/projections', { key: other });
      expect(await audited()).toHaveLength(before.length + 1);
    });

    it('says which keys were made and revoked, and by whom', async () => {
      const before = await audited();
      const made = await admin.call('POST', '/admin/v1/keys', {
        key,
        body: { label: 'ada@example.org', scopes: ['accounts:read'] },
      });
      const subjectKeyId = String(made.body['keyId']);
      await admin.call('DELETE', `/admin/v1/keys/${subjectKeyId}`, { key });
      await admin.call('POST', '/admin/v1/keys', { key, body: { label: '', scopes: [] } });
      const records = (await audited()).slice(before.length).map(({ data }) => data);
      const by = { keyId: key.split('.')[0], accountIds: [] };
      expect(records).toEqual([
        {
          ...by,
          at: expect.any(String),
          operation: 'issue-key',
          outcome: 'answered',
          subjectKeyId,
        },
        {
          ...by,
          at: expect.any(String),
          operation: 'revoke-key',
          outcome: 'answered',
          subjectKeyId,
        },
        { ...by, at: expect.any(String), operation: 'issue-key', outcome: 'invalid-request' },
      ]);
      expect(JSON.stringify(records)).not.toContain(String(made.body['key']).split('.')[1]);
    });

    type Listed = Record<string, string> & { readonly accountIds: readonly string[] };
    const listed = async (query: string) => {
      const { status, body } = await get(query);
      expect({ query, status }).toEqual({ query, status: 200 });
      return body as unknown as { calls: readonly Listed[]; nextCursor: string | null };
    };

    it('is found by key, account and time, page by page', async () => {
      const alone = await admin.keyWith('accounts:read', 'audit:read');
      const who = alone.split('.')[0] ?? '';
      const accountId = admin.accountIdOf(ADA);
      const times: number[] = [];
      for (const [index, address] of [ADA, GRACE, unknown, ADA].entries()) {
        const at = Date.now() + index * 1_000;
        times.push(at);
        admin.now = () => at;
        await admin.call('GET', `/admin/v1/accounts/${address}`, { key: alone });
      }
      const { calls } = await listed(`/audit?who=${who}`);
      expect(
        calls.map(({ operation, outcome, accountIds: [id] }) => [operation, outcome, id]),
      ).toEqual([
        ['view-account', 'answered', accountId],
        ['view-account', 'account-not-found', admin.accountIdOf(unknown)],
        ['view-account', 'answered', admin.accountIdOf(GRACE)],
        ['view-account', 'answered', accountId],
      ]);
      expect(calls[0]).toMatchObject({ keyId: who, label: 'spec', at: iso(times[3] ?? 0) });
      const ofAda = await listed(`/accounts/${ADA}/audit?who=${who}`);
      expect(ofAda.calls).toEqual([calls[0], calls[3]]);
      expect((await listed(`/audit?who=${who}&account=${accountId}`)).calls).toEqual(ofAda.calls);
      const between = `from=${iso(times[1] ?? 0)}&to=${iso(times[3] ?? 0)}`;
      expect((await listed(`/audit?who=${who}&${between}`)).calls).toEqual(calls.slice(1, 3));
      const pages: Listed[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page = await listed(`/audit?who=${who}&limit=3${cursor && `&cursor=${cursor}`}`);
        pages.push(...page.calls);
        cursor = page.nextCursor;
      }
      expect(pages).toEqual(calls);
      expect((await get('/audit?cursor=x')).status).toBe(400);
      // What the list shows is on record as well, and shown by the next one.
      const seen = (await listed(`/accounts/${ADA}/audit?limit=5`)).calls;
      expect(seen.map(({ operation }) => operation)).toContain('audit-account');
    });

    it('is not answered while the worker has not come so far', async () => {
      const project = admin.store.onAppended;
      admin.store.onAppended = async () => undefined;
      await get(`/accounts/${ADA}`);
      admin.store.onAppended = project;
      expect(await get('/audit')).toMatchObject({
        status: 503,
        body: { type: '/problems/service-unavailable' },
      });
      await get(`/accounts/${ADA}`);
      expect((await get('/audit')).status).toBe(200);
    });

    it('is chained, and part of every verification', async () => {
      await get(`/accounts/${ADA}`);
      const streamName = (await audited()).at(-1)?.streamName ?? '';
      expect((await get('/heads')).text).toContain(`{"stream":"${streamName}","revision":`);
      admin.store.tamper = (all) =>
        all.map((event) =>
          event.streamName === streamName && event.revision === 1n
            ? { ...event, data: { ...(event.data as object), keyId: 'another' } }
            : event,
        );
      const { text } = await get('/verification');
      admin.store.tamper = (all) => all;
      expect(text).toContain(
        `{"broken":{"stream":"${streamName}","revision":1,"reason":"link-differs"}}`,
      );
    });

    it('shows nothing that could not be put on record', async () => {
      admin.store.isDown = true;
      for (const path of [
        '/accounts',
        `/accounts/${ADA}`,
        '/activation-mails',
        `/accounts/${ADA}/history/export`,
        `/support-bundle?account=${ADA}`,
        `/accounts/${ADA}/verification`,
        `/accounts/${ADA}/audit`,
      ]) {
        const { status, text } = await get(path);
        expect(status).toBe(503);
        expect(text.toLowerCase()).not.toContain('example.org');
        expect(text).not.toContain(admin.accountIdOf(ADA));
      }
      admin.store.isDown = false;
      expect((await get('/accounts')).status).toBe(200);
    });

    it('records every one of many reads at a time', async () => {
      const before = await audited();
      const answers = await Promise.all(Array.from({ length: 50 }, () => get(`/accounts/${ADA}`)));
      expect(answers.every(({ status }) => status === 200)).toBe(true);
      expect(await audited()).toHaveLength(before.length + 50);
    });
  });

  describe('accounts', () => {
    it('are found by status, address, beginning of the address and time', async () => {
      const found = async (query: string) => {
        const { body } = await get(`/accounts?sort=registeredAt&${query}`);
        return (body['accounts'] as { email: string }[]).map(({ email }) => email);
      };
      expect(await found('')).toEqual([ADA, GRACE]);
      expect(await found('status=active')).toEqual([GRACE]);
      expect(await found('email=ADA@example.ORG')).toEqual([ADA]);
      expect(await found('email=aDa*')).toEqual([ADA]);
      expect(await found('email=a_a*')).toEqual([]);
      expect(await found('email=%25*')).toEqual([]);
      expect(await found(`registeredFrom=${iso(noon + SECOND)}`)).toEqual([GRACE]);
      expect(await found(`registeredTo=${iso(noon + SECOND)}`)).toEqual([ADA]);
      expect(await found(`status=pending&email=grace*`)).toEqual([]);
    });

    it('come page by page, in both orders', async () => {
      for (const sort of ['registeredAt', '-registeredAt']) {
        const first = await get(`/accounts?limit=1&sort=${sort}`);
        const cursor = String(first.body['nextCursor']);
        const second = await get(`/accounts?limit=1&sort=${sort}&cursor=${cursor}`);
        expect(second.body['nextCursor']).toBeNull();
        const emails = [first, second].flatMap(({ body }) =>
          (body['accounts'] as { email: string }[]).map(({ email }) => email),
        );
        expect(emails).toEqual(sort === 'registeredAt' ? [ADA, GRACE] : [GRACE, ADA]);
      }
    });

    it('one by id or address; 404 for one that is not registered', async () => {
      const byAddress = await get(`/accounts/${encodeURIComponent('ada@EXAMPLE.org')}`);
      expect(byAddress.body).toEqual({
        accountId: admin.accountIdOf(ADA),
        email: ADA,
        status: 'pending',
        registeredAt: iso(noon),
        activatedAt: null,
      });
      expect((await get(`/accounts/${admin.accountIdOf(ADA).toUpperCase()}`)).body).toEqual(
        byAddress.body,
      );
      const unknown = await get(`/accounts/${admin.accountIdOf('nobody@example.org')}`);
      expect(unknown).toMatchObject({ status: 404, body: { type: '/problems/account-not-found' } });
    });
  });

  describe('history', () => {
    it('is replayed with sentences, who and why, and without secrets', async () => {
      const { status, body, text } = await get(`/accounts/${ADA}/history`);
      expect(status).toBe(200);
      expect(body).toMatchObject({ accountId: admin.accountIdOf(ADA), nextAfter: null });
      const events = body['events'] as Record<string, unknown>[];
      expect(events.map(({ revision }) => revision)).toEqual([0, 1, 2, 3, 4]);
      expect(events[0]).toEqual({
        revision: 0,
        position: expect.stringMatching(/^\d+$/),
        recordedAt: expect.any(String),
        type: 'AccountRegistered',
        sentence: 'The address was registered.',
        data: { address: ADA, language: 'fr', network: 'home', registeredAt: iso(noon) },
        actor: 'anonymous',
        client: { address: '203.0.113.9', userAgent: 'Example/1.0' },
        correlationId: expect.any(String),
        causationId: expect.any(String),
        eventId: expect.any(String),
      });
      expect(text).not.toMatch(/passwordHash|nonce|hash of/);
    });

    it('comes page by page', async () => {
      const first = await get(`/accounts/${ADA}/history?limit=2`);
      expect(first.body).toMatchObject({ nextAfter: 1 });
      const rest = await get(`/accounts/${ADA}/history?limit=10&after=1`);
      expect((rest.body['events'] as { revision: number }[]).map((e) => e.revision)).toEqual([
        2, 3, 4,
      ]);
      const beyond = await get(`/accounts/${ADA}/history?after=99`);
      expect(beyond).toMatchObject({ status: 200, body: { events: [], nextAfter: null } });
    });

    it('comes as lines, the last of which says that it is whole', async () => {
      const { headers, text } = await get(`/accounts/${ADA}/history`, 'application/x-ndjson');
      expect(headers['content-type']).toMatch(/^application\/x-ndjson/);
      const lines = text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(lines).toHaveLength(6);
      expect(lines.at(-1)).toEqual({ end: { events: 5 } });
    });

    it('that breaks off half-way ends with a line that says so', async () => {
      admin.store.breaksAfter = 3;
      const { status, text } = await get(`/accounts/${ADA}/history`, 'application/x-ndjson');
      // Three events are one chunk of keys: the answer holds what was read, or nothing, but never an end.
      expect([200, 503]).toContain(status);
      expect(text).not.toContain('"end"');
      if (status === 200) expect(text.trim().split('\n').at(-1)).toContain('"error"');
      const json = await get(`/accounts/${ADA}/history`);
      expect(json).toMatchObject({ status: 503, body: { type: '/problems/service-unavailable' } });
    });

    it('that breaks off after many events ends with a line that says so', async () => {
      const address = 'busy@example.org';
      await admin.record(address, registered(address, noon));
      for (let wave = 0; wave < 3; wave++) {
        const renewals = Array.from({ length: 100 }, (_, n) => registrationRenewed(noon + n));
        await admin.record(address, ...renewals);
      }
      admin.store.breaksAfter = 250;
      const { status, text } = await get(`/accounts/${address}/history`, 'application/x-ndjson');
      expect(status).toBe(200);
      const lines = text.trim().split('\n');
      expect(lines).toHaveLength(201);
      expect(JSON.parse(lines.at(-1) ?? '')).toEqual({
        error: { title: expect.any(String), events: 200, requestId: expect.any(String) },
      });
    });
  });

  describe('state and differences', () => {
    it('as of a revision or a time', async () => {
      const state = async (query: string) => (await get(`/accounts/${ADA}/state?${query}`)).body;
      expect(await state('revision=0')).toMatchObject({
        revision: 0,
        state: { status: 'pending', email: ADA, code: null },
      });
      expect(await state('revision=3')).toMatchObject({
        state: { code: { tries: [{ wrongGuesses: 1 }] } },
      });
      expect(await state('')).toMatchObject({ revision: 4, state: { registrationNumber: 2 } });
      expect(await state('at=2020-01-01T00:00:00Z')).toEqual({
        accountId: admin.accountIdOf(ADA),
        revision: null,
        recordedAt: null,
        state: expect.objectContaining({ status: 'not-registered' }),
      });
    });

    it('between two moments, with what happened', async () => {
      const { body } = await get(`/accounts/${GRACE}/diff?from=2&to=3`);
      expect(body).toMatchObject({
        from: 2,
        to: 3,
        differences: [
          { field: 'status', before: 'pending', after: 'active' },
          { field: 'claims', before: 1, after: null },
          { field: 'activatedAt', before: null, after: iso(noon + 10 * SECOND) },
          { field: 'code', after: null },
        ],
        events: [{ revision: 3, sentence: expect.stringContaining('activated') }],
      });
      const whole = await get(`/accounts/${GRACE}/diff?from=2020-01-01T00:00:00Z&to=3`);
      expect(whole.body).toMatchObject({ from: null, to: 3 });
    });

    it('explained', async () => {
      admin.now = () => noon + 3_600 * SECOND;
      const { body } = await get(`/accounts/${ADA}/explanation`);
      expect(body['conclusion']).toBe(
        'The account is not activated: the time of code 1 was over at 2026-11-22T12:01:01.000Z, ' +
          'after it was guessed wrong once, and no new code was asked for.',
      );
    });
  });

  describe('activation mails', () => {
    const LOST = 'lost@example.org';

    it('are listed by what became of them; an undeliverable one gets a new code', async () => {
      await admin.record(LOST, registered(LOST, noon), codeIssued(1, noon));
      await admin.record(LOST, codeUndeliverable(1, noon + 900 * SECOND));
      const id = `${admin.accountIdOf(LOST)}.1`;
      const { body } = await get('/activation-mails?status=undeliverable');
      expect(body['activationMails']).toMatchObject([{ id, reason: 'refused by the provider' }]);
      const path = `/admin/v1/activation-mails/${id}/retry`;
      const retried = await admin.call('POST', path, { key });
      expect(retried).toMatchObject({ status: 202, body: { issueNumber: 2 } });
      const history = await get(`/accounts/${LOST}/history?after=2`);
      expect(history.body['events']).toMatchObject([
        { type: 'ActivationCodeIssued', actor: `admin:${key.split('.')[0]}` },
      ]);
      const again = await admin.call('POST', path, { key });
      expect(again).toMatchObject({
        status: 409,
        body: { type: '/problems/activation-code-not-undeliverable' },
      });
    });

    it.each([
      ['an active account', GRACE, 409, 'account-already-active'],
      ['a code that was sent', ADA, 409, 'activation-code-not-undeliverable'],
      ['an account that is not there', 'nobody@example.org', 404, 'account-not-found'],
    ])('%s gets none', async (_, address, status, slug) => {
      const path = `/admin/v1/activation-mails/${admin.accountIdOf(address)}.1/retry`;
      const answer = await admin.call('POST', path, { key });
      expect(answer).toMatchObject({ status, body: { type: `/problems/${slug}` } });
    });
  });

  it('counts by interval, gaps included', async () => {
    const { body } = await get(
      `/statistics?interval=minute&from=${iso(noon - 60_000)}&to=${iso(noon + 59_000)}`,
    );
    expect(body['intervals']).toMatchObject([
      { at: iso(noon - 60_000), registrations: 0 },
      { at: iso(noon), activations: 1, wrongGuesses: 1 },
    ]);
    const days = await get(`/statistics?interval=day&from=${iso(noon)}&to=${iso(noon)}`);
    expect(days.body['intervals']).toMatchObject([{ at: '2026-11-22T00:00:00.000Z' }]);
  });

  describe('bad input changes nothing and is answered as a problem', () => {
    it.each([
      ['/accounts?limit=0', 'limit'],
      ['/accounts?limit=201', 'limit'],
      ['/accounts?limit=1e3', 'limit'],
      ['/accounts?limit=-1', 'limit'],
      ['/accounts?limit=5&limit=6', 'limit'],
      ['/accounts?status=gone', 'status'],
      ['/accounts?sort=email', 'sort'],
      ['/accounts?email=not-an-address', 'email'],
      ['/accounts?registeredFrom=yesterday', 'registeredFrom'],
      ['/accounts?registeredFrom=2026-02-30T00:00:00Z', 'registeredFrom'],
      [
        '/accounts?registeredFrom=2026-02-02T00:00:00Z&registeredTo=2026-01-01T00:00:00Z',
        'registeredTo',
      ],
      ['/accounts?color=red', 'color'],
      ['/accounts?cursor=', 'cursor'],
      ['/accounts?cursor=AAAA', 'cursor'],
      ['/accounts?cursor=..%2F..', 'cursor'],
      [`/accounts?cursor=${Buffer.from('["a","b"]').toString('base64url')}`, 'cursor'],
      [`/accounts?cursor=${'A'.repeat(2_000)}`, 'cursor'],
      ['/accounts/x', 'id'],
      ['/accounts/@', 'id'],
      ['/accounts/x/history', 'id'],
      [`/accounts/${ADA}/history?after=-1`, 'after'],
      [`/accounts/${ADA}/history?limit=1001`, 'limit'],
      [`/accounts/${ADA}/state?at=2999-01-01T00:00:00Z`, 'at'],
      [`/accounts/${ADA}/state?at=noon`, 'at'],
      [`/accounts/${ADA}/state?revision=5`, 'revision'],
      [`/accounts/${ADA}/state?at=2026-01-01T00:00:00Z&revision=0`, 'at'],
      [`/accounts/${ADA}/diff?from=2`, 'to'],
      [`/accounts/${ADA}/diff?from=2&to=1`, 'to'],
      [`/accounts/${ADA}/diff?from=2&to=2999-01-01T00:00:00Z`, 'to'],
      [`/accounts/${ADA}/diff?from=2021-01-01T00:00:00Z&to=2020-01-01T00:00:00Z`, 'to'],
      ['/statistics?interval=year', 'interval'],
      ['/statistics?from=2026-02-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'to'],
      ['/statistics?interval=minute&from=2020-01-01T00:00:00Z', 'from'],
      ['/activation-mails?status=lost', 'status'],
      ['/activation-mails?cursor=zzz', 'cursor'],
      ['/accounts/x/history/export', 'id'],
      ['/support-bundle?account=x', 'account'],
      ['/support-bundle?account=@', 'account'],
      ['/support-bundle?id=x', 'id'],
      ['/what-if?codeTtlSeconds=0', 'codeTtlSeconds'],
      ['/what-if?codeTtlSeconds=3601', 'codeTtlSeconds'],
      ['/what-if?guessesPerCode=1.5', 'guessesPerCode'],
      ['/what-if?guesses=5', 'guesses'],
    ])('GET %s', async (path, field) => {
      const { status, headers, body } = await get(path);
      expect(status).toBe(400);
      expect(headers['content-type']).toBe('application/problem+json');
      expect(body).toMatchObject({
        type: '/problems/invalid-request',
        errors: [{ field, message: expect.any(String), code: expect.stringMatching(/^[a-z-]+$/) }],
      });
    });

    it('a cursor of another query', async () => {
      const { body } = await get('/accounts?limit=1');
      const other = await get(
        `/accounts?limit=1&status=active&cursor=${String(body['nextCursor'])}`,
      );
      expect(other.body).toMatchObject({ status: 400, errors: [{ field: 'cursor' }] });
    });

    it.each([
      ['POST', '/projections/nothing/rebuild', 404, 'projection-not-found'],
      ['POST', '/projections/accounts/rebuild', 409, 'nothing-to-rebuild'],
      ['POST', '/projections/accounts/rebuild?whenDifferent=maybe', 400, 'invalid-request'],
      ['POST', '/failed-events/1/retry', 404, 'failed-event-not-found'],
      ['POST', '/failed-events/one/retry', 400, 'invalid-request'],
      ['POST', '/failed-events/-1/retry', 400, 'invalid-request'],
      ['POST', '/failed-events/9223372036854775807/retry', 404, 'failed-event-not-found'],
      ['POST', '/failed-events/18446744073709551615/retry', 400, 'invalid-request'],
      ['GET', '/failed-events?consumer=nothing', 400, 'invalid-request'],
      ['GET', '/accounts/nobody@example.org/history/export', 404, 'account-not-found'],
      ['GET', '/support-bundle?account=nobody@example.org', 404, 'account-not-found'],
      ['POST', '/verification', 405, 'method-not-allowed'],
      ['DELETE', '/keys/nothing', 404, 'admin-key-not-found'],
      ['PUT', '/keys', 405, 'method-not-allowed'],
      ['GET', '/nothing', 404, 'not-found'],
    ])('%s %s', async (method, path, status, slug) => {
      const answer = await admin.call(method, `/admin/v1${path}`, { key });
      expect(answer).toMatchObject({ status, body: { type: `/problems/${slug}` } });
    });

    it.each([{}, { reason: '' }, { reason: 'ok then', by: 'me' }])(
      'skipping an event because of %j',
      async (body) => {
        const path = '/admin/v1/failed-events/1/skip';
        expect((await admin.call('POST', path, { key, body })).status).toBe(400);
      },
    );
  });

  it('shows every account that was there exactly once, whatever is registered meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 25 }),
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom('registeredAt', '-registeredAt'),
        fc.array(fc.nat({ max: 20 }), { maxLength: 12 }),
        async (before, limit, sort, meanwhile) => {
          await admin.database.query({
            text: `delete from read_model.accounts where address like '%@page.example'`,
          });
          const insert = (seconds: readonly number[]) =>
            admin.database.query<{ id: string }>({
              text: `insert into read_model.accounts
                       (account_id, address, claims, registration_number, status,
                        registered_at, revision, position)
                     select gen_random_uuid(), gen_random_uuid() || '@page.example', '[]', 1, 'pending',
                            $1::timestamptz + make_interval(secs => second), 0, 0
                     from unnest($2::int[]) as second
                     returning account_id as id`,
              values: [new Date(Date.UTC(2030, 0, 1)), [...seconds]],
            });
          const { rows } = await insert(before);
          const seen: string[] = [];
          const newcomers = [...meanwhile];
          let cursor: unknown = '';
          do {
            const { body } = await get(
              `/accounts?limit=${limit}&sort=${sort}&registeredFrom=2030-01-01T00:00:00Z${cursor ? `&cursor=${String(cursor)}` : ''}`,
            );
            const accounts = body['accounts'] as { accountId: string }[];
            seen.push(...accounts.map(({ accountId }) => accountId));
            cursor = body['nextCursor'];
            await insert(newcomers.splice(0, 2));
          } while (cursor);
          expect(new Set(seen).size).toBe(seen.length);
          expect(seen).toEqual(expect.arrayContaining(rows.map(({ id }) => id)));
        },
      ),
      { numRuns: 15 },
    );
  });

  it('describes itself', async () => {
    const { body } = await admin.call('GET', '/admin/openapi.json');
    expect(body).toMatchObject({ openapi: '3.1.0' });
    const described = Object.entries(body['paths'] as Record<string, Record<string, unknown>>);
    const routes = admin.routes.filter(
      ({ url, method }) => url.startsWith('/admin/v1') && method !== 'HEAD',
    );
    expect(described.flatMap(([, methods]) => Object.keys(methods))).toHaveLength(routes.length);
    const operations = described.flatMap(([, methods]) => Object.values(methods)) as {
      operationId: string;
      parameters?: { name: string; schema: object }[];
    }[];
    const names = operations.map(({ operationId }) => operationId);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z]+([A-Z][a-z]+)+$/);
    const limits = operations.flatMap(({ parameters = [] }) =>
      parameters.filter(({ name }) => name === 'limit'),
    );
    expect(limits.length).toBeGreaterThan(0);
    for (const { schema } of limits) expect(schema).toMatchObject({ type: 'integer', minimum: 1 });
    const { schemas } = body['components'] as { schemas: object };
    expect(Object.keys(schemas)).toEqual(
      expect.arrayContaining([
        'FindAccountsAnswer',
        'Account',
        'Projection',
        'IssueAdminKeyRequest',
      ]),
    );
    expect((await admin.call('GET', '/admin/docs')).text).toContain('swagger');
  });
});

function iso(instant: number): string {
  return new Date(instant).toISOString();
}
