import { describe, expect, it } from '@jest/globals';
import { DatabaseUnavailable } from '@app/postgres';
import { ExampleBuckets, exampleLimits } from '../testing/example-password-check.js';
import { limitSettings, limitsOf } from './limits.js';
import { LimitExceeded, Throttle } from './throttle.js';

const secret = Buffer.alloc(32, 7);
const limit = exampleLimits({ REGISTRATIONS_PER_NETWORK_PER_HOUR: 2 }).registrations.host;
const other = exampleLimits().registrationsOfAddress;
const network = { limit, caller: '203.0.113.9/32' };

describe('The throttle', () => {
  it('lets so many through, then says when to come again', async () => {
    const throttle = new Throttle(new ExampleBuckets(), secret);
    await throttle.take([network]);
    await throttle.take([network]);
    await expect(throttle.take([network])).rejects.toMatchObject({
      limit,
      retryAfterSeconds: 90,
      isNew: true,
    });
  });

  it('counts each caller and each limit apart', async () => {
    const throttle = new Throttle(new ExampleBuckets(), secret);
    for (const caller of ['203.0.113.1/32', '203.0.113.2/32', '2001:db8::/64']) {
      await throttle.take([{ limit, caller }]);
      await throttle.take([{ limit, caller }]);
      await throttle.take([{ limit: other, caller }]);
    }
    await expect(throttle.take([{ limit, caller: '2001:db8::/64' }])).rejects.toThrow(
      LimitExceeded,
    );
  });

  it('asks the database about an empty bucket once a second, however many calls there are', async () => {
    const buckets = new ExampleBuckets();
    const throttle = new Throttle(buckets, secret);
    await throttle.take([network]);
    await throttle.take([network]);
    const refusals = [];
    for (let call = 0; call < 50; call++) {
      refusals.push(await throttle.take([network]).catch((error: LimitExceeded) => error));
    }
    for (const refusal of refusals) {
      expect(refusal).toBeInstanceOf(LimitExceeded);
      expect(Math.ceil((refusal as LimitExceeded).retryAfterSeconds)).toBe(90);
    }
    expect(refusals.filter((refusal) => (refusal as LimitExceeded).isNew)).toHaveLength(1);
    expect(buckets.asked).toBe(3);
  });

  it('takes calls back, at once', async () => {
    const throttle = new Throttle(new ExampleBuckets(), secret);
    await throttle.take([network]);
    await throttle.take([network]);
    await expect(throttle.take([network])).rejects.toThrow(LimitExceeded);
    await throttle.settle({ giveBack: [network] });
    await throttle.take([network]);
  });

  it('settles another call by the same statement, also where it need not ask', async () => {
    const buckets = new ExampleBuckets();
    const throttle = new Throttle(buckets, secret);
    const password = { limit: other, caller: 'a password' };
    const call = async () => {
      await throttle.take([password]);
      const { asked } = buckets;
      const answer = await throttle
        .take([network], { settling: { giveBack: [password] } })
        .catch((error: LimitExceeded) => error.name);
      return [answer, buckets.asked - asked];
    };
    expect([await call(), await call(), await call(), await call()]).toEqual([
      [new Set(), 1],
      [new Set(), 1],
      ['LimitExceeded', 1],
      ['LimitExceeded', 1],
    ]);
    // The network's two calls, and none of the password's.
    expect(buckets.total).toBe(2);
  });

  it('settles what nobody waits for by the statement of the next call, before that is counted', async () => {
    const buckets = new ExampleBuckets();
    const throttle = new Throttle(buckets, secret);
    for (let call = 0; call < 2; call++) await throttle.take([network]);
    const settled = throttle.settleSoon({ giveBack: [network] });
    expect(buckets.asked).toBe(2);
    await throttle.take([network]);
    await settled;
    expect(buckets.asked).toBe(3);
    expect(buckets.total).toBe(2);
  });

  it('settles what nobody waits for within a second, or when no more calls come', async () => {
    const buckets = new ExampleBuckets();
    const throttle = new Throttle(buckets, secret);
    await throttle.take([network]);
    await throttle.settleSoon({ giveBack: [network] });
    expect(buckets.total).toBe(0);
    await throttle.take([network]);
    const settled = throttle.settleSoon({ giveBack: [network] });
    await throttle.settlePutOff();
    expect(buckets.total).toBe(0);
    await settled;
  });

  it('says of what was put off that it could not be settled', async () => {
    const buckets = new ExampleBuckets();
    const throttle = new Throttle(buckets, secret);
    await throttle.take([network]);
    const settled = throttle.settleSoon({ giveBack: [network] });
    buckets.fault = new DatabaseUnavailable('down');
    await Promise.all([throttle.settlePutOff(), expect(settled).rejects.toBe(buckets.fault)]);
  });

  it('refuses every call while the buckets cannot be reached', async () => {
    const buckets = new ExampleBuckets();
    buckets.fault = new DatabaseUnavailable('down');
    const throttle = new Throttle(buckets, secret);
    await expect(throttle.take([network])).rejects.toBe(buckets.fault);
  });

  it('names buckets so that they reveal nothing of the callers, and all processes find them', async () => {
    const buckets = new ExampleBuckets();
    await new Throttle(buckets, secret).take([network]);
    await new Throttle(buckets, secret).take([network]);
    await new Throttle(buckets, Buffer.alloc(32, 8)).take([network]);
    const [[name = '', taken] = [], ...more] = [...buckets.taken];
    expect(name).toMatch(/^[\w-]{24}$/);
    expect(taken).toBe(2);
    expect(more).toHaveLength(1);
  });

  it('has limits for the open network in production, and wider ones for machines under development', () => {
    const defaults = (production: boolean) =>
      Object.fromEntries(
        Object.entries(limitSettings(production)).map(([name, it]) => [name, it.parse(undefined)]),
      ) as Parameters<typeof limitsOf>[0];
    expect(limitsOf(defaults(true)).registrations).toMatchObject({
      host: { calls: 600 },
      site: { calls: 1_200 },
      network: { calls: 2_400 },
    });
    expect(limitsOf(defaults(false)).registrations.host.calls).toBe(100_000);
    expect(limitsOf(defaults(true)).wrongCodes).toMatchObject({
      host: { calls: 30 },
      site: { calls: 60 },
      network: { calls: 120 },
    });
    // At most 100 wrong passwords an hour for one address (NIST SP 800-63B: 100 in a row).
    for (const production of [true, false]) {
      expect(limitsOf(defaults(production)).failedLoginsOfAddress.calls).toBe(100);
    }
  });

  it('asks each time whether a call counts that may not', async () => {
    const buckets = new ExampleBuckets();
    const throttle = new Throttle(buckets, secret);
    const mark = { name: 'met', caller: 'ada', lastsMs: 1_000 };
    const unmarked = { ...network, whileMarked: mark };
    for (let call = 0; call < 2; call++) await throttle.take([unmarked]);
    await expect(throttle.take([unmarked])).rejects.toThrow(LimitExceeded);
    await throttle.settle({ marks: [mark] });
    await throttle.take([unmarked]);
  });
});
