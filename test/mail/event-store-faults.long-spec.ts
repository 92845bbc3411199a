import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AccountClient, Backstage, newCaller } from '../api/account-client.js';
import { eventually } from '../support/eventually.js';
import { versionOfTests } from '../support/dev-event-store.js';
import { startProductOnDevEventStore } from '../support/product.js';
import type { Product } from '../support/product.js';
import { MailProvider, mailsSettled, workerHealth } from './mail-provider.js';

describe('Mails of the product, whatever the event store does', () => {
  let product: Product;
  let client: AccountClient;
  let backstage: Backstage;
  let mailbox: MailProvider;

  beforeAll(async () => {
    product = await startProductOnDevEventStore({
      eventStore: { EVENTSTORE_BEHAVES_LIKE: versionOfTests('24.10.4') },
    });
    client = new AccountClient(product.endpoints.api);
    backstage = new Backstage(product);
    mailbox = new MailProvider(product.endpoints.mailbox);
  }, 60_000);

  afterAll(() => Promise.all([backstage?.close(), product?.stop()]));

  it('a checkpoint beyond a log that is fresh: the first mail is sent, and the account is found', async () => {
    const caller = newCaller();
    expect((await client.register(caller)).status).toBe(202);
    const code = await backstage.codeFor(caller);
    expect((await client.activate(caller, code)).status).toBe(200);
    expect((await client.view(caller)).status).toBe(200);
  });

  it('it comes back while one recipient is refused: mails to others go out, and each is sent once', async () => {
    const refused = newCaller();
    await mailbox.faults({ recipients: [{ to: refused.email, fail: { status: 409 } }] });
    expect((await client.register(refused)).status).toBe(202);
    await eventually(async () => {
      const { lastError } = (await workerHealth(product)).consumers['activation-mail'];
      expect(lastError?.message).toContain('it answered 409');
    });

    await product.eventStore.kill();
    await product.eventStore.restart();
    const others = [newCaller(), newCaller()];
    for (const other of others) {
      await eventually(async () => expect((await client.register(other)).status).toBe(202), {
        within: 15_000,
      });
    }
    for (const other of others) {
      await eventually(async () => expect(await mailbox.mails(other.email)).toHaveLength(1));
    }
    expect(await mailbox.mails(refused.email)).toEqual([]);

    await mailbox.faults();
    await backstage.codeFor(refused);
    await mailsSettled(product);
    expect(Math.max(...(await mailbox.mailsPerKey()).values())).toBe(1);
    for (const other of others) {
      expect(await mailbox.mails(other.email)).toHaveLength(1);
    }
  });
});
