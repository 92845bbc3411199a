import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { migrate } from '@app/postgres/migrate.js';
import { startEmbeddedPostgres } from '../../apps/local/src/postgres/embedded-postgres.js';
import type { EmbeddedPostgres } from '../../apps/local/src/postgres/embedded-postgres.js';
import { AccountClient, Backstage, newCaller } from '../api/account-client.js';
import type { Credentials } from '../api/account-client.js';
import { MailProvider, mailsSettled } from '../mail/mail-provider.js';
import { eventually } from '../support/eventually.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import { temporaryFolder } from '../support/run-folder.js';
import { sweep } from '../support/sweep.js';

const REGISTRATIONS = sweep(320, 2_000);
const CALLERS = 8;
const KILLS = sweep(8, 12);
const CHECKPOINTS_WITHIN_MS = 1_500;
/** A try that was under way when its code was superseded may still arrive, for as long as a try takes. */
const LONGEST_TRY_MS = 3_000;

interface Acknowledged extends Credentials {
  readonly accountId: string;
}

describe(`${REGISTRATIONS} registrations while worker, event store, PostgreSQL and provider are killed`, () => {
  let postgres: EmbeddedPostgres | undefined;
  let product: Product | undefined;

  const dataDir = temporaryFolder('postgres-to-kill');
  const startPostgres = async (port: number) =>
    startEmbeddedPostgres({
      dataDir: `${dataDir}/data`,
      port,
      log: { info: () => undefined, warn: () => undefined },
    });

  beforeAll(async () => {
    postgres = await startPostgres(0);
    await migrate(postgres.url);
    product = await startProduct({
      environment: { DATABASE_URL: postgres.url, CODE_RESEND_SECONDS: '1' },
    });
  }, 60_000);

  afterAll(async () => {
    await product?.stop();
    await postgres?.stop();
  });

  it('lead to one accepted mail each, and to none with a superseded code', async () => {
    if (!product || !postgres) throw new Error('the product did not start');
    const running = product;
    const client = new AccountClient(running.endpoints.api);
    const provider = new MailProvider(running.endpoints.mailbox);
    const acknowledged: Acknowledged[] = [];
    const refused = new Map<number | string, number>();
    const renewals = new Set<string>();
    let begun = 0;

    /** Registers until it is acknowledged, as a client would; now and then asks for another code at once. */
    const registerNext = async (): Promise<void> => {
      while (begun < REGISTRATIONS) {
        const number = (begun += 1);
        const caller = newCaller();
        for (;;) {
          const answer = await client.register(caller).catch((error: Error) => error.name);
          if (typeof answer !== 'string' && answer.status === 202) {
            acknowledged.push({ ...caller, accountId: String(answer.body['accountId']) });
            break;
          }
          const why = typeof answer === 'string' ? answer : answer.status;
          refused.set(why, (refused.get(why) ?? 0) + 1);
          await pause(100);
        }
        if (number % 20 === 0) {
          renewals.add(caller.email);
          await pause(1_000);
          await client.requestCode(caller).catch(() => undefined);
        }
      }
    };

    const kills = { worker: 0, eventStore: 0, postgres: 0, mailbox: 0 };
    const victims = {
      worker: async () => {
        // Without a provider its mails are under way for longer than a checkpoint takes to be saved.
        const hasMailsUnderWay = kills.worker % 2 === 1;
        if (hasMailsUnderWay) {
          await running.mailbox.kill();
          await pause(CHECKPOINTS_WITHIN_MS);
        }
        await running.workers[0].kill();
        if (hasMailsUnderWay) await running.mailbox.restart();
        await running.workers[0].restart();
      },
      eventStore: async () => {
        await running.eventStore.kill();
        await running.eventStore.restart();
      },
      mailbox: async () => {
        await running.mailbox.kill();
        await running.mailbox.restart();
      },
      postgres: async () => {
        const { port } = postgres as EmbeddedPostgres;
        postgres?.kill();
        await postgres?.exited;
        postgres = await startPostgres(port);
      },
    };
    const names = Object.keys(victims) as (keyof typeof victims)[];
    // At random moments of the work, not of the clock: a slow machine meets as many as a fast one.
    const moments = Array.from({ length: KILLS }, () => Math.random() * REGISTRATIONS);
    moments.sort((one, other) => one - other);
    const killAll = async (): Promise<void> => {
      for (const [turn, moment] of moments.entries()) {
        while (acknowledged.length < moment) await pause(5);
        // Each in its turn first, so that none is spared; then one at random.
        const name = names[turn < 8 ? turn % 4 : Math.floor(Math.random() * 4)] ?? 'worker';
        await victims[name]();
        kills[name] += 1;
      }
    };

    const beganAt = Date.now();
    await Promise.all([killAll(), ...Array.from({ length: CALLERS }, registerNext)]);
    const registeredMs = Date.now() - beganAt;
    await mailsSettled(running, 60_000);
    const settledMs = Date.now() - beganAt - registeredMs;

    expect(acknowledged).toHaveLength(REGISTRATIONS);
    const perKey = await provider.mailsPerKey();
    const receivedAt = new Map(
      (await provider.mails()).map((mail) => [mail.idempotencyKey, Date.parse(mail.receivedAt)]),
    );
    const twice = [...perKey].filter(([, count]) => count !== 1);
    expect(twice).toEqual([]);

    const backstage = new Backstage(running);
    const withoutMail: string[] = [];
    const withoutRecord: string[] = [];
    const superseded: string[] = [];
    let resent = 0;
    for (const { accountId, email } of acknowledged) {
      const history = await backstage.historyOf(accountId);
      const newest = history.filter(({ type }) => type === 'ActivationCodeIssued').length;
      const sent = history
        .filter(({ type }) => type === 'ActivationCodeSent')
        .map(({ data }) => (data as { issueNumber: number }).issueNumber);
      if (!perKey.has(`${accountId}/${newest}`)) withoutMail.push(accountId);
      if (!sent.includes(newest)) withoutRecord.push(accountId);
      for (const { type, data } of history) {
        if (type !== 'ActivationCodeIssued') continue;
        const { issueNumber, issuedAt } = data as { issueNumber: number; issuedAt: string };
        const before = `${accountId}/${issueNumber - 1}`;
        const lateBy = (receivedAt.get(before) ?? 0) - Date.parse(issuedAt);
        if (lateBy > LONGEST_TRY_MS) superseded.push(`${before} by ${lateBy} ms`);
      }
      if (renewals.has(email) && newest > 1) resent += 1;
    }
    await backstage.close();
    process.stdout.write(
      `${REGISTRATIONS} registrations in ${registeredMs} ms, settled ${settledMs} ms later; ` +
        `killed ${JSON.stringify(kills)}; not acknowledged at once ${JSON.stringify([...refused])}; ` +
        `${perKey.size} mails, ${resent} accounts with a second code\n`,
    );
    expect({ withoutMail, withoutRecord, superseded }).toEqual({
      withoutMail: [],
      withoutRecord: [],
      superseded: [],
    });
    for (const name of names) expect(kills[name]).toBeGreaterThanOrEqual(2);

    // The product is whole again: a new user gets through from beginning to end.
    const caller = newCaller();
    expect((await client.register(caller)).status).toBe(202);
    await eventually(async () => expect(await provider.mails(caller.email)).toHaveLength(1), {
      within: 10_000,
    });
  }, 300_000);
});
