import { beforeEach, describe, expect, it } from '@jest/globals';
import { ReadModelBehind } from '@app/consumers';
import { ReadYourWrites, WriteNotInLog } from './read-your-writes.js';

const ada = 'account-of-ada';
const eve = 'account-of-eve';

const at = (position: bigint) => ({ revision: 0n, position });
const claimed = (position: bigint, network = '203.0.113.9') => ({
  accountId: ada,
  ...at(position),
  network,
});

const END_OF_LOG = 1n << 62n;

describe('Reading one’s own writes', () => {
  let waited: [position: bigint, timeoutMs: number][];
  let behind: boolean;
  let reached: bigint;
  let lookedUp: bigint[];
  let readYourWrites: ReadYourWrites;

  beforeEach(() => {
    waited = [];
    behind = false;
    reached = 0n;
    lookedUp = [];
    readYourWrites = new ReadYourWrites(
      {
        hasReached: (position) => position <= reached,
        waitUntil: async (position, timeoutMs) => {
          waited.push([position, timeoutMs]);
          if (behind) throw new ReadModelBehind('accounts', position, undefined);
        },
      },
      async ({ position }) => {
        lookedUp.push(position);
        return position <= END_OF_LOG;
      },
    );
  });

  it('waits for the account’s newest write, at most 2 seconds, and once', async () => {
    readYourWrites.remember(ada, at(10n));
    readYourWrites.remember(ada, at(20n));
    readYourWrites.remember(eve, at(30n));
    await readYourWrites.settle(ada, undefined);
    await readYourWrites.settle(ada, undefined);
    expect(waited).toEqual([[20n, 2_000]]);
  });

  it('does not wait for the writes of others', async () => {
    readYourWrites.remember(eve, at(30n));
    await readYourWrites.settle(ada, undefined);
    expect(waited).toEqual([]);
  });

  it('waits for the newest write of the process in place of one that was not needed', async () => {
    expect(readYourWrites.remember(ada, undefined)).toBeUndefined();
    readYourWrites.remember(eve, at(30n));
    readYourWrites.remember(eve, at(20n));
    const written = readYourWrites.remember(ada, undefined);
    expect(written).toEqual({ accountId: eve, ...at(30n) });
    await readYourWrites.settle(ada, undefined);
    expect(waited).toEqual([[30n, 2_000]]);
  });

  it('waits for a write elsewhere by its token', async () => {
    await readYourWrites.settle(ada, claimed(5n));
    expect(waited).toEqual([[5n, 2_000]]);
    expect(lookedUp).toEqual([5n]);
  });

  it('refuses a token whose write is not in the log, and waits for nothing', async () => {
    readYourWrites.remember(ada, at(10n));
    const settling = readYourWrites.settle(ada, claimed(END_OF_LOG + 1n));
    await expect(settling).rejects.toThrow(WriteNotInLog);
    expect(waited).toEqual([]);
  });

  it('does not ask the log for what the read model has reached', async () => {
    reached = 7n;
    await readYourWrites.settle(ada, claimed(7n));
    expect(lookedUp).toEqual([]);
  });

  it('lets 64 calls of a network wait for tokens; more get what is there already, at once', async () => {
    const token = claimed(END_OF_LOG);
    const far = new ReadYourWrites(
      {
        hasReached: () => true,
        waitUntil: (position, timeoutMs) => {
          waited.push([position, timeoutMs]);
          if (position === 1n) return Promise.resolve();
          if (timeoutMs > 0) return new Promise(() => undefined);
          return Promise.reject(new ReadModelBehind('accounts', position, undefined));
        },
      },
      async () => true,
    );
    for (let call = 0; call < 64; call++) void far.settle(ada, token);
    expect(waited).toEqual(Array(64).fill([token.position, 2_000]));
    await expect(far.settle(ada, token)).rejects.toThrow(ReadModelBehind);
    await far.settle(ada, { ...token, position: 1n });
    expect(waited.slice(64)).toEqual([
      [token.position, 0],
      [1n, 0],
    ]);
    // Neither other networks nor calls without a token suffer.
    far.remember(eve, at(1n));
    await far.settle(eve, undefined);
    await far.settle(ada, claimed(1n, '198.51.100.7'));
    expect(waited.slice(66)).toEqual(Array(2).fill([1n, 2_000]));
  });

  it('goes on waiting next time when the read model did not get there', async () => {
    readYourWrites.remember(ada, at(10n));
    behind = true;
    await expect(readYourWrites.settle(ada, undefined)).rejects.toThrow(ReadModelBehind);
    behind = false;
    await readYourWrites.settle(ada, undefined);
    expect(waited.map(([position]) => position)).toEqual([10n, 10n]);
  });

  it('does not forget a write that came while it waited for the one before', async () => {
    readYourWrites.remember(ada, at(10n));
    const settling = readYourWrites.settle(ada, undefined);
    readYourWrites.remember(ada, at(20n));
    await settling;
    await readYourWrites.settle(ada, undefined);
    expect(waited.map(([position]) => position)).toEqual([10n, 20n]);
  });

  it('remembers 10,000 accounts, those that wrote last', async () => {
    readYourWrites.remember('first', at(1n));
    readYourWrites.remember('second', at(2n));
    readYourWrites.remember('first', at(3n));
    for (let index = 0; index < 9_999; index++) readYourWrites.remember(`other ${index}`, at(4n));
    await readYourWrites.settle('second', undefined);
    await readYourWrites.settle('first', undefined);
    expect(waited.map(([position]) => position)).toEqual([3n]);
  });
});
