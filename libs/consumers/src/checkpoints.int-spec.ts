import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openDatabase } from '../../../test/support/open-database.js';
import { CheckpointMoved, moveCheckpoint, readCheckpoint, saveCheckpoint } from './checkpoints.js';
import type { Database } from '@app/postgres';

const beyondDoubles = 9_007_199_254_740_993n;

describe('checkpoints', () => {
  let database: Database;

  beforeAll(async () => {
    database = await openDatabase();
  });
  beforeEach(async () => {
    await database.query({ text: 'truncate read_model.checkpoints' });
  });
  afterAll(() => database.close());

  it('begin at the start', async () => {
    expect(await readCheckpoint(database, 'mails')).toBe('start');
  });

  it('are kept per consumer, exactly', async () => {
    await saveCheckpoint(database, 'mails', beyondDoubles);
    await saveCheckpoint(database, 'accounts', 0n);
    expect(await readCheckpoint(database, 'mails')).toBe(beyondDoubles);
    expect(await readCheckpoint(database, 'accounts')).toBe(0n);
  });

  it('never go back when saved', async () => {
    await saveCheckpoint(database, 'mails', 20n);
    await saveCheckpoint(database, 'mails', 19n);
    expect(await readCheckpoint(database, 'mails')).toBe(20n);
  });

  it('move on only from where they were left', async () => {
    await moveCheckpoint(database, 'accounts', 'start', 10n);
    await moveCheckpoint(database, 'accounts', 10n, 25n);
    await expect(moveCheckpoint(database, 'accounts', 10n, 30n)).rejects.toThrow(CheckpointMoved);
    await expect(moveCheckpoint(database, 'accounts', 'start', 30n)).rejects.toThrow(
      CheckpointMoved,
    );
    await expect(moveCheckpoint(database, 'nobody', 10n, 30n)).rejects.toThrow(CheckpointMoved);
    expect(await readCheckpoint(database, 'accounts')).toBe(25n);
    expect(await readCheckpoint(database, 'nobody')).toBe('start');
  });

  it.each(['start', 10n] as const)('let one of two rivals through: from %s', async (from) => {
    if (from !== 'start') await moveCheckpoint(database, 'accounts', 'start', from);
    const results = await Promise.allSettled(
      [20n, 21n].map((to) =>
        database.inTransaction((transaction) => moveCheckpoint(transaction, 'accounts', from, to)),
      ),
    );
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(results).toContainEqual({ status: 'rejected', reason: expect.any(CheckpointMoved) });
  });
});
