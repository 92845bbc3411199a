import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newCaller } from '../api/account-client.js';
import { restoreDatabase, restoreLog, withClient } from './copies.js';
import { Service, soon, startSurroundings } from './service.js';
import type { Surroundings } from './service.js';
import { tell } from './story.js';
import type { Story } from './story.js';

describe('PostgreSQL from a copy that is older than the event store', () => {
  let surroundings: Surroundings;
  let story: Story;
  let service: Service;
  /** Codes whose mail was not on record yet when the log was copied. */
  let unsent: number;

  beforeAll(async () => {
    surroundings = await startSurroundings();
    story = await tell(surroundings);
    const database = await restoreDatabase(story.early.database);
    service = new Service(surroundings, database.url, restoreLog(story.late.log));
    await service.startEventStore();
    const { settled, activated, erased, newcomer, crowd } = story;
    const histories = await Promise.all(
      [settled, activated, erased, newcomer, ...crowd].map((person) =>
        service.typesOf(person.accountId),
      ),
    );
    const count = (wanted: string) => histories.flat().filter((type) => type === wanted).length;
    unsent = count('ActivationCodeIssued') - count('ActivationCodeSent');
  }, 60_000);
  afterAll(async () => {
    await (service as Service | undefined)?.stop();
    await surroundings.mailbox.stop();
  });

  it('is refused by every other process until the worker has compared it with the log', async () => {
    await service.start('api');
    await soon(async () => {
      const { status, body } = await service.readiness('api');
      expect({ status, body }).toMatchObject({
        status: 503,
        body: { checks: { postgres: expect.stringContaining('restored from a copy') } },
      });
    });
    expect((await service.client.view(story.erased)).status).toBe(503);
    expect((await service.client.register(newCaller())).status).toBe(503);
  });

  it('has the keys of persons erased since destroyed again, before another process works with it', async () => {
    const before = await keyOf(story.erased.accountId);
    expect(before).toMatchObject({ destroyed: false });
    await service.start('worker');
    expect(await keyOf(story.erased.accountId)).toMatchObject({ destroyed: true });
    expect(await rowOf(story.erased.accountId)).toMatchObject({ address: null });
    await soon(async () => expect((await service.readiness('api')).status).toBe(200));
    await service.start('admin');
    expect((await service.client.view(story.erased)).status).toBe(401);
    const { body } = await service.admin('GET', `/accounts/${story.erased.accountId}/history`);
    expect(JSON.stringify(body)).not.toContain(story.erased.email);
  });

  it('shows what happened since', async () => {
    for (const person of [story.settled, story.activated]) {
      const { status, body } = await service.client.view(person);
      expect({ status, body }).toMatchObject({ status: 200, body: { status: 'active' } });
    }
  });

  it('names accounts that cannot be read because the key was made since', async () => {
    const { accountId } = story.newcomer;
    await soon(async () => {
      expect(await service.figure('unreadable_accounts')).toBeGreaterThanOrEqual(1);
    });
    expect(service.part('worker').output()).toContain(
      `the key of account ${accountId} does not exist: its personal data cannot be read`,
    );
    expect(await rowOf(accountId)).toMatchObject({ status: 'pending', address: null });
    expect((await service.client.view(story.newcomer)).status).toBe(401);
    const unreadable = await withClient(service.databaseUrl, async (client) => {
      const { rows } = await client.query<{ error: string }>(
        'select error from operations.unreadable_accounts where account_id = $1',
        [accountId],
      );
      return rows;
    });
    expect(unreadable[0]?.error).toMatch(/^AccountKeyMissing: /);
  });

  it('serves the next registration, mail and activation included', async () => {
    const caller = newCaller();
    await service.registerAndWaitForMail(caller);
    await service.activate(caller);
    const { status, body } = await service.client.view(caller);
    expect({ status, body }).toMatchObject({ status: 200, body: { status: 'active' } });
  });

  it('sends no person a second mail', async () => {
    const accepted = 'mail_provider_tries_total{provider="first",outcome="accepted"}';
    // One more for the registration since. The provider would ignore a repetition; the worker sent none.
    expect(await service.figure(accepted)).toBeLessThanOrEqual(unsent + 1);
    const mails = story.crowd.map((person) => service.mailsTo(person));
    for (const sent of await Promise.all(mails)) expect(sent.length).toBeLessThanOrEqual(1);
    for (const person of [story.settled, story.activated, story.erased, story.newcomer]) {
      expect(await service.mailsTo(person)).toHaveLength(1);
    }
  });

  it('gives the address of a lost key free, when an operator gives the key up', async () => {
    const { accountId } = story.newcomer;
    expect(await service.migrate('--give-up-lost-keys')).toContain(accountId);
    await service.part('worker').restart();
    await soon(async () => expect(await service.figure('unreadable_accounts')).toBe(0));
    const { status } = await service.admin('DELETE', `/accounts/${accountId}?reason=test-data`);
    expect(status).toBe(200);
    expect(await service.register(story.newcomer)).toBe(accountId);
    await soon(async () => {
      expect((await service.client.view(story.newcomer)).status).toBe(200);
    });
  });

  function keyOf(accountId: string): Promise<unknown> {
    return one(
      'select destroyed_at is not null as destroyed from personal_data.account_keys',
      accountId,
    );
  }

  function rowOf(accountId: string): Promise<unknown> {
    return one('select status, address from read_model.accounts', accountId);
  }

  function one(select: string, accountId: string): Promise<unknown> {
    return withClient(service.databaseUrl, async (client) => {
      const { rows } = await client.query<object>(`${select} where account_id = $1`, [accountId]);
      return rows[0];
    });
  }
});
