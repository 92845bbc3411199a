import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventStoreUnavailable } from '@app/event-store';
import { Controller, Get } from '@nestjs/common';
import { LastManagingKey } from '../../apps/accounts-admin/src/keys/admin-keys.js';
import { hashOfSecret, parseKeyText } from '../../apps/accounts-admin/src/keys/key-text.js';
import type { KeyText } from '../../apps/accounts-admin/src/keys/key-text.js';
import { recordedCalls } from '../../apps/accounts-admin/src/evidence/audit/recorded-calls.js';
import { scopes } from '../../apps/accounts-admin/src/keys/scopes.js';
import type { Scope } from '../../apps/accounts-admin/src/keys/scopes.js';
import { startAdminService } from './admin-service.js';
import type { AdminService } from './admin-service.js';

@Controller('admin/v1/forgotten')
class ForgottenController {
  @Get()
  read(): string {
    return 'nobody said who may read this';
  }
}

/** Who may do what. A new route has to be added here, with the scope it asks for. */
const scopeOfRoute: Readonly<Record<string, Scope>> = {
  'GET /admin/v1/accounts': 'accounts:read',
  'GET /admin/v1/accounts/:id': 'accounts:read',
  'DELETE /admin/v1/accounts/:id': 'accounts:erase',
  'POST /admin/v1/accounts/:id/free': 'accounts:free',
  'GET /admin/v1/accounts/:id/state': 'accounts:read',
  'GET /admin/v1/accounts/:id/diff': 'accounts:read',
  'GET /admin/v1/accounts/:id/history': 'history:read',
  'GET /admin/v1/accounts/:id/explanation': 'history:read',
  'GET /admin/v1/accounts/:id/verification': 'history:read',
  'GET /admin/v1/accounts/:id/history/export': 'history:read',
  'GET /admin/v1/verification': 'history:read',
  'GET /admin/v1/heads': 'history:read',
  'GET /admin/v1/what-if': 'accounts:read',
  'GET /admin/v1/support-bundle': 'support:read',
  'GET /admin/v1/audit': 'audit:read',
  'GET /admin/v1/accounts/:id/audit': 'audit:read',
  'GET /admin/v1/activation-mails': 'mail:read',
  'POST /admin/v1/activation-mails/:id/retry': 'mail:manage',
  'GET /admin/v1/statistics': 'accounts:read',
  'GET /admin/v1/projections': 'projections:read',
  'POST /admin/v1/projections/:name/rebuild': 'projections:manage',
  'GET /admin/v1/failed-events': 'projections:read',
  'POST /admin/v1/failed-events/:position/retry': 'projections:manage',
  'POST /admin/v1/failed-events/:position/skip': 'projections:manage',
  'GET /admin/v1/keys': 'keys:manage',
  'POST /admin/v1/keys': 'keys:manage',
  'DELETE /admin/v1/keys/:keyId': 'keys:manage',
};

