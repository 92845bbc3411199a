import { beforeEach, describe, expect, it } from '@jest/globals';
import { ReadModelBehind } from '@app/read-model';
import { ReadYourWrites } from './read-your-writes.js';

const ada = 'account-of-ada';
const eve = 'account-of-eve';

describe('Reading one’s own writes', () => {
  let waited: [position: bigint, timeoutMs: number][];
  let behind: boolean;
  let readYourWrites: ReadYourWrites;

  beforeEach(() => {
    waited = [];
    behind = false;
    readYourWrites = new ReadYourWrites({
      waitUntil: async (position, timeoutMs) => {
        waited.push([position, timeoutMs]);
        if (behind) throw new ReadModelBehind('accounts', position, undefined);
      },
    });
  });

  it('waits for the account’s newest write, at most 2 seconds, and once', async () => {
    readYourWrites.remember(ada, 10n);
    readYourWrites.remember(ada, 20n);
    readYourWrites.remember(eve, 30n);
    await readYourWrites.settle(ada, undefined);
    await readYourWrites.settle(ada, undefined);
    expect(waited).toEqual([[20n, 2_000]]);
  });

  it('does not wait where nothing was written', async () => {
    readYourWrites.remember(eve, 30n);
    readYourWrites.remember(ada, undefined);
    await readYourWrites.settle(ada, undefined);
    expect(waited).toEqual([]);
  });

  it('waits for a write elsewhere by its token', async () => {
    await readYourWrites.settle(ada, { position: 5n, network: '203.0.113.9' });
    expect(waited).toEqual([[5n, 2_000]]);
  });

  it('lets 64 calls of a network wait for tokens; more get what is there already, at once', async () => {
    const token = { position: 1n << 62n, network: '203.0.113.9' };
    const far = new ReadYourWrites({
      waitUntil: (position, timeoutMs) => {
        waited.push([position, timeoutMs]);
        if (position === 1n) return Promise.resolve();
        if (timeoutMs > 0) return new Promise(() => undefined);
        return Promise.reject(new ReadModelBehind('accounts', position, undefined));
      },
    });
    for (let call = 0; call < 64; call++) void far.settle(ada, token);
    expect(waited).toEqual(Array(64).fill([token.position, 2_000]));
    await expect(far.settle(ada, token)).rejects.toThrow(ReadModelBehind);
    await far.settle(ada, { ...token, position: 1n });
    expect(waited.slice(64)).toEqual([
      [token.position, 0],
      [1n, 0],
    ]);
    // Neither other networks nor calls without a token suffer.
    far.remember(eve, 1n);
    await far.settle(eve, undefined);
    await far.settle(ada, { position: 1n, network: '198.51.100.7' });
    expect(waited.slice(66)).toEqual(Array(2).fill([1n, 2_000]));
  });

  it('goes on waiting next time when the read model did not get there', async () => {
    readYourWrites.remember(ada, 10n);
    behind = true;
    await expect(readYourWrites.settle(ada, undefined)).rejects.toThrow(ReadModelBehind);
    behind = false;
    await readYourWrites.settle(ada, undefined);
    expect(waited.map(([position]) => position)).toEqual([10n, 10n]);
  });

  it('does not forget a write that came while it waited for the one before', async () => {
    readYourWrites.remember(ada, 10n);
    const settling = readYourWrites.settle(ada, undefined);
    readYourWrites.remember(ada, 20n);
    await settling;
    await readYourWrites.settle(ada, undefined);
    expect(waited.map(([position]) => position)).toEqual([10n, 20n]);
  });

  it('remembers 10,000 accounts, those that wrote last', async () => {
    readYourWrites.remember('first', 1n);
    readYourWrites.remember('second', 2n);
    readYourWrites.remember('first', 3n);
    for (let index = 0; index < 9_999; index++) readYourWrites.remember(`other ${index}`, 4n);
    await readYourWrites.settle('second', undefined);
    await readYourWrites.settle('first', undefined);
    expect(waited.map(([position]) => position)).toEqual([3n]);
  });
});
