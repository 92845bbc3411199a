import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import { AccountClient, Backstage, expectProblem, newCaller } from './account-client.js';

describe('A code whose time is over', () => {
  let product: Product;
  let client: AccountClient;
  let backstage: Backstage;

  beforeAll(async () => {
    product = await startProduct({
      environment: { ACTIVATION_CODE_TTL_SECONDS: '2', CODE_RESEND_SECONDS: '1' },
    });
    client = new AccountClient(product.endpoints.api);
    backstage = new Backstage(product);
  });
  afterAll(async () => {
    await backstage.close();
    await product.stop();
  });

  it('is refused with 410, and replaced on request', async () => {
    const caller = newCaller();
    const { accountId } = (await client.register(caller)).body;
    const sent = await backstage.recorded(accountId, 'ActivationCodeSent');
    const expiresAt = Date.parse(String(sent['expiresAt']));
    expect(expiresAt).toBe(Date.parse(String(sent['sentAt'])) + 2_000);
    const old = await backstage.codeFor(caller);
    await eventually(() => expect(Date.now()).toBeGreaterThanOrEqual(expiresAt));
    for (const guess of [old, old]) {
      expectProblem(await client.activate(caller, guess), 410, 'activation-code-expired');
    }

    const replaced = await eventually(
      async () => {
        const answer = await client.requestCode(caller);
        expect(answer.status).toBe(202);
        return answer;
      },
      { within: 35_000, every: 200 },
    );
    expect(replaced.body).toEqual({
      message: 'A message with a new code is on its way; earlier codes are void.',
      newCodeAllowedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    expect(replaced.headers.get('Consistency-Token')).toMatch(/^[A-Za-z0-9_-]{80}$/);
    const code = await backstage.codeFor(caller, 2);
    expect((await client.activate(caller, code)).status).toBe(200);
  }, 60_000);
});
