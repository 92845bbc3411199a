import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accountStreamName } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import {
  accountRegistered,
  noon,
  registrationRenewed,
} from '@app/accounts/testing/account-examples.js';
import fc from 'fast-check';
import { openDatabase } from '../../../test/support/open-database.js';
import { accountsProjection } from './accounts/accounts.projection.js';
import { activationMailsProjection } from './activation-mails/activation-mails.projection.js';
import type { Database, Queryable, Statement } from '@app/postgres';
import { liveTable } from '@app/consumers';
import type { Projection, ProjectedEvent } from '@app/consumers';
import { statisticsProjection } from './statistics/statistics.projection.js';
import { accountLives, exampleAccountId } from './testing/account-lives.js';

const projections = [accountsProjection, statisticsProjection, activationMailsProjection];

type Log = readonly ProjectedEvent<AccountEvent>[];

const RUNS = 25;

describe('projections', () => {
  let database: Database;

  beforeAll(async () => {
    database = await openDatabase();
  });
  afterAll(() => database.close());

  async function rowsOf(table: string): Promise<readonly unknown[]> {
    const { rows } = await database.query({ text: `select * from ${table} order by 1, 2` });
    return rows;
  }

  /** The rows after writing the log in batches that end at these indexes. */
  async function rowsAfter(
    projection: Projection<AccountEvent>,
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

  it.each(projections)('$name: rows do not depend on how the log was cut', async (projection) => {
    await fc.assert(
      fc.asyncProperty(accountLives, cuts, async (log, where) => {
        const oneByOne = await rowsAfter(projection, log, [...log.keys()]);
        expect(await rowsAfter(projection, log, where)).toEqual(oneByOne);
      }),
      { numRuns: RUNS },
    );
  });

  it.each(projections)(
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

  it('read no rows of streams that begin, and prepare every statement', async () => {
    const statements: Statement[] = [];
    const noting: Queryable = {
      query: (statement) => {
        statements.push(statement);
        return database.query(statement);
      },
    };
    const [first, next] = [0n, 1n].map((revision) => ({
      streamName: accountStreamName(exampleAccountId(99)),
      revision,
      position: revision,
      event: revision === 0n ? accountRegistered() : registrationRenewed(noon),
    }));
    for (const fact of [first, next]) {
      if (fact) await accountsProjection.write(noting, liveTable(accountsProjection), [fact]);
    }
    expect(statements.map(({ text }) => text.split(' ', 1)[0])).toEqual([
      'insert',
      'select',
      'insert',
    ]);
    expect(statements.every(({ name }) => name !== undefined)).toBe(true);
  });

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
