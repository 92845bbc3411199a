import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newCaller } from '../api/account-client.js';
import { restoreDatabase, restoreLog } from './copies.js';
import { REFUSAL, Service, soon, startSurroundings } from './service.js';
import type { Surroundings } from './service.js';
import { tell } from './story.js';
import type { Story } from './story.js';

describe('PostgreSQL from a copy that is newer than the event store', () => {
  let surroundings: Surroundings;
  let story: Story;
  let service: Service;

  beforeAll(async () => {
    surroundings = await startSurroundings();
    story = await tell(surroundings);
    const database = await restoreDatabase(story.late.database);
    service = new Service(surroundings, database.url, restoreLog(story.early.log));
    await service.startEventStore();
  }, 60_000);
  afterAll(async () => {
    await (service as Service | undefined)?.stop();
    await surroundings.mailbox.stop();
  });

  it('is refused, and the way out is named, by every process', async () => {
    await expect(service.start('worker')).rejects.toThrow(REFUSAL);
    await service.start('api');
    const { status, body } = await service.readiness('api');
    expect({ status, body }).toMatchObject({
      status: 503,
      body: { checks: { postgres: expect.stringMatching(REFUSAL) } },
    });
    // The rows of both are there, and yet no caller sees what the log does not hold.
    expect((await service.client.view(story.newcomer)).status).toBe(503);
    expect((await service.client.view(story.settled)).status).toBe(503);
    await expect(service.start('admin')).rejects.toThrow(REFUSAL);
  });

  it('follows the log when an operator says so, and forgets what the log does not know', async () => {
    expect(await service.migrate('--follow-log')).toContain('the worker builds them anew');
    expect((await service.client.view(story.settled)).status).toBe(503);
    await service.start('worker');
    await soon(async () => {
      const { status, body } = await service.client.view(story.settled);
      expect({ status, body }).toMatchObject({ status: 200, body: { status: 'active' } });
    });
    const pending = await service.client.view(story.activated);
    expect(pending).toMatchObject({ status: 200, body: { status: 'pending' } });
    expect((await service.client.view(story.newcomer)).status).toBe(401);
    expect((await service.client.view(story.lost)).status).toBe(401);
    expect(await service.figure('unreadable_accounts')).toBe(0);
  });

  it('keeps an erased person unreadable, although the log has lost the erasure', async () => {
    const { accountId, email } = story.erased;
    expect((await service.client.view(story.erased)).status).toBe(401);
    expect(await service.typesOf(accountId)).not.toContain('AccountErased');
    await service.start('admin');
    const { status, body } = await service.admin('GET', `/accounts/${accountId}/history`);
    expect(status).toBe(200);
    expect(JSON.stringify(body)).not.toContain(email);
    expect(JSON.stringify(body)).toContain('"address":{"erased":true}');
  });

  it('lets all of them register anew, whatever became of their keys', async () => {
    const { erased, newcomer, lost } = story;
    const { status } = await service.admin(
      'DELETE',
      `/accounts/${erased.accountId}?reason=requested-by-owner`,
    );
    expect(status).toBe(200);
    for (const person of [erased, newcomer, lost, newCaller()]) {
      const accountId = await service.register(person);
      await soon(async () => {
        expect((await service.client.view(person)).status).toBe(200);
      });
      // The provider remembers mails that the log does not, and takes a first code for a repetition.
      if (person === newcomer || person === lost) {
        await soon(async () => {
          expect((await service.client.requestCode(person)).status).toBe(202);
        });
      }
      await soon(async () => {
        const types = await service.typesOf(accountId);
        expect(types.at(-1)).toBe('ActivationCodeSent');
        expect(types.lastIndexOf('AccountRegistered')).toBeLessThan(types.length - 2);
      });
      await service.activate(person);
    }
  });
});
