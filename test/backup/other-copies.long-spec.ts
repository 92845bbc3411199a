import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newCaller } from '../api/account-client.js';
import { freshDatabase } from '../support/postgres.js';
import { temporaryFolder } from '../support/run-folder.js';
import { copyDatabase, copyLog, restoreDatabase, restoreLog } from './copies.js';
import { REFUSAL, Service, soon, startSurroundings } from './service.js';
import type { Surroundings } from './service.js';
import { tell } from './story.js';
import type { Story } from './story.js';

describe('Restoring', () => {
  let surroundings: Surroundings;
  let story: Story;
  const services: Service[] = [];

  beforeAll(async () => {
    surroundings = await startSurroundings();
    story = await tell(surroundings);
  }, 60_000);
  afterAll(async () => {
    for (const service of services) await service.stop();
    await surroundings.mailbox.stop();
  });

  function serviceOn(databaseUrl: string, dataDir: string): Service {
    const service = new Service(surroundings, databaseUrl, dataDir);
    services.push(service);
    return service;
  }

  it('refuses a log that is another one, although it has as many events', async () => {
    const forked = await restoreDatabase(story.early.database);
    const dataDir = restoreLog(story.early.log);
    // A fork of the service goes on with the early copies, until its log holds more than the one before.
    const fork = serviceOn(forked.url, dataDir);
    await fork.startAll();
    for (let registered = 0; registered < 2 * story.crowd.length; registered += 10) {
      await Promise.all(Array.from({ length: 10 }, () => fork.register(newCaller())));
    }
    // Their own two copies belong together, now that no process writes.
    const unreadable = await fork.figure('unreadable_accounts');
    await fork.stop();
    const later = { database: await copyDatabase(forked.url), log: copyLog(dataDir) };

    const mixed = serviceOn((await restoreDatabase(story.late.database)).url, later.log);
    await mixed.startEventStore();
    await expect(mixed.start('worker')).rejects.toThrow(REFUSAL);
    await mixed.stop();

    const pair = serviceOn((await restoreDatabase(later.database)).url, restoreLog(later.log));
    await pair.startAll();
    await soon(async () => expect((await pair.client.view(story.settled)).status).toBe(200));
    expect(await pair.figure('unreadable_accounts')).toBe(unreadable);
  }, 60_000);

  it('is noticed by those who run meanwhile', async () => {
    const database = await freshDatabase();
    const service = serviceOn(database.url, temporaryFolder('log'));
    await service.startAll();
    const known = newCaller();
    await service.registerAndWaitForMail(known);
    const before = copyLog(service.dataDir);
    const caller = newCaller();
    await service.registerAndWaitForMail(caller);
    await soon(async () => expect((await service.client.view(caller)).status).toBe(200));
    const after = copyLog(service.dataDir);
    await service.exchangeLog(before);
    await soon(async () => {
      const { status, body } = await service.readiness('api');
      expect({ status, body }).toMatchObject({
        status: 503,
        body: { checks: { postgres: expect.stringMatching(REFUSAL) } },
      });
    });
    expect((await service.client.view(caller)).status).toBe(503);
    expect((await service.readiness('worker')).body).toMatchObject({
      consumers: { accounts: { state: 'faulted' } },
    });
    await service.exchangeLog(after);
    await soon(async () => {
      expect((await service.client.view(known)).status).toBe(200);
      expect((await service.client.view(caller)).status).toBe(200);
    });
    await service.activate(caller);
  }, 90_000);

  it('goes on without PostgreSQL: no account is known, and new registrations are served', async () => {
    const empty = await freshDatabase();
    const service = serviceOn(empty.url, restoreLog(story.late.log));
    await service.startAll();
    expect((await service.client.view(story.settled)).status).toBe(401);
    await soon(async () => {
      expect(await service.figure('unreadable_accounts')).toBeGreaterThan(3);
    });
    const caller = newCaller();
    await service.registerAndWaitForMail(caller);
    await service.activate(caller);
  }, 60_000);
});
