import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EventStoreDBEventStore } from '@app/event-store/eventstoredb-event-store.js';
import { startEventStore } from '../support/event-store.js';
import type { TestEventStore } from '../support/event-store.js';
import { eventually } from '../support/eventually.js';
import { freshDatabase } from '../support/postgres.js';
import type { Environment } from '../support/process.js';
import { repositoryRoot, runScript, startApp } from '../support/process.js';
import { startRestartableApp } from '../support/restartable-app.js';
import type { RestartableApp } from '../support/restartable-app.js';
import { temporaryFolder } from '../support/run-folder.js';

const LAUNCHER = join(repositoryRoot, 'dist/apps/local/src/launcher/main.js');
const KEY = 'key-of-the-own-provider';

describe('npm start with an event store, a PostgreSQL and a mail provider of the caller', () => {
  let eventStore: TestEventStore;
  let provider: RestartableApp;
  let database: string;
  let environment: Environment;

  beforeAll(async () => {
    eventStore = await startEventStore();
    provider = await startRestartableApp('local/src/mailbox', (port) => ({
      MAILBOX_PORT: port('mailbox'),
      MAILBOX_DATA_DIR: temporaryFolder('own-provider'),
      EMAIL_API_KEY: KEY,
    }));
    database = (await freshDatabase()).url;
    const urlFile = join(temporaryFolder('own-url'), 'database-url');
    writeFileSync(urlFile, `${database}\n`, { mode: 0o600 });
    environment = {
      API_PORT: '0',
      ADMIN_PORT: '0',
      SIGN_UP_PORT: '0',
      DATA_DIR: temporaryFolder('own-parts'),
      BCRYPT_COST: '4',
      EVENTSTORE_URL: eventStore.url,
      DATABASE_URL_FILE: urlFile,
      EMAIL_API_URL: provider.url('mailbox'),
      EMAIL_API_KEY: KEY,
    };
  });
  afterAll(async () => {
    await Promise.all([eventStore.stop(), provider.stop()]);
  });

  it('uses them, says that they are the caller’s, and leaves them as they are', async () => {
    for (const email of ['grace@example.org', 'ada@example.org']) {
      const launcher = await startApp('local/src/launcher', environment);
      expect(launcher.endpoints).not.toHaveProperty('mailbox');
      const answer = await fetch(`${launcher.endpoints['api']}/v1/accounts`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email, password: 'correct horse battery staple' }),
      });
      expect(answer.status).toBe(202);
      await eventually(async () => expect(await mailsTo(email)).toHaveLength(1), {
        within: 10_000,
      });
      await launcher.stop();
      for (const part of ['eventstore', 'postgres', 'mailbox']) {
        expect(launcher.output()).toMatch(new RegExp(`${part} +\\| is yours, at 127`));
        expect(launcher.output()).not.toMatch(new RegExp(`${part} +\\| ready after`));
      }
      expect(launcher.output()).not.toContain(new URL(database).password);
      expect(launcher.output()).not.toContain(KEY);
    }
    const store = new EventStoreDBEventStore({ url: eventStore.url });
    const { signal } = new AbortController();
    const events = store.subscribeToAll({
      after: 'start',
      streamNamePrefixes: ['account-'],
      signal,
    });
    expect((await events.next()).value).toMatchObject({ event: { type: 'AccountRegistered' } });
    await events.return();
    await store.close();
  });

  it('refuses secrets that the database was not filled with', async () => {
    const folder = temporaryFolder('own-parts-other-secrets');
    const { code, output } = await runScript(LAUNCHER, { ...environment, DATA_DIR: folder });
    expect(code).not.toBe(0);
    expect(output).toContain('ADDRESS_KEY');
    expect(output).not.toContain(readFileSync(join(folder, 'secrets/address-key'), 'utf8').trim());
  });

  const mailsTo = async (email: string) => {
    const answer = await fetch(`${provider.url('mailbox')}/emails?to=${email}`);
    return ((await answer.json()) as { data: unknown[] }).data;
  };
});
