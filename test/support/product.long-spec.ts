import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from './eventually.js';
import { startApp } from './process.js';
import type { Product } from './product.js';
import { startProduct } from './product.js';

describe('the product for tests', () => {
  let product: Product;

  beforeAll(async () => {
    product = await startProduct({ workers: 2, api: { ACTIVATION_CODE_TTL_SECONDS: '5' } });
  });
  afterAll(() => product.stop());

  async function register(email: string): Promise<number> {
    const answer = await fetch(`${product.endpoints.api}/v1/accounts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password: 'correct horse battery staple' }),
    });
    return answer.status;
  }

  async function mailsTo(email: string): Promise<unknown[]> {
    const answer = await fetch(
      `${product.endpoints.mailbox}/emails?to=${encodeURIComponent(email)}`,
    );
    return ((await answer.json()) as { data: unknown[] }).data;
  }

  it('does what the product does', async () => {
    expect(await register('one@example.org')).toBe(202);
    await eventually(async () => expect(await mailsTo('one@example.org')).toHaveLength(1));
  });

  it('has parts that come back at the same place after a kill', async () => {
    const { pid } = product.api;
    await product.api.kill();
    await expect(register('two@example.org')).rejects.toThrow();
    await product.api.restart();
    expect(product.api.pid).not.toBe(pid);
    expect(product.api.url('api')).toBe(product.endpoints.api);
    expect(await register('two@example.org')).toBe(202);
  });

  it('has an event store that does so with its data', async () => {
    await product.eventStore.kill();
    await product.eventStore.restart();
    expect(product.eventStore.url).toBe(product.endpoints.eventstore);
    await eventually(async () => expect(await register('one@example.org')).toBe(202), {
      within: 10_000,
    });
  });

  it('has workers that carry on for each other', async () => {
    await product.workers[0].kill();
    expect(await register('three@example.org')).toBe(202);
    await eventually(async () => expect(await mailsTo('three@example.org')).toHaveLength(1), {
      within: 15_000,
    });
  });

  it('says what a process printed when it cannot start', async () => {
    await expect(startApp('accounts-api/src')).rejects.toThrow(/exit code 78[^]*EVENTSTORE_URL/);
  });
});
