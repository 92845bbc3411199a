import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { startProductOnDevEventStore } from '../support/product.js';
import type { DevEventStore } from '../support/dev-event-store.js';
import type { Product } from '../support/product.js';
import { AccountClient, Backstage, newCaller } from './account-client.js';

describe('A process that is asked to stop', () => {
  let product: Product<DevEventStore>;
  let client: AccountClient;
  let backstage: Backstage;

  beforeAll(async () => {
    product = await startProductOnDevEventStore({ worker: { EMAIL_CONCURRENCY: '64' } });
    client = new AccountClient(product.endpoints.api);
    backstage = new Backstage(product);
  });
  afterAll(async () => {
    await backstage?.close();
    await product?.stop();
  });

  const mails = async () => {
    const response = await fetch(`${product.endpoints.mailbox}/emails`);
    return ((await response.json()) as { data: { to: string[] }[] }).data;
  };

  it('answers the 20 slow calls that it has accepted, and ends with 0', async () => {
    await product.eventStore.faults({ methods: ['append', 'batchAppend'], delayAnswersMs: 4_000 });
    let answered = 0;
    const calls = Array.from({ length: 20 }, () =>
      client.register(newCaller()).finally(() => (answered += 1)),
    );
    const settled = Promise.allSettled(calls);
    // The log has them, and their callers do not know it yet.
    await eventually(async () => expect(await mails()).toHaveLength(20));
    expect(answered).toBe(0);
    await product.api.stop();
    expect(await settled).toEqual(
      Array(20).fill({ status: 'fulfilled', value: expect.objectContaining({ status: 202 }) }),
    );
    await product.eventStore.faults({});
    await product.api.restart();
  });

  it('puts the mail on record that the provider takes meanwhile, and ends with 0', async () => {
    await backstage.mailFaults({ latencyMs: 2_000 });
    const { email, password } = newCaller();
    const { body } = await new AccountClient(product.api.url('api')).register({ email, password });
    await eventually(async () => {
      const response = await fetch(`${product.workers[0].url('internal')}/health/ready`);
      expect(await response.text()).toMatch(/"inFlight":1\b/);
    });
    await product.workers[0].stop();
    await backstage.recorded(body['accountId'], 'ActivationCodeSent');
    expect((await mails()).filter(({ to }) => to[0] === email)).toHaveLength(1);
  });
});
