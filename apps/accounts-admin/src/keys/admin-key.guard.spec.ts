import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Problem } from '@app/http-service';
import type { Database } from '@app/postgres';
import { pino } from 'pino';
import type { CallRecords } from '../evidence/audit/recorded-calls.js';
import { AdminKeyGuard } from './admin-key.guard.js';
import { AdminKeys } from './admin-keys.js';
import { hashOfSecret, newKeyText } from './key-text.js';
import { RequiresScope } from './scopes.js';

describe('A call of the admin API', () => {
  const key = newKeyText();
  const database = {
    query: async () => ({
      rows: [{ secret_sha256: hashOfSecret(key.secret), scopes: ['mail:read'] }],
      rowCount: 1,
    }),
  } as unknown as Database;
  let logged: Record<string, unknown>[];
  let guard: AdminKeyGuard;

  const recorded: object[] = [];
  const records = {
    record: async (_: unknown, { keyId }: { keyId: string }, { problem }: { problem: Problem }) =>
      void recorded.push({ keyId, outcome: problem.type.slug }),
  } as unknown as CallRecords;

  class Routes {
    @RequiresScope('mail:read')
    listMails(this: void): void {}

    @RequiresScope('accounts:erase')
    erase(this: void): void {}

    forgotten(this: void): void {}
  }
  const { listMails, erase, forgotten } = Routes.prototype;

  beforeEach(() => {
    logged = [];
    const write = (line: string) => void logged.push(JSON.parse(line) as (typeof logged)[number]);
    recorded.length = 0;
    const log = pino({}, { write });
    guard = new AdminKeyGuard(new Reflector(), new AdminKeys(database), log, records);
  });

  function call(
    route: () => void,
    { keyId, secret } = key,
    url = '/admin/v1/accounts/:id',
  ): Promise<boolean> {
    const headers = { authorization: `Bearer ${keyId}.${secret}` };
    const request = { id: 'a-request', method: 'GET', routeOptions: { url } };
    return guard.canActivate({
      switchToHttp: () => ({ getRequest: () => ({ ...request, headers }) }),
      getHandler: () => route,
    } as unknown as ExecutionContext);
  }

  it('goes through with a key that has its scope', async () => {
    expect(await call(listMails)).toBe(true);
    expect(logged).toEqual([]);
  });

  it.each([
    ['its key lacks the scope', erase, 'accounts:erase'],
    ['its route names no scope', forgotten, undefined],
  ] as const)('is refused where %s: a security event names the key', async (_, route, scope) => {
    await expect(call(route)).rejects.toMatchObject({ type: { status: 403 } });
    expect(logged).toMatchObject([
      { level: 40, securityEvent: 'authz_fail', requestId: 'a-request', keyId: key.keyId },
    ]);
    expect(logged[0]?.['scope']).toBe(scope);
    expect(recorded).toEqual([{ keyId: key.keyId, outcome: 'forbidden' }]);
    expect(JSON.stringify(logged)).not.toContain(key.secret);
  });

  it('is refused with any scope where no table says what it puts on record', async () => {
    await expect(call(listMails, key, '/admin/v1/new')).rejects.toMatchObject({
      type: { status: 403 },
    });
  });

  it('is refused with a wrong secret: a security event names the request, and no key', async () => {
    const wrong = { ...newKeyText(), keyId: key.keyId };
    await expect(call(listMails, wrong)).rejects.toMatchObject({ type: { status: 401 } });
    expect(logged).toMatchObject([{ securityEvent: 'authn_login_fail', requestId: 'a-request' }]);
    expect(recorded).toEqual([]);
    for (const text of [wrong.secret, key.keyId])
      expect(JSON.stringify(logged)).not.toContain(text);
  });
});
