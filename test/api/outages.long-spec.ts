import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { freshDatabase } from '../support/postgres.js';
import type { FreshDatabase } from '../support/postgres.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import {
  AccountClient,
  Backstage,
  expectProblem,
  expectRetryAfter,
  newCaller,
} from './account-client.js';
import type { Answer, Credentials } from './account-client.js';

/** Stands before PostgreSQL, which all specs share: can be shut and opened again at the same port. */
class Gate {
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;
  private port = 0;
  private frozen = false;

  constructor(private readonly target: URL) {}

  async open(): Promise<void> {
    this.server = createServer((client) => {
      const upstream = connect(Number(this.target.port), this.target.hostname);
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.sockets.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => this.sockets.delete(from));
        from.pipe(to);
        if (this.frozen) from.pause();
      }
    });
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  /** Keeps every connection and lets nothing through, as when a cable is pulled. */
  freeze(): void {
    for (const socket of this.sockets) socket.pause();
    this.frozen = true;
  }

  thaw(): void {
    this.frozen = false;
    for (const socket of this.sockets) socket.resume();
  }

  /** Cuts every connection and refuses new ones. */
  async shut(): Promise<void> {
    if (!this.server?.listening) return;
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  get url(): string {
    const url = new URL(this.target);
    url.hostname = '127.0.0.1';
    url.port = String(this.port);
    return url.href;
  }
}

describe('While a dependency is down', () => {
  let database: FreshDatabase;
  let gate: Gate;
  let product: Product;
  let client: AccountClient;
  let backstage: Backstage;
  const caller = newCaller();

  beforeAll(async () => {
    database = await freshDatabase();
    gate = new Gate(new URL(database.url));
    await gate.open();
    product = await startProduct({ environment: { DATABASE_URL: gate.url } });
    client = new AccountClient(product.endpoints.api);
    backstage = new Backstage(product);
    expect((await client.register(caller)).status).toBe(202);
    await backstage.codeFor(caller);
  });
  afterAll(async () => {
    await backstage.close();
    await product.stop();
    await gate.shut();
    await database.drop();
  });

  async function readiness(): Promise<{ status: number; checks: Record<string, string> }> {
    const response = await fetch(`${product.api.url('internal')}/health/ready`);
    const { checks } = (await response.json()) as { checks: Record<string, string> };
    return { status: response.status, checks };
  }

  /** What was found out is said for a second. */
  function turnsRed() {
    return eventually(async () => {
      const found = await readiness();
      expect(found.status).toBe(503);
      return found;
    });
  }

  async function expectUnavailable(call: () => Promise<Answer>): Promise<void> {
    const startedAt = Date.now();
    const answer = await call();
    expectProblem(answer, 503, 'service-unavailable');
    expectRetryAfter(answer, 1, 10);
    expect(answer.text).not.toMatch(/127\.0\.0\.1|esdb|postgres|ECONN/i);
    expect(Date.now() - startedAt).toBeLessThan(8_000);
  }

  /** The projection may reach the account a moment after the API is ready: callers get 503 with Retry-After until then. */
  async function activatesOnceReadable(newcomer: Credentials, code: string): Promise<void> {
    await eventually(async () => {
      const answer = await client.activate(newcomer, code);
      if (answer.status === 503) expectRetryAfter(answer, 1, 10);
      expect(answer.status).toBe(200);
    });
  }

  it('the event store: writes answer 503, reads go on, the probe is red, and all is well once it is back', async () => {
    const pid = product.api.pid;
    await product.eventStore.kill();
    await Promise.all([
      expectUnavailable(() => client.register(newCaller())),
      expectUnavailable(() => client.activate(caller, '0000')),
      expectUnavailable(() => client.requestCode(caller)),
    ]);
    expect((await client.view(caller)).body).toMatchObject({ status: 'pending', activation: null });
    const red = await turnsRed();
    expect(red.checks).toMatchObject({
      postgres: 'ok',
      eventStore: expect.not.stringMatching(/^ok$/),
    });
    expect((await fetch(`${product.api.url('internal')}/health/live`)).status).toBe(200);

    await product.eventStore.restart();
    const newcomer = newCaller();
    await eventually(async () => expect((await client.register(newcomer)).status).toBe(202), {
      within: 15_000,
    });
    await eventually(async () => expect((await readiness()).status).toBe(200));
    const code = await backstage.codeFor(newcomer);
    await activatesOnceReadable(newcomer, code);
    expect(product.api.pid).toBe(pid);
  });

  it('PostgreSQL: every call answers 503, the probe is red, and all is well once it is back', async () => {
    await gate.shut();
    await Promise.all([
      expectUnavailable(() => client.view(caller)),
      expectUnavailable(() => client.register(newCaller())),
      expectUnavailable(() => client.activate(caller, '0000')),
    ]);
    const red = await turnsRed();
    expect(red.checks).toMatchObject({
      eventStore: 'ok',
      postgres: expect.not.stringMatching(/^ok$/),
    });
    // What needs no dependency goes on.
    expectProblem(await client.post('/v1/accounts', '{'), 400, 'invalid-request');
    expect((await client.call('/openapi.json')).status).toBe(200);

    await gate.open();
    await eventually(async () => expect((await client.view(caller)).status).toBe(200), {
      within: 15_000,
    });
    const newcomer = newCaller();
    await eventually(async () => expect((await client.register(newcomer)).status).toBe(202));
    const code = await backstage.codeFor(newcomer);
    await activatesOnceReadable(newcomer, code);
    await eventually(async () => expect((await readiness()).status).toBe(200));
  });

  it('both, without a word: calls answer 503 instead of waiting for ever', async () => {
    await product.eventStore.freeze();
    try {
      await Promise.all([
        expectUnavailable(() => client.register(newCaller())),
        expectUnavailable(() => client.activate(caller, '0000')),
        eventually(async () => expect((await readiness()).checks['eventStore']).not.toBe('ok')),
      ]);
    } finally {
      await product.eventStore.thaw();
    }
    gate.freeze();
    try {
      await Promise.all([
        expectUnavailable(() => client.view(caller)),
        expectUnavailable(() => client.register(newCaller())),
        eventually(async () => expect((await readiness()).checks['postgres']).not.toBe('ok')),
      ]);
    } finally {
      gate.thaw();
    }
    await eventually(async () => expect((await client.register(newCaller())).status).toBe(202), {
      within: 15_000,
    });
    await eventually(async () => expect((await readiness()).status).toBe(200));
  });
});
