import { describe, expect, it } from '@jest/globals';
import type { Queryable, Statement } from '@app/read-model';
import { ViewAccountHandler } from './view-account.handler.js';
import { ViewAccount } from './view-account.query.js';

const accountId = '6f9619ff-8b86-8d01-b42d-00cf4fc964ff';

function readModelWith(...rows: readonly object[]): Queryable & { asked: Statement[] } {
  const asked: Statement[] = [];
  return {
    asked,
    query: async <Row>(statement: Statement) => {
      asked.push(statement);
      return { rows: rows as readonly Row[], rowCount: rows.length };
    },
  };
}

describe('Viewing the own account', () => {
  it('shows what the read model has of it, and of no other', async () => {
    const registeredAt = new Date('2026-11-22T12:00:00.000Z');
    const readModel = readModelWith({
      account_id: accountId,
      address: 'Ada@Example.org',
      status: 'pending',
      registered_at: registeredAt,
      activated_at: null,
    });
    const view = await new ViewAccountHandler(readModel).execute(new ViewAccount(accountId));
    expect(view).toEqual({
      accountId,
      address: 'Ada@Example.org',
      status: 'pending',
      registeredAt,
      activatedAt: undefined,
    });
    expect(readModel.asked.map(({ values }) => values)).toEqual([[accountId]]);
  });

  it('fails when the account is gone although its password was just proven', async () => {
    const handler = new ViewAccountHandler(readModelWith());
    await expect(handler.execute(new ViewAccount(accountId))).rejects.toThrow(
      'is not in the read model',
    );
  });
});
