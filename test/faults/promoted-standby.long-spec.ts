import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { AccountClient, Backstage, newCaller } from '../api/account-client.js';
import { eventually } from '../support/eventually.js';
import { startPostgresPair } from '../support/postgres-pair.js';
import type { PostgresPair } from '../support/postgres-pair.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import type { RestartableApp } from '../support/restartable-app.js';

const LONGEST_MS = 5_000;

describe('PostgreSQL with a standby', () => {
  let pair: PostgresPair;
  let product: Product;
  let client: AccountClient;
  let backstage: Backstage;

  beforeAll(async () => {
    pair = await startPostgresPair();
    product = await startProduct({
      environment: { DATABASE_URL: `${pair.url}?target_session_attrs=read-write` },
    });
    client = new AccountClient(product.endpoints.api);
    backstage = new Backstage(product);
  });
  afterAll(async () => {
    await backstage.close();
    await product.stop();
    await pair.stop();
  });

  async function readiness(app: RestartableApp) {
    const response = await fetch(`${app.url('internal')}/health/ready`);
    const { checks } = (await response.json()) as { checks: Record<string, string> };
    return { status: response.status, postgres: checks['postgres'] };
  }

  async function onPrimary(...statements: readonly string[]): Promise<void> {
    const admin = new Client({ connectionString: pair.primary.url });
    await admin.connect();
    for (const statement of statements) await admin.query(statement);
    await admin.end();
  }

  const everyProcess = () => [product.api, product.workers[0]];
  const allGreen = () =>
    eventually(
      async () => {
        for (const app of everyProcess()) expect((await readiness(app)).status).toBe(200);
      },
      { within: 15_000 },
    );

  async function registersAndActivates(): Promise<void> {
    const caller = newCaller();
    await eventually(async () => expect((await client.register(caller)).status).toBe(202), {
      within: 15_000,
      every: 100,
    });
    const code = await backstage.codeFor(caller);
    await eventually(async () => expect((await client.activate(caller, code)).status).toBe(200));
  }

  it('is used at its primary', async () => {
    await allGreen();
    await registersAndActivates();
  });

  it('turns every process red within 5 s when its primary takes no writes any more, and green again', async () => {
    await onPrimary(
      'alter system set default_transaction_read_only = on',
      'select pg_reload_conf()',
    );
    const setAt = performance.now();
    await eventually(
      async () => {
        for (const app of everyProcess()) {
          expect(await readiness(app)).toEqual({
            status: 503,
            postgres: expect.stringContaining('read-only'),
          });
        }
      },
      { within: 2 * LONGEST_MS },
    );
    const redAfterMs = performance.now() - setAt;
    expect(redAfterMs).toBeLessThan(LONGEST_MS);
    await onPrimary(
      'set default_transaction_read_only = off',
      'alter system reset default_transaction_read_only',
      'select pg_reload_conf()',
    );
    await allGreen();
    await registersAndActivates();
    process.stdout.write(`red ${redAfterMs.toFixed(0)} ms after the primary became read-only\n`);
  });

  it('is followed to its standby, when that was promoted after the primary was lost', async () => {
    const known = newCaller();
    await client.register(known);
    await eventually(async () => expect((await client.view(known)).status).toBe(200));
    pair.primary.kill();
    await pair.primary.exited;
    const lostAt = performance.now();
    await pair.promote();
    await registersAndActivates();
    const servedAfterMs = performance.now() - lostAt;
    await allGreen();
    expect((await client.view(known)).status).toBe(200);
    process.stdout.write(
      `registered and activated ${servedAfterMs.toFixed(0)} ms after the primary was lost\n`,
    );
  });
});
