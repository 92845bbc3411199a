import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { eventually } from '../../../../test/support/eventually.js';
import { freshDatabase } from '../../../../test/support/postgres.js';
import type { Database } from '@app/postgres';
import { createPool } from '@app/postgres/postgres.js';
import { countCalls, removeFullBuckets } from './buckets.js';
import type { BucketCall, BucketDemand, BucketMark, BucketOutcome } from './buckets.js';

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

async function takeFromBuckets(
  database: Database,
  demands: readonly BucketDemand[],
  marks: readonly BucketMark[] = [],
  settled?: BucketOutcome,
) {
  const [empty = []] = await countCalls(database, [{ demands, marks, settled }]);
  return empty;
}

async function settleBuckets(database: Database, settled: BucketOutcome): Promise<void> {
  await countCalls(database, [{ settled }]);
}

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

  it('hold another number for a caller with a mark, or do not count him', async () => {
    const mark = { key: randomUUID(), lastsMs: HOUR_MS };
    const stranger = randomUUID();
    const [kept, free] = [demand(3), demand(1)];
    const take = async (of: string) =>
      takeFromBuckets(replica(0), [
        { ...kept, whileMarked: { mark: of, capacity: 2 } },
        { ...free, whileMarked: { mark: of } },
      ]).then((empty) => empty.map(({ key }) => key).sort());
    expect(await take(mark.key)).toEqual([]);
    expect(await take(mark.key)).toEqual([free.key]);
    await settleBuckets(replica(1), { marks: [mark] });
    expect(await take(mark.key)).toEqual([]);
    // Two of three are for callers who have called before; the third is kept for others.
    expect(await take(mark.key)).toEqual([kept.key]);
    expect(await take(stranger)).toEqual([free.key]);
    // What did not count is not given back either.
    await settleBuckets(replica(0), { giveBack: [{ ...free, whileMarked: { mark: mark.key } }] });
    expect(await take(stranger)).toEqual([free.key]);
  });

  it('of a group are taken from together or not at all, and keep no others from being taken', async () => {
    const [needed, one, other, apart] = [demand(5), demand(1), demand(5), demand(5)];
    const take = async () =>
      takeFromBuckets(replica(0), [
        needed,
        { ...one, group: 'mail' },
        { ...other, group: 'mail' },
        { ...apart, group: 'else' },
      ]).then((empty) => empty.map(({ key, group }) => [key, group]));
    expect(await take()).toEqual([]);
    expect(await take()).toEqual([[one.key, 'mail']]);
    expect(await take()).toEqual([[one.key, 'mail']]);
    const left = async (bucket: BucketDemand) => {
      let calls = 0;
      while ((await takeFromBuckets(replica(0), [bucket])).length === 0) calls += 1;
      return calls;
    };
    expect([await left(other), await left(apart), await left(needed)]).toEqual([4, 2, 2]);
    // Where a needed bucket is empty, no group is taken from.
    await settleBuckets(replica(0), { refill: [one.key, other.key, apart.key] });
    expect(await take()).toEqual([[needed.key, undefined]]);
    expect([await left(one), await left(other), await left(apart)]).toEqual([1, 5, 5]);
  });

  it('set a mark with the call that they count, and with no other', async () => {
    const mark = { key: randomUUID(), lastsMs: HOUR_MS };
    const bucket = demand(1);
    const isMarked = async (key: string) => {
      const empty = { ...demand(1), whileMarked: { mark: key, capacity: 0 } };
      return (await takeFromBuckets(replica(0), [empty])).length === 1;
    };
    expect(await takeFromBuckets(replica(0), [bucket], [mark])).toEqual([]);
    expect(await isMarked(mark.key)).toBe(true);
    const other = { key: randomUUID(), lastsMs: HOUR_MS };
    expect(await takeFromBuckets(replica(0), [bucket], [other])).toHaveLength(1);
    expect(await isMarked(other.key)).toBe(false);
  });

  it('forget a mark when its time is over', async () => {
    const mark = { key: randomUUID(), lastsMs: 50 };
    await settleBuckets(replica(0), { marks: [mark] });
    const unmarked = { ...demand(1), whileMarked: { mark: mark.key } };
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

  it('are taken from by the statement that settles another call, whether they hold one more or not', async () => {
    const [own, pair, other] = [demand(2), demand(2), demand(1)];
    const mark = { key: randomUUID(), lastsMs: HOUR_MS };
    const marked = { ...demand(1), whileMarked: { mark: mark.key, capacity: 0 } };
    const outcome = { giveBack: [own], refill: [pair.key], marks: [mark] };
    const settleAndTake = () => takeFromBuckets(replica(1), [other], [], outcome);
    for (const refused of [0, 1]) {
      expect(await takeFromBuckets(replica(0), [own, pair])).toEqual([]);
      expect(await settleAndTake()).toHaveLength(refused);
    }
    expect(await takeFromBuckets(replica(0), [marked])).toHaveLength(1);
    for (let call = 0; call < 2; call++)
      expect(await takeFromBuckets(replica(0), [own, pair])).toEqual([]);
    expect(await takeFromBuckets(replica(0), [own, pair])).toHaveLength(2);
  });

  it('never wait for each other in a circle, while others are settled and taken from', async () => {
    const [one, other, third] = [demand(1_000), demand(1_000), demand(1_000)];
    await takeFromBuckets(replica(0), [one, other, third]);
    await Promise.all(
      Array.from({ length: 80 }, async (_, index) => {
        const [taken, given] = index % 2 ? [one, other] : [other, one];
        const outcome = { giveBack: [given as BucketDemand], refill: [randomUUID()] };
        await takeFromBuckets(replica(index), [taken as BucketDemand, third], [], outcome);
      }),
    );
  });

  it('are taken from by calls of one statement as by one after the other', async () => {
    const [shared, own, free] = [demand(2), demand(1), demand(9)];
    const mark = { key: randomUUID(), lastsMs: HOUR_MS };
    const calls: readonly BucketCall[] = [
      { demands: [shared, own], marks: [mark] },
      { demands: [shared, own] },
      { demands: [free, { ...demand(9), whileMarked: { mark: mark.key, capacity: 0 } }] },
      { demands: [shared] },
      { demands: [shared] },
      { demands: [shared], settled: { giveBack: [shared] } },
    ];
    const answers = await countCalls(replica(0), calls);
    expect(answers.map((empty) => empty.length)).toEqual([0, 1, 1, 0, 1, 0]);
    expect(answers[1]?.map(({ key }) => key)).toEqual([own.key]);
  });

  it('never make new buckets in an order in which two statements wait for each other', async () => {
    const began = performance.now();
    for (let round = 0; round < 40; round += 1) {
      const many = Array.from({ length: 8 }, () => ({ demands: [demand(9)] }));
      const answers = await Promise.all([
        countCalls(replica(0), many),
        countCalls(replica(1), many.toReversed()),
      ]);
      expect(answers.flat(2)).toEqual([]);
    }
    // PostgreSQL ends such a circle after a second.
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  it('let no more calls through than fit in when many come in statements of many', async () => {
    const [one, other] = [demand(70), demand(70)];
    const batch = (index: number) =>
      Array.from({ length: 20 }, () => ({ demands: index % 2 ? [one, other] : [other, one] }));
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => countCalls(replica(index), batch(index))),
    );
    expect(answers.flat().filter((empty) => empty.length === 0)).toHaveLength(70);
  });
});