describe('keys of the admin API', () => {
  let admin: AdminService;
  let almighty: string;
  const keyOfScope = new Map<Scope, string>();

  beforeAll(async () => {
    admin = await startAdminService([ForgottenController]);
    almighty = await admin.keyWith(...scopes);
    for (const scope of scopes) keyOfScope.set(scope, await admin.keyWith(scope));
  });
  afterAll(() => admin.stop());

  function routes(): readonly { readonly method: string; readonly path: string; name: string }[] {
    return admin.routes
      .filter(({ method, url }) => url.startsWith('/admin/v1') && method !== 'HEAD')
      .map(({ method, url }) => ({
        method,
        path: url.replace(/:\w+/g, 'x'),
        name: `${method} ${url}`,
      }));
  }

  it('every route there is asks for the one scope that it is meant to', async () => {
    const found: Record<string, Scope[]> = {};
    for (const { method, path, name } of routes()) {
      if (name.endsWith('/forgotten')) continue;
      found[name] = [];
      for (const [scope, key] of keyOfScope) {
        const { status, body } = await admin.call(method, path, { key });
        if (status === 403) {
          expect(body).toMatchObject({ type: '/problems/forbidden' });
        } else {
          expect(status).not.toBe(401);
          found[name]?.push(scope);
        }
      }
    }
    const expected = Object.entries(scopeOfRoute).map(([name, scope]) => [name, [scope]]);
    expect(found).toEqual(Object.fromEntries(expected));
  });

  it('every route there is says what it puts on record, or why nothing', () => {
    const decided = routes().flatMap(({ name }) => (name.endsWith('/forgotten') ? [] : [name]));
    expect(Object.keys(recordedCalls).sort()).toEqual(decided.sort());
  });

  it.each([
    ['no key', undefined],
    ['no secret', 'abcdef0123456789'],
    ['an unknown key', `abcdef0123456789.${'a'.repeat(43)}`],
  ])('%s: every route answers 401', async (_, key) => {
    for (const { method, path } of routes()) {
      const { status, headers, body } = await admin.call(method, path, key ? { key } : {});
      expect(status).toBe(401);
      expect(headers).toMatchObject({ 'www-authenticate': 'Bearer realm="admin"' });
      expect(body).toMatchObject({ type: '/problems/unauthenticated' });
    }
  });

  it('a route without a scope refuses every key', async () => {
    const { status, text } = await admin.call('GET', '/admin/v1/forgotten', { key: almighty });
    expect(status).toBe(403);
    expect(text).not.toContain('nobody said');
  });

  it('refuses a wrong secret, and another scheme than Bearer', async () => {
    const [keyId] = almighty.split('.');
    const wrong = `${keyId}.${'b'.repeat(43)}`;
    expect((await admin.call('GET', '/admin/v1/keys', { key: wrong })).status).toBe(401);
    const response = await fetch(`${admin.url}/admin/v1/keys`, {
      headers: { Authorization: `Basic ${Buffer.from(almighty).toString('base64')}` },
    });
    expect(response.status).toBe(401);
  });

  it('are made with scopes and an end, shown once, listed without their secret', async () => {
    const made = await admin.call('POST', '/admin/v1/keys', {
      key: almighty,
      body: { label: 'Grace', scopes: ['accounts:read'], expiresInDays: 7 },
    });
    expect(made.status).toBe(201);
    const { key, keyId, expiresAt } = made.body as Record<string, string>;
    const parsed = parseKeyText(String(key));
    expect(Buffer.from(parsed?.secret ?? '', 'base64url')).toHaveLength(32);
    const days = (Date.parse(String(expiresAt)) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(6.9);
    expect(days).toBeLessThan(7.1);
    const listed = await admin.call('GET', '/admin/v1/keys', { key: almighty });
    expect(listed.text).toContain(String(keyId));
    expect(listed.text).not.toContain(parsed?.secret ?? '');
    const { rows } = await admin.database.query<{ secret_sha256: Buffer; all: string }>({
      text: `select secret_sha256, k::text as all from operations.admin_keys k where key_id = $1`,
      values: [keyId],
    });
    expect(rows[0]?.secret_sha256).toEqual(hashOfSecret(parsed?.secret ?? ''));
    expect(rows[0]?.all).not.toContain(parsed?.secret ?? '');
  });

  it('end with the key that made them at the latest', async () => {
    const issue = (key: string, body: object) =>
      admin.call('POST', '/admin/v1/keys', {
        key,
        body: { label: 'x', scopes: ['keys:manage'], ...body },
      });
    const short = await issue(almighty, { expiresInDays: 7 });
    const key = String(short.body['key']);
    const heir = await issue(key, {});
    expect(heir.body['expiresAt']).toBe(short.body['expiresAt']);
    const longer = await issue(key, { expiresInDays: 8 });
    expect(longer).toMatchObject({
      status: 400,
      body: {
        errors: [
          {
            field: 'expiresInDays',
            code: 'invalid-value',
            message: `your own key ends at ${String(short.body['expiresAt'])}, which is sooner`,
          },
        ],
      },
    });
  });

  it('that manage keys are never all revoked, not even two at once', async () => {
    const { keys } = (await admin.call('GET', '/admin/v1/keys', { key: almighty })).body as {
      keys: { keyId: string; scopes: string[]; revokedAt: string | null }[];
    };
    const [own = ''] = almighty.split('.');
    const revoke = (keyId: string) =>
      admin.call('DELETE', `/admin/v1/keys/${keyId}`, { key: almighty });
    const last = await admin.keyWith('keys:manage');
    const [lastId = ''] = last.split('.');
    for (const { keyId, scopes: granted } of keys) {
      if (granted.includes('keys:manage') && keyId !== own) await revoke(keyId);
    }
    const outcomes = await Promise.allSettled(
      [own, lastId].map((keyId) => admin.keys.revoke(keyId, 'spec')),
    );
    const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect(refused).toEqual([expect.any(LastManagingKey)]);
    const stillManages =
      (await admin.call('GET', '/admin/v1/keys', { key: almighty })).status === 200;
    const survivor = stillManages ? almighty : last;
    const [survivorId] = survivor.split('.');
    expect(
      await admin.call('DELETE', `/admin/v1/keys/${survivorId}`, { key: survivor }),
    ).toMatchObject({ status: 409, body: { type: '/problems/last-managing-key' } });
    almighty = await admin.keyWith(...scopes);
    keyOfScope.set('keys:manage', await admin.keyWith('keys:manage'));
  });

  it('are refused from the moment they are revoked', async () => {
    const key = await admin.keyWith('accounts:read');
    expect((await admin.call('GET', '/admin/v1/accounts', { key })).status).toBe(200);
    const path = `/admin/v1/keys/${key.split('.')[0]}`;
    const revoked = await admin.call('DELETE', path, { key: almighty });
    expect(revoked).toMatchObject({ status: 200, body: { revokedAt: expect.any(String) } });
    expect((await admin.call('GET', '/admin/v1/accounts', { key })).status).toBe(401);
    const again = await admin.call('DELETE', path, { key: almighty });
    expect(again.body['revokedAt']).toBe(revoked.body['revokedAt']);
  });

  it('are refused once they have expired', async () => {
    const key = await admin.keyWith('accounts:read');
    await admin.database.query({
      text: `update operations.admin_keys set expires_at = now() where key_id = $1`,
      values: [key.split('.')[0]],
    });
    expect((await admin.call('GET', '/admin/v1/accounts', { key })).status).toBe(401);
  });

  it('hand on no scope that they lack themselves', async () => {
    const key = await admin.keyWith('keys:manage');
    const { status, text } = await admin.call('POST', '/admin/v1/keys', {
      key,
      body: { label: 'more', scopes: ['keys:manage', 'accounts:read'] },
    });
    expect(status).toBe(400);
    expect(text).toContain('your own key lacks accounts:read');
  });

  it.each([
    [{ label: '', scopes: ['accounts:read'] }, 'label'],
    [{ label: 'x', scopes: [] }, 'scopes'],
    [{ label: 'x', scopes: ['everything'] }, 'scopes.0'],
    [{ label: 'x', scopes: ['accounts:read'], expiresInDays: 366 }, 'expiresInDays'],
    [{ label: 'x', scopes: ['accounts:read'], expiresInDays: 0 }, 'expiresInDays'],
    [{ label: 'x', scopes: ['accounts:read'], admin: true }, 'admin'],
  ])('are not made from %j', async (body, field) => {
    const answer = await admin.call('POST', '/admin/v1/keys', { key: almighty, body });
    expect(answer.status).toBe(400);
    expect(answer.body['errors']).toEqual([
      { field, code: expect.any(String), message: expect.any(String) },
    ]);
  });

  it('of the configuration hold as long as they stand there, and come back at a start', async () => {
    const first = { keyId: 'first-key', secret: 'a'.repeat(43) };
    const second = { keyId: 'second-key', secret: 'b'.repeat(43) };
    const changes: string[] = [];
    const adopt = (key: KeyText | undefined) =>
      admin.keys.adoptConfigured(key, async (operation, keyId) => {
        changes.push(`${operation} ${keyId}`);
      });
    await adopt(first);
    await adopt(first);
    expect(changes.splice(0)).toEqual(['issue-key first-key']);
    expect((await admin.keys.prove(first))?.scopes).toEqual(new Set(scopes));
    await adopt(second);
    expect(changes.splice(0)).toEqual(['revoke-key first-key', 'issue-key second-key']);
    expect(await admin.keys.prove(first)).toBeUndefined();
    // Back to the one before, under the same id with another secret, and without any.
    await adopt(first);
    expect(await admin.keys.prove(first)).toBeDefined();
    const renewed = { ...first, secret: 'c'.repeat(43) };
    await adopt(renewed);
    expect(await admin.keys.prove(first)).toBeUndefined();
    expect(await admin.keys.prove(renewed)).toBeDefined();
    await adopt(undefined);
    expect(await admin.keys.prove(renewed)).toBeUndefined();
    await adopt(second);
    await admin.keys.revoke(second.keyId, 'spec');
    expect(await admin.keys.prove(second)).toBeUndefined();
    await adopt(second);
    expect(await admin.keys.prove(second)).toBeDefined();
    expect(changes.at(-1)).toBe('issue-key second-key');
    // What cannot be put on record does not change.
    const away = new EventStoreUnavailable('it is down');
    await expect(admin.keys.adoptConfigured(first, () => Promise.reject(away))).rejects.toThrow(
      away,
    );
    expect(await admin.keys.prove(second)).toBeDefined();
    expect(await admin.keys.prove(first)).toBeUndefined();
    // A key that an operator made is none of the configuration's business.
    expect((await admin.call('GET', '/admin/v1/keys', { key: almighty })).status).toBe(200);
  });

  it('cannot be guessed by asking for the id alone', async () => {
    expect(await admin.keys.prove({ keyId: 'no-such-key', secret: '' })).toBeUndefined();
  });
});
