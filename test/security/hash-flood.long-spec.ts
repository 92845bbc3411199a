import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  AccountClient,
  expectProblem,
  expectRetryAfter,
  newCaller,
} from '../api/account-client.js';
import type { Answer } from '../api/account-client.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';

const FLOOD = 200;

/** What holds on any machine; the figures are measured by test/bench/hash-flood.bench-spec.ts. */
describe(`${FLOOD} wrong passwords at once, at the cost of production`, () => {
  let product: Product;
  let client: AccountClient;

  beforeAll(async () => {
    product = await startProduct({ api: { BCRYPT_COST: '12' } });
    client = new AccountClient(product.endpoints.api);
  });
  afterAll(() => product.stop());

  it('are checked or sent away with a time to come back, while everything else is served', async () => {
    let flooding = true;
    const flood = Promise.all(
      Array.from({ length: FLOOD }, () => client.view(newCaller())),
    ).finally(() => {
      flooding = false;
    });
    const others: Answer[] = [];
    while (flooding) {
      others.push(await client.call('/openapi.json'));
      others.push(await client.call('/v1/account'));
      others.push(await client.post('/v1/accounts', { email: 'nobody', password: 'x' }));
    }
    const answers = await flood;

    const checked = answers.filter(({ status }) => status === 401);
    const sentAway = answers.filter(({ status }) => status !== 401);
    expect(checked.length).toBeGreaterThan(0);
    for (const answer of sentAway) {
      expectProblem(answer, 503, 'service-unavailable');
      expectRetryAfter(answer, 1, 120);
    }
    expect(others.length).toBeGreaterThan(3);
    expect(new Set(others.map(({ status }) => status))).toEqual(new Set([200, 400, 401]));
  });

  it('leave the service as it was', async () => {
    const caller = newCaller();
    expect((await client.register(caller)).status).toBe(202);
    expect((await client.view(caller)).status).toBe(200);
  });
});
