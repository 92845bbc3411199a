import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { eventually } from '../../../../test/support/eventually.js';
import { freshDatabase } from '../../../../test/support/postgres.js';
import type { Database } from '@app/postgres';
import { createPool } from '@app/postgres/postgres.js';
import { settleBuckets, removeFullBuckets, takeFromBuckets } from './buckets.js';
import type { BucketDemand } from './buckets.js';

const HOUR_MS = 3_600_000;

let databases: Database[];

beforeAll(async () => {
  const { url } = await freshDatabase();
  databases = [1, 2].map((replica) =>
    createPool(url, { max: 10, applicationName: `replica ${replica}`, statementTimeoutMs: 5_000 }),
  );
});

afterAll(() => Promise.all(databases.map((database) => database.close())));

const replica = (index: number) => databases[index % databases.length] as Database;
const demand = (capacity: number, refillMs = HOUR_MS): BucketDemand => ({
  key: randomUUID(),
  capacity,
  refillMs,
});

describe('Buckets', () => {
  it('hold so many calls, whichever process takes them', async () => {
    const bucket = demand(3);
    const takes = [0, 1, 2, 3].map((index) => () => takeFromBuckets(replica(index), [bucket]));
    const refused = [];
    for (const take of takes) refused.push((await take()).length);
    expect(refused).toEqual([0, 0, 0, 1]);
  });

  it('say when one more call fits in', async () => {
    const bucket = demand(2);
    await takeFromBuckets(replica(0), [bucket]);
    await takeFromBuckets(replica(0), [bucket]);
    const [empty] = await takeFromBuckets(replica(1), [bucket]);
    expect(empty?.key).toBe(bucket.key);
    expect(empty?.retryInMs).toBeGreaterThan(HOUR_MS - 60_000);
    expect(empty?.retryInMs).toBeLessThanOrEqual(HOUR_MS);
  });

  it('let no more calls through than fit in when all come at once, of a new bucket or an old one', async () => {
    for (const before of [0, 1]) {
      const bucket = demand(7);
      for (let taken = 0; taken < before; taken++) await takeFromBuckets(replica(0), [bucket]);
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, index) => takeFromBuckets(replica(index), [bucket])),
      );
      expect(answers.filter((empty) => empty.length === 0)).toHaveLength(7 - before);
    }
  });

  it('are taken from together or not at all', async () => {
    const [empty, other] = [demand(1), demand(2)];
    await takeFromBuckets(replica(0), [empty]);
    for (let tries = 0; tries < 5; tries++) {
      const refused = await takeFromBuckets(replica(tries), [other, empty]);
      expect(refused.map(({ key }) => key)).toEqual([empty.key]);
    }
    expect(await takeFromBuckets(replica(0), [other])).toEqual([]);
    expect(await takeFromBuckets(replica(0), [other])).toEqual([]);
    expect(await takeFromBuckets(replica(0), [other])).toHaveLength(1);
  });

  it('never wait for each other in a circle', async () => {
    const [one, other] = [demand(1_000), demand(1_000)];
    await Promise.all(
      Array.from({ length: 80 }, async (_, index) => {
        const demands = index % 2 ? [one, other] : [other, one];
        expect(await takeFromBuckets(replica(index), demands)).toEqual([]);
        await settleBuckets(replica(index + 1), { giveBack: demands });
      }),
    );
  });

  it('take back what did not count', async () => {
    const bucket = demand(1);
    for (let round = 0; round < 3; round++) {
      expect(await takeFromBuckets(replica(round), [bucket])).toEqual([]);
      await settleBuckets(replica(round), { giveBack: [bucket] });
    }
    await takeFromBuckets(replica(0), [bucket]);
    expect(await takeFromBuckets(replica(0), [bucket])).toHaveLength(1);
  });

  it('fill up again with time', async () => {
    const bucket = demand(1, 30);
    await takeFromBuckets(replica(0), [bucket]);
    await eventually(async () => expect(await takeFromBuckets(replica(0), [bucket])).toEqual([]));
  });

  it('are removed when they are full, and only then', async () => {
    const [full, used] = [demand(1, 1), demand(1)];
    await takeFromBuckets(replica(0), [full]);
    await takeFromBuckets(replica(0), [used]);
    await eventually(async () => {
      await removeFullBuckets(replica(0));
      const { rows } = await replica(0).query<{ key: string }>({
        text: 'select key from throttling.buckets where key = any($1)',
        values: [[full.key, used.key]],
      });
      expect(rows.map(({ key }) => key)).toEqual([used.key]);
    });
  });

  it('count only while a mark stands, or only while it does not', async () => {
    const mark = { key: randomUUID(), lastsMs: HOUR_MS };
    const marked = { ...demand(1), condition: { mark: mark.key, stands: true } };
    const unmarked = { ...demand(1), condition: { mark: mark.key, stands: false } };
    const take = async (...demands: BucketDemand[]) =>
      (await takeFromBuckets(replica(0), demands)).map(({ key }) => key);
    expect(await take(marked, unmarked)).toEqual([]);
    expect(await take(marked, unmarked)).toEqual([unmarked.key]);
    await settleBuckets(replica(1), { marks: [mark] });
    expect(await take(marked, unmarked)).toEqual([]);
    expect(await take(marked, unmarked)).toEqual([marked.key]);
    // What did not count is not given back either.
    await settleBuckets(replica(0), { giveBack: [marked, unmarked] });
    expect(await take(marked)).toEqual([]);
    expect(await take({ ...unmarked, condition: { mark: randomUUID(), stands: false } })).toEqual([
      unmarked.key,
    ]);
  });

  it('set a mark with the call that they count, and with no other', async () => {
    const mark = { key: randomUUID(), lastsMs: HOUR_MS };
    const [bucket, ifMarked] = [demand(1), demand(1)];
    const first = { ...ifMarked, condition: { mark: mark.key, stands: true } };
    expect(await takeFromBuckets(replica(0), [bucket, first], [mark])).toEqual([]);
    expect(await takeFromBuckets(replica(0), [demand(5), first], [mark])).toEqual([]);
    expect(await takeFromBuckets(replica(0), [demand(5), first], [mark])).toHaveLength(1);
    const other = { key: randomUUID(), lastsMs: HOUR_MS };
    expect(await takeFromBuckets(replica(0), [bucket], [other])).toHaveLength(1);
    const ifOther = { ...demand(1), condition: { mark: other.key, stands: true } };
    for (let call = 0; call < 2; call++)
      expect(await takeFromBuckets(replica(0), [ifOther])).toEqual([]);
  });

  it('forget a mark when its time is over', async () => {
    const mark = { key: randomUUID(), lastsMs: 50 };
    await settleBuckets(replica(0), { marks: [mark] });
    const unmarked = { ...demand(1), condition: { mark: mark.key, stands: false } };
    await eventually(async () => {
      await takeFromBuckets(replica(0), [unmarked]);
      expect(await takeFromBuckets(replica(0), [unmarked])).toHaveLength(1);
    });
  });

  it('begin anew where an outcome says so', async () => {
    const bucket = demand(3);
    for (let call = 0; call < 3; call++) await takeFromBuckets(replica(0), [bucket]);
    await settleBuckets(replica(1), { refill: [bucket.key] });
    for (let call = 0; call < 3; call++)
      expect(await takeFromBuckets(replica(0), [bucket])).toEqual([]);
    expect(await takeFromBuckets(replica(0), [bucket])).toHaveLength(1);
  });
});
