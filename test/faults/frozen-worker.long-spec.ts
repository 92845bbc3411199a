import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AccountClient, Backstage } from '../api/account-client.js';
import { MailProvider, registerMany } from '../mail/mail-provider.js';
import type { WorkerHealth } from '../mail/mail-provider.js';
import { eventually } from '../support/eventually.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import type { RestartableApp } from '../support/restartable-app.js';

/** 10 s, and what a machine adds that is busy with other tests. */
const LONGEST_TAKEOVER_MS = 15_000;

type Consumers = Readonly<Record<string, { readonly state: string }>>;

describe('a worker that is frozen while it leads', () => {
  let product: Product;
  let frozen: RestartableApp | undefined;

  beforeAll(async () => {
    product = await startProduct({ workers: 2 });
  });
  afterAll(async () => {
    if (frozen) process.kill(frozen.pid, 'SIGCONT');
    await product.stop();
  });

  const consumersOf = async (worker: RestartableApp): Promise<Consumers> => {
    const response = await fetch(`${worker.url('internal')}/health/ready`);
    return ((await response.json()) as WorkerHealth).consumers;
  };
  const leads = async (worker: RestartableApp): Promise<boolean> =>
    ['running', 'paused'].includes((await consumersOf(worker))['activation-mail']?.state ?? '');

  it('is replaced within 10 s, in the middle of its work too, and writes nothing when it goes on', async () => {
    const client = new AccountClient(product.endpoints.api);
    const provider = new MailProvider(product.endpoints.mailbox);
    const [first, second] = product.workers;
    if (!second) throw new Error('the product has one worker only');
    const leader = await eventually(async () => {
      const one = (await leads(first)) ? first : second;
      expect(await leads(one)).toBe(true);
      return one;
    });
    const other = leader === first ? second : first;

    // Begun before, so that transactions and mails are under way.
    const before = registerMany(client, 40);
    await eventually(async () => expect((await provider.mails()).length).toBeGreaterThan(5));
    process.kill(leader.pid, 'SIGSTOP');
    frozen = leader;
    const stoppedAt = performance.now();
    await eventually(
      async () => {
        const states = Object.values(await consumersOf(other)).map(({ state }) => state);
        expect(states).not.toContain('standby');
      },
      { within: 2 * LONGEST_TAKEOVER_MS },
    );
    const takeoverMs = performance.now() - stoppedAt;
    expect(takeoverMs).toBeLessThan(LONGEST_TAKEOVER_MS);
    const accounts = [...(await before), ...(await registerMany(client, 5))];
    await eventually(
      async () => {
        const served = new Set((await provider.mails()).flatMap(({ to }) => to));
        expect(accounts.filter(({ email }) => !served.has(email))).toEqual([]);
      },
      { within: 3 * LONGEST_TAKEOVER_MS },
    );
    const mailsAfterMs = performance.now() - stoppedAt;
    // The rows follow too: every new account can log in.
    for (const account of accounts) {
      await eventually(async () => expect((await client.view(account)).status).toBe(200));
    }
    const rowsAfterMs = performance.now() - stoppedAt;
    process.stdout.write(
      `after a leader was frozen: taken over at ${takeoverMs.toFixed(0)} ms, all mails at ${mailsAfterMs.toFixed(0)} ms, all rows at ${rowsAfterMs.toFixed(0)} ms\n`,
    );
    process.kill(leader.pid, 'SIGCONT');
    frozen = undefined;
    await eventually(
      async () => {
        const states = Object.values(await consumersOf(leader)).map(({ state }) => state);
        expect(new Set(states)).toEqual(new Set(['standby']));
      },
      { within: 10_000 },
    );
    expect(await leads(other)).toBe(true);

    const more = await registerMany(client, 5);
    await eventually(async () => {
      const perKey = await provider.mailsPerKey();
      for (const { accountId } of [...accounts, ...more]) {
        expect([accountId, perKey.get(`${accountId}/1`)]).toEqual([accountId, 1]);
      }
    });
    const backstage = new Backstage(product);
    for (const { accountId } of [...accounts, ...more]) {
      await backstage.recorded(accountId, 'ActivationCodeSent');
      const history = await backstage.historyOf(accountId);
      const sent = history.filter(({ type }) => type === 'ActivationCodeSent');
      expect([accountId, sent.length]).toEqual([accountId, 1]);
    }
    await backstage.close();
  });
});
