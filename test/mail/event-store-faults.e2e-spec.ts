import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AccountClient, Backstage, newCaller } from '../api/account-client.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';

describe('Mails of the product, whatever the event store does', () => {
  let product: Product;
  let client: AccountClient;
  let backstage: Backstage;

  beforeAll(async () => {
    product = await startProduct();
    client = new AccountClient(product.endpoints.api);
    backstage = new Backstage(product);
  }, 60_000);

  afterAll(() => Promise.all([backstage?.close(), product?.stop()]));

  it('a checkpoint beyond a log that is fresh: the first mail is sent, and the account is found', async () => {
    await product.eventStore.faults({ checkpointBeyondLog: true });
    await product.workers[0].restart();
    const caller = newCaller();
    expect((await client.register(caller)).status).toBe(202);
    const code = await backstage.codeFor(caller);
    expect((await client.activate(caller, code)).status).toBe(200);
    expect((await client.view(caller)).status).toBe(200);
  });
});
