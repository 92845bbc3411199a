import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.js';
import { openDatabase } from '../../../test/support/open-database.js';
import type { Database, Queryable } from '@app/postgres';
import type { ProjectionStatus } from './projection-monitor.js';
import { readProjectionReports, reportProjections } from './projection-reports.js';
import type { ReportedProjection } from './projection-reports.js';

const live: ProjectionStatus = {
  state: 'live',
  // Beyond what a number holds exactly.
  position: 9_007_199_254_740_993n,
  lagMs: 0,
  lastError: undefined,
  failing: undefined,
};

describe('Reports on projections', () => {
  let database: Database;
  let statements = 0;
  let isAway = false;
  const counting: Queryable = {
    query: (statement) => {
      statements += 1;
      return isAway ? Promise.reject(new Error('away')) : database.query(statement);
    },
  };

  beforeAll(async () => {
    database = await openDatabase();
  });
  afterAll(() => database.close());

  async function whileReporting(
    projections: Readonly<Record<string, ReportedProjection>>,
    work: (faults: readonly unknown[]) => Promise<void>,
  ): Promise<void> {
    const stopping = new AbortController();
    const faults: unknown[] = [];
    const reporting = reportProjections({
      database: counting,
      projections: new Map(Object.entries(projections)),
      signal: stopping.signal,
      onFault: (error) => faults.push(error),
      intervalMs: 20,
    });
    try {
      await work(faults);
    } finally {
      stopping.abort();
      await reporting;
    }
  }

  it('say by one statement what this process leads, and nothing of what it stands by for', async () => {
    const at = new Date('2026-12-01T12:00:00.000Z');
    const lastError = { message: 'it, "quoted"', at };
    const before = statements;
    let looks = 0;
    const one: ReportedProjection = {
      get status() {
        looks += 1;
        return live;
      },
      eventsProjected: 7,
    };
    const quiet = (status: Partial<ProjectionStatus>): ReportedProjection => ({
      status: { ...live, ...status },
      eventsProjected: 0,
    });
    const projections = {
      one,
      other: quiet({ state: 'faulted', position: undefined, lastError }),
      waiting: quiet({ state: 'standby' }),
      ended: quiet({ state: 'stopped' }),
    };
    await whileReporting(projections, () =>
      eventually(() => expect(statements).toBeGreaterThan(before)),
    );
    // The signal may come between a look and its statement.
    expect([looks, looks - 1]).toContain(statements - before);
    const reports = await readProjectionReports(database);
    expect([...reports.keys()].sort()).toEqual(['one', 'other']);
    expect(reports.get('one')).toMatchObject({ state: 'live', position: live.position });
    expect(reports.get('one')?.lastError ?? undefined).toBeUndefined();
    expect(reports.get('other')).toMatchObject({
      state: 'faulted',
      lastError: 'it, "quoted"',
      lastErrorAt: at,
    });
  });

  it('say how fast a projection is: since the report before', async () => {
    let events = 0;
    let perLook = 1_000;
    const growing: ReportedProjection = {
      status: live,
      get eventsProjected() {
        events += perLook;
        return events;
      },
    };
    const speed = async () =>
      (await readProjectionReports(database)).get('growing')?.eventsPerSecond;
    await whileReporting({ growing }, async () => {
      await eventually(async () => expect(await speed()).toBeGreaterThan(100));
      perLook = 0;
      await eventually(async () => expect(await speed()).toBe(0));
    });
  });

  it('follow one that was missed', async () => {
    isAway = true;
    await whileReporting({ missed: { status: live, eventsProjected: 0 } }, async (faults) => {
      await eventually(() => expect(faults).toContainEqual(new Error('away')));
      isAway = false;
      await eventually(async () =>
        expect((await readProjectionReports(database)).has('missed')).toBe(true),
      );
    });
  });

  it('ask nothing of the database while this process leads nothing', async () => {
    const before = statements;
    let looks = 0;
    const waiting: ReportedProjection = {
      get status(): ProjectionStatus {
        looks += 1;
        return { ...live, state: 'standby' };
      },
      eventsProjected: 0,
    };
    await whileReporting({ waiting }, () => eventually(() => expect(looks).toBeGreaterThan(2)));
    expect(statements).toBe(before);
  });
});
