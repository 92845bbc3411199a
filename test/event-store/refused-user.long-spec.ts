import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startDevEventStore } from '../support/dev-event-store.js';
import type { DevEventStore } from '../support/dev-event-store.js';
import { eventually } from '../support/eventually.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import { TEST_AUTHORITY, startTlsFront } from '../support/tls-front.js';
import type { TlsFront } from '../support/tls-front.js';

const USERS = { registration: 'right' };

describe('An event store that no longer takes the user of the product', () => {
  let server: DevEventStore;
  let front: TlsFront;
  let product: Product;

  beforeAll(async () => {
    server = await startDevEventStore();
    front = await startTlsFront({ h2: Number(new URL(server.url).port) });
    await server.faults({ users: USERS });
    const EVENTSTORE_URL = `esdb://registration:right@127.0.0.1:${front.port}?tls=true&tlsCAFile=${TEST_AUTHORITY}`;
    product = await startProduct({ api: { EVENTSTORE_URL }, worker: { EVENTSTORE_URL } });
  });
  afterAll(async () => {
    await product.stop();
    await front.close();
    await server.stop();
  });

  const register = async (email: string) => {
    const answer = await fetch(`${product.endpoints.api}/v1/accounts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password: 'correct horse battery staple' }),
    });
    return { status: answer.status, text: await answer.text() };
  };
  const mailsTo = async (email: string) => {
    const answer = await fetch(`${product.endpoints.mailbox}/emails?to=${email}`);
    return ((await answer.json()) as { data: unknown[] }).data;
  };
  const readiness = async (internal: string | undefined) => {
    const answer = await fetch(`${internal}/health/ready`);
    return { status: answer.status, text: await answer.text() };
  };

  it('costs callers a 503; everything says what to check, and goes on by itself', async () => {
    const processes = [product.api, ...product.workers];
    expect((await register('before@example.org')).status).toBe(202);
    await server.faults({ users: { registration: 'rotated' } });
    front.cut();
    await eventually(async () => {
      const { status, text } = await register('meanwhile@example.org');
      expect(status).toBe(503);
      expect(text).not.toContain('EVENTSTORE_URL');
    });
    for (const { endpoints } of processes) {
      const { status, text } = await readiness(endpoints['internal']);
      expect(status).toBe(503);
      expect(text).toContain('check user and password in EVENTSTORE_URL');
    }
    for (const one of processes) {
      await eventually(() => expect(one.output()).toContain('user and password in EVENTSTORE_URL'));
      expect(one.output()).not.toContain('registration:right');
    }
    await server.faults({ users: USERS });
    await eventually(async () => expect((await register('after@example.org')).status).toBe(202));
    await eventually(async () => expect(await mailsTo('after@example.org')).toHaveLength(1), {
      within: 15_000,
    });
  });
});
