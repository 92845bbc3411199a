import { describe, expect, it } from '@jest/globals';
import { NetworkNames } from './network-names.js';

describe('Names of networks', () => {
  const names = new NetworkNames(Buffer.alloc(32, 1));
  const key = '00112233445566778899aabbccddeeff';
  const network = '203.0.113.0/24';

  it('are the same in every process, for ever', () => {
    expect(names.nameOf(key, network)).toBe('YGghZOscw0Q2MXcP');
    expect(new NetworkNames(Buffer.alloc(32, 1)).nameOf(key, network)).toBe('YGghZOscw0Q2MXcP');
  });

  it('are other ones for another account, another network and another secret', () => {
    const all = [
      names.nameOf(key, network),
      names.nameOf(names.newKey(), network),
      names.nameOf(key, '203.0.114.0/24'),
      new NetworkNames(Buffer.alloc(32, 2)).nameOf(key, network),
    ];
    expect(new Set(all).size).toBe(4);
    for (const name of all) expect(name).toMatch(/^[A-Za-z0-9_-]{16}$/);
  });

  it('come with a key of its own for each account', () => {
    expect(names.newKey()).toMatch(/^[0-9a-f]{32}$/);
    expect(names.newKey()).not.toBe(names.newKey());
  });
});
