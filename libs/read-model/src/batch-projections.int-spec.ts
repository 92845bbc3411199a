import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AccountEvent } from '@app/accounts';
import fc from 'fast-check';
import { freshDatabase } from '../../../test/support/postgres.js';
import type { FreshDatabase } from '../../../test/support/postgres.js';
import { accountsProjection } from './accounts/accounts.projection.js';
import { accountsTable } from './accounts/accounts.table.js';
import { activationMailsProjection } from './activation-mails/activation-mails.projection.js';
import type { Database } from './database.js';
import { createPool } from './postgres.js';
import { liveTable } from './projection.js';
import type { BatchProjection, ProjectedEvent } from './projection.js';
import { statisticsProjection } from './statistics/statistics.projection.js';
import { accountLives } from './testing/account-lives.js';

type Log = readonly ProjectedEvent<AccountEvent>[];

const RUNS = 25;

describe('batch projections', () => {
  let fresh: FreshDatabase;
  let database: Database;

  beforeAll(async () => {
    fresh = await freshDatabase();
    database = createPool(fresh.url, {
      max: 2,
      applicationName: 'spec',
      statementTimeoutMs: 5_000,
    });
  });
  afterAll(async () => {
    await database.close();
    await fresh.drop();
  });

  async function rowsOf(table: string): Promise<readonly unknown[]> {
    const { rows } = await database.query({ text: `select * from ${table} order by 1, 2` });
    return rows;
  }

  /** The rows after writing the log in batches that end at these indexes. */
  async function rowsAfter(
    projection: BatchProjection<AccountEvent>,
    log: Log,
    cuts: readonly number[],
  ): Promise<readonly unknown[]> {
    const table = liveTable(projection);
    await database.query({ text: `truncate ${table}` });
    const ends = [...new Set(cuts.map((cut) => cut % log.length)), log.length].sort(
      (one, other) => one - other,
    );
    let begin = 0;
    for (const end of ends) {
      const batch = log.slice(begin, end);
      await database.inTransaction((transaction) => projection.write(transaction, table, batch));
      begin = end;
    }
    return rowsOf(table);
  }

  const cuts = fc.array(fc.nat({ max: 59 }), { maxLength: 6 });

  it.each([accountsTable, statisticsProjection, activationMailsProjection])(
    '$name: rows do not depend on how the log was cut',
    async (projection) => {
      await fc.assert(
        fc.asyncProperty(accountLives, cuts, async (log, where) => {
          const oneByOne = await rowsAfter(projection, log, [...log.keys()]);
          expect(await rowsAfter(projection, log, where)).toEqual(oneByOne);
        }),
        { numRuns: RUNS },
      );
    },
  );

  it('accounts: rows are those that the projection writes fact by fact', async () => {
    await fc.assert(
      fc.asyncProperty(accountLives, cuts, async (log, where) => {
        const inBatches = await rowsAfter(accountsTable, log, where);
        await database.query({ text: 'truncate read_model.accounts' });
        for (const fact of log) {
          const statement = accountsProjection.project(fact);
          if (statement) await database.query(statement);
        }
        expect(inBatches).toEqual(await rowsOf('read_model.accounts'));
      }),
      { numRuns: RUNS },
    );
  });

  it.each([accountsTable, statisticsProjection, activationMailsProjection])(
    '$name: what was written before can be written again',
    async (projection) => {
      await fc.assert(
        fc.asyncProperty(accountLives, async (log) => {
          const rows = await rowsAfter(projection, log, []);
          await projection.write(database, liveTable(projection), log);
          expect(await rowsOf(liveTable(projection))).toEqual(rows);
        }),
        { numRuns: RUNS },
      );
    },
  );

  it('count every event once', async () => {
    await fc.assert(
      fc.asyncProperty(accountLives, cuts, async (log, where) => {
        const rows = (await rowsAfter(statisticsProjection, log, where)) as Record<
          string,
          number
        >[];
        const total = (column: string) => rows.reduce((sum, row) => sum + (row[column] ?? 0), 0);
        const recorded = (type: string) => log.filter(({ event }) => event.type === type).length;
        expect(total('registrations')).toBe(recorded('AccountRegistered'));
        expect(total('activations')).toBe(recorded('AccountActivated'));
        expect(total('mails_sent')).toBe(recorded('ActivationCodeSent'));
        expect(total('wrong_guesses')).toBe(recorded('ActivationRefused'));
      }),
      { numRuns: RUNS },
    );
  });
});
