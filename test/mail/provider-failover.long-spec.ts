import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AccountClient, Backstage } from '../api/account-client.js';
import { eventually } from '../support/eventually.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import { startRestartableApp } from '../support/restartable-app.js';
import type { RestartableApp } from '../support/restartable-app.js';
import { temporaryFolder } from '../support/run-folder.js';
import {
  MailProvider,
  expectOneLiveMailEach,
  impatience,
  mailsSettled,
  registerMany,
  workerHealth,
} from './mail-provider.js';

const ACCOUNTS = 20;

describe('With a second provider', () => {
  let product: Product;
  let second: RestartableApp;
  let client: AccountClient;
  let backstage: Backstage;
  let first: MailProvider;
  let failover: MailProvider;

  beforeAll(async () => {
    const dataDir = temporaryFolder('second-mailbox');
    second = await startRestartableApp('local/src/mailbox', (port) => ({
      MAILBOX_PORT: port('mailbox'),
      MAILBOX_DATA_DIR: dataDir,
      EMAIL_API_KEY: 'key-of-the-second-provider',
    }));
    product = await startProduct({
      worker: {
        ...impatience,
        EMAIL_API_FAILOVER_URL: second.url('mailbox'),
        EMAIL_API_FAILOVER_KEY: 'key-of-the-second-provider',
        EMAIL_DOUBT_MS: '2500',
      },
    });
    client = new AccountClient(product.endpoints.api);
    backstage = new Backstage(product);
    first = new MailProvider(product.endpoints.mailbox);
    failover = new MailProvider(second.url('mailbox'));
  }, 60_000);

  afterAll(async () => {
    await Promise.all([backstage?.close(), product?.stop(), second?.stop()]);
  });

  afterEach(async () => {
    await first.faults();
    await failover.faults();
  });

  const states = async () => (await workerHealth(product)).mailProviders.map(({ state }) => state);

  /** The worker finds out only by a mail, so that a caller has to register. */
  const untilBothWork = () =>
    eventually(
      async () => {
        await registerMany(client, 1);
        expect(await states()).toEqual(['closed', 'closed']);
      },
      { within: 10_000, every: 200 },
    );

  const mailsOfBoth = async () => [...(await first.mails()), ...(await failover.mails())];

  it('the first one delivers while it works', async () => {
    const accounts = await registerMany(client, 3);
    await mailsSettled(product);
    await expectOneLiveMailEach(accounts, client, backstage, () => first.mails());
    expect(await failover.mails()).toEqual([]);
  });

  it('every user gets one mail, from one of them, while the first is down', async () => {
    await product.mailbox.kill();
    const accounts = await registerMany(client, ACCOUNTS);
    await mailsSettled(product);
    await product.mailbox.restart();
    await expectOneLiveMailEach(accounts, client, backstage, mailsOfBoth);
    expect(await failover.mails()).toHaveLength(ACCOUNTS);
  }, 30_000);

  it('mails that the first took without saying so are not given to the second', async () => {
    await untilBothWork();
    await first.faults({ dropAfterAccept: 5 });
    const accounts = await registerMany(client, ACCOUNTS);
    await mailsSettled(product);
    await expectOneLiveMailEach(accounts, client, backstage, mailsOfBoth);
  }, 30_000);

  it('mails that the first may have taken, and cannot be asked about, go to the second in the end', async () => {
    await first.faults({ hang: 1_000_000 });
    const accounts = await registerMany(client, ACCOUNTS);
    await mailsSettled(product);
    await expectOneLiveMailEach(accounts, client, backstage, () => failover.mails());
  }, 30_000);

  it('the first one takes over again as soon as it works', async () => {
    await untilBothWork();
    const before = (await failover.mails()).length;
    await registerMany(client, 3);
    await mailsSettled(product);
    expect(await failover.mails()).toHaveLength(before);
  }, 30_000);
});
