import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { factsOf, liveTable } from '@app/consumers';
import { UnknownEvent } from '@app/event-store';
import type { RecordedEvent } from '@app/event-store';
import type { Database } from '@app/postgres';
import { openDatabase } from '../../../../test/support/open-database.js';
import { auditProjection, auditReader } from './audit.projection.js';
import { pageOfAudit } from './audit.queries.js';

const ada = randomUUID();

describe('The rows of what operators were shown', () => {
  let database: Database;

  beforeAll(async () => {
    database = await openDatabase();
  });
  afterAll(() => database.close());

  function recorded(position: bigint, data: object, type = 'AdminCallAnswered'): RecordedEvent {
    return {
      streamName: 'audit-2026-11-29-x',
      revision: position,
      position,
      id: randomUUID(),
      type,
      data: { keyId: 'k1', operation: 'view-account', accountIds: [ada], ...data },
      metadata: { schemaVersion: 1, $correlationId: 'r', $causationId: 'r', actor: 'admin:k1' },
      recordedAt: new Date(),
    };
  }

  const everything = {
    keyId: undefined,
    accountId: undefined,
    from: undefined,
    to: undefined,
    limit: 10,
    after: undefined,
  };

  it('hold everything that was recorded, once, and what was recorded before outcomes were', async () => {
    const at = '2026-11-29T10:00:00.123Z';
    const events = [
      recorded(7n, { at }, 'PersonalDataRead'),
      recorded(9n, {
        at,
        outcome: 'forbidden',
        accountIds: [],
        filters: ['email', 'limit'],
        subjectKeyId: 'k2',
        callerRequestId: ada,
      }),
    ];
    const facts = await factsOf(auditReader, auditProjection, events);
    for (const batch of [facts, facts, []]) {
      await auditProjection.write(database, liveTable(auditProjection), batch);
    }
    const common = {
      at: new Date(at),
      keyId: 'k1',
      label: undefined,
      operation: 'view-account',
      requestId: 'r',
    };
    expect(await pageOfAudit(database, everything)).toEqual([
      {
        ...common,
        position: 9n,
        outcome: 'forbidden',
        accountIds: [],
        filters: ['email', 'limit'],
        subjectKeyId: 'k2',
        callerRequestId: ada,
      },
      {
        ...common,
        position: 7n,
        outcome: 'answered',
        accountIds: [ada],
        filters: [],
        subjectKeyId: undefined,
        callerRequestId: undefined,
      },
    ]);
    expect(await pageOfAudit(database, { ...everything, accountId: ada })).toHaveLength(1);
  });

  it('are made of no event that this version does not know', async () => {
    for (const unknown of [
      recorded(11n, {}, 'SomethingElse'),
      { ...recorded(11n, {}), metadata: { ...recorded(11n, {}).metadata, schemaVersion: 2 } },
    ]) {
      await expect(factsOf(auditReader, auditProjection, [unknown])).rejects.toThrow(UnknownEvent);
    }
  });
});
