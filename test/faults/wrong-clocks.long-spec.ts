import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  AccountClient,
  Backstage,
  anotherCode,
  expectProblem,
  newCaller,
} from '../api/account-client.js';
import { knownSecrets } from '../api/known-secrets.js';
import { eventually } from '../support/eventually.js';
import { WIDE_LIMITS, startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import { startRestartableApp } from '../support/restartable-app.js';
import type { RestartableApp } from '../support/restartable-app.js';
import { WallClock } from '../support/wall-clock.js';

const HOUR_MS = 3_600_000;
const TTL_MS = 3_000;
/** Between the clocks of the processes, and for a call to be answered. */
const MARGIN_MS = 400;

/** A process on a machine whose clock is so far ahead. */
const clockAhead = (milliseconds: number) => new WallClock(milliseconds).environment;

describe('Two APIs and a worker whose clocks differ by hours', () => {
  const ahead = { api: HOUR_MS, otherApi: -HOUR_MS, worker: -61_000 };
  let product: Product;
  let otherApi: RestartableApp;
  let one: AccountClient;
  let other: AccountClient;
  let backstage: Backstage;

  beforeAll(async () => {
    const common = { ...knownSecrets(), ACTIVATION_CODE_TTL_SECONDS: String(TTL_MS / 1_000) };
    product = await startProduct({
      environment: common,
      api: clockAhead(ahead.api),
      worker: clockAhead(ahead.worker),
    });
    otherApi = await startRestartableApp('accounts-api/src', (port) => ({
      API_PORT: port('api'),
      EVENTSTORE_URL: product.endpoints.eventstore,
      DATABASE_URL: product.endpoints.database,
      BCRYPT_COST: '4',
      ...WIDE_LIMITS,
      ...common,
      ...clockAhead(ahead.otherApi),
    }));
    one = new AccountClient(product.endpoints.api);
    other = new AccountClient(otherApi.url('api'));
    backstage = new Backstage(product);
  });
  afterAll(async () => {
    await backstage.close();
    await otherApi.stop();
    await product.stop();
  });

  it('a code that one made is activated at the other', async () => {
    const caller = newCaller();
    expect((await one.register(caller)).status).toBe(202);
    const code = await backstage.codeFor(caller);
    await eventually(async () => expect((await other.view(caller)).status).toBe(200));
    expect((await other.activate(caller, code)).status).toBe(200);
  });

  it('its time is exact by the clock of PostgreSQL, wherever it is registered and tried', async () => {
    const registerAndGuess = async (registering: AccountClient, guessing: AccountClient) => {
      const caller = newCaller();
      const before = Date.now();
      const { accountId } = (await registering.register(caller)).body;
      const code = await backstage.codeFor(caller);
      const sent = await backstage.recorded(accountId, 'ActivationCodeSent');
      const sentAt = Date.parse(String(sent['sentAt']));
      const expiresAt = Date.parse(String(sent['expiresAt']));
      expect(sentAt).toBeGreaterThan(before - MARGIN_MS);
      expect(sentAt).toBeLessThan(Date.now() + MARGIN_MS);
      expect(expiresAt - sentAt).toBe(TTL_MS);
      await eventually(async () => expect((await guessing.view(caller)).status).toBe(200));

      await pause(Math.max(0, expiresAt - 2 * MARGIN_MS - Date.now()));
      const wrong = await guessing.activate(caller, anotherCode(code));
      // On a machine that is too slow to ask in time, the answer would say nothing.
      if (Date.now() < expiresAt - MARGIN_MS) expect(wrong.status).not.toBe(410);
      await pause(Math.max(0, expiresAt + MARGIN_MS - Date.now()));
      for (const client of [one, other]) {
        expectProblem(await client.activate(caller, code), 410, 'activation-code-expired');
      }
    };
    await Promise.all([registerAndGuess(one, other), registerAndGuess(other, one)]);
  });

  it('each says how far its clock is off, as a figure and in its log', async () => {
    const [worker] = product.workers;
    for (const [app, offset] of [
      [product.api, ahead.api],
      [otherApi, ahead.otherApi],
      [worker, ahead.worker],
    ] as const) {
      const metrics = await (await fetch(`${app.url('internal')}/metrics`)).text();
      const figure = Number(/^clock_offset_seconds (\S+)$/m.exec(metrics)?.[1]);
      expect(Math.abs(figure - offset / 1_000)).toBeLessThan(MARGIN_MS / 1_000);
      expect(metrics).toMatch(/^clock_jump_seconds 0$/m);
      expect(app.output()).toContain("this machine's clock is wrong");
    }
  });
});
