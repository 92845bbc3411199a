import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accountRegistered, noon } from '@app/accounts/testing/account-examples.js';
import { scopes } from '../../apps/accounts-admin/src/keys/scopes.js';
import { startAdminService } from './admin-service.js';
import type { AdminService } from './admin-service.js';

const ADA = 'ada@example.org';

describe('Without a key for receipts and exports', () => {
  let admin: AdminService;
  let key: string;

  beforeAll(async () => {
    admin = await startAdminService([], false);
    key = await admin.keyWith(...scopes);
    await admin.record(ADA, accountRegistered(noon));
  });
  afterAll(() => admin.stop());

  it.each([
    ['GET', '/heads'],
    ['GET', `/accounts/${ADA}/history/export`],
    ['DELETE', `/accounts/${ADA}?reason=requested-by-owner`],
  ])('%s %s says which setting is missing', async (method, path) => {
    const answer = await admin.call(method, `/admin/v1${path}`, { key });
    expect([answer.status, answer.body['type'], answer.body['detail']]).toEqual([
      503,
      '/problems/receipts-not-configured',
      'RECEIPT_KEY is not set.',
    ]);
  });

  it('nothing was erased', async () => {
    const { body } = await admin.call('GET', `/admin/v1/accounts/${ADA}`, { key });
    expect(body['status']).toBe('pending');
    const state = await admin.call('GET', `/admin/v1/accounts/${ADA}/state`, { key });
    expect(state.body['state']).toMatchObject({ status: 'pending', registrationNumber: 1 });
  });

  it('a bundle comes, and says that it is not signed', async () => {
    const { status, text } = await admin.call('GET', '/admin/v1/support-bundle', { key });
    const lines = text.trim().split('\n');
    expect(status).toBe(200);
    expect(lines.length).toBeGreaterThan(5);
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ end: { signature: null } });
  });
});
