import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accountStreamName } from '@app/accounts';
import type { NewEvent } from '@app/event-store';
import { EventStoreDBEventStore } from '@app/event-store/eventstoredb-event-store.js';
import { expectProblem, newCaller } from '../api/account-client.js';
import { freshDatabase } from '../support/postgres.js';
import type { FreshDatabase } from '../support/postgres.js';
import { temporaryFolder } from '../support/run-folder.js';
import { Service, soon, startSurroundings } from './service.js';
import type { Surroundings } from './service.js';
import type { Person } from './story.js';

type Strange = Pick<NewEvent, 'type' | 'data'> & { readonly metadata: object };

const metadata = {
  schemaVersion: 1,
  $correlationId: randomUUID(),
  $causationId: randomUUID(),
  actor: 'worker',
};

/** Each is appended to the stream of an account of its own. */
const strangeEvents: readonly (readonly [string, Strange])[] = [
  ['of an unknown type', { type: 'AccountFrozen', data: { at: 1 }, metadata }],
  [
    'of an unknown version',
    { type: 'PasswordHashUpgraded', data: {}, metadata: { ...metadata, schemaVersion: 9 } },
  ],
  ['with empty metadata', { type: 'AccountActivated', data: {}, metadata: {} }],
  ['whose data is no object', { type: 'RegistrationRenewed', data: 7, metadata }],
];

describe('Events that no version of this program wrote', () => {
  let surroundings: Surroundings;
  let database: FreshDatabase;
  let service: Service;
  let neighbour: Person;
  const hit: Person[] = [];

  beforeAll(async () => {
    surroundings = await startSurroundings();
    database = await freshDatabase();
    service = new Service(surroundings, database.url, temporaryFolder('log'));
    await service.startAll();
    neighbour = await registered();
    for (const [, event] of strangeEvents) {
      const person = await registered();
      hit.push(person);
      await append(person, event);
    }
  }, 60_000);
  afterAll(async () => {
    await service.stop();
    await surroundings.mailbox.stop();
    await database.drop();
  });

  async function registered(): Promise<Person> {
    const caller = newCaller();
    return { ...caller, accountId: await service.registerAndWaitForMail(caller) };
  }

  async function append({ accountId }: Person, event: Strange): Promise<void> {
    const store = new EventStoreDBEventStore({ url: service.eventStoreUrl });
    try {
      let revision = -1n;
      for await (const recorded of service.events(accountId)) ({ revision } = recorded);
      await store.append(accountStreamName(accountId), revision, [
        { id: randomUUID(), ...event, metadata: event.metadata as NewEvent['metadata'] },
      ]);
    } finally {
      await store.close();
    }
  }

  async function failed(): Promise<readonly Record<string, unknown>[]> {
    const { body } = await service.admin('GET', '/failed-events');
    return body['failedEvents'] as Record<string, unknown>[];
  }

  it('cost the accounts that have them, and no other', async () => {
    await soon(async () => {
      for (const person of hit) expect((await service.client.view(person)).status).toBe(401);
    });
    expect((await service.client.view(neighbour)).status).toBe(200);
    const caller = newCaller();
    await service.registerAndWaitForMail(caller);
    await service.activate(caller);
    const { status, body } = await service.readiness('worker');
    expect({ status, body }).toMatchObject({
      status: 200,
      body: {
        consumers: {
          accounts: { state: 'live', failing: { events: hit.length } },
          statistics: { state: 'live' },
          'activation-mails': { state: 'live' },
          'activation-mail': { state: 'running' },
        },
      },
    });
  });

  it('are listed for operators with consumer, type and reason', async () => {
    const events = await failed();
    const reasons = events
      .filter(({ consumer }) => consumer === 'accounts')
      .map(({ type, error }) => `${String(type)} ${String(error).split(':', 1)[0]}`);
    expect(reasons.toSorted()).toEqual([
      'AccountActivated UnknownAccountEvent',
      'AccountFrozen UnknownAccountEvent',
      'PasswordHashUpgraded UnknownAccountEvent',
      'RegistrationRenewed MalformedAccountEvent',
    ]);
    const unknown = events.filter(({ type }) => type === 'AccountFrozen');
    expect(unknown.map(({ consumer }) => consumer).toSorted()).toEqual([
      'accounts',
      'activation-mail',
      'activation-mails',
      'forget-persons',
      'statistics',
    ]);
  });

  it.each(strangeEvents.map(([name], index) => [name, index] as const))(
    'one %s: commands are refused by name; the history is shown, and the account can be erased',
    async (_, index) => {
      const person = hit[index];
      if (person === undefined) throw new Error('there is no such account');
      const { email, password, accountId } = person;
      const answer = await service.client.register({ email, password });
      expectProblem(answer, 500, 'account-unreadable');
      const history = await service.admin('GET', `/accounts/${accountId}/history`);
      expect(history.status).toBe(200);
      const events = history.body['events'] as { type: string; sentence: string }[];
      expect(events.map(({ type }) => type)).toEqual([
        'AccountRegistered',
        'ActivationCodeIssued',
        'ActivationCodeSent',
        strangeEvents[index]?.[1].type,
      ]);
      expect(events.at(-1)?.sentence).toBe('This version cannot read what happened.');
      const erasure = await service.admin('DELETE', `/accounts/${accountId}?reason=test-data`);
      expect(erasure.status).toBe(200);
      const { body } = await service.admin('GET', `/accounts/${accountId}`);
      expect(body).toMatchObject({ email: null });
    },
  );

  it('are left out for good when an operator decided so, in all consumers at once', async () => {
    for (const position of new Set((await failed()).map((event) => event['position']))) {
      const path = `/failed-events/${String(position)}/skip`;
      const answer = await service.admin('POST', path, { reason: 'a test wrote it' });
      expect(answer.status).toBe(202);
    }
    await soon(async () => {
      const { body } = await service.readiness('worker');
      expect(JSON.stringify(body)).not.toContain('"failing":{');
      for (const { accountId } of hit) {
        const account = await service.admin('GET', `/accounts/${accountId}`);
        expect(account.body).toMatchObject({ status: 'erased' });
      }
    });
    expect((await failed()).every(({ status }) => status === 'skipped')).toBe(true);
  });
});
