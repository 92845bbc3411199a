import { describe, expect, it } from '@jest/globals';
import { ExampleAccounts } from '../testing/example-accounts.js';
import { isInLog } from './written-event.js';

describe('A written event', () => {
  it('is in the log where it was appended, and in no other place or log', async () => {
    const accounts = new ExampleAccounts();
    const { accountId } = accounts;
    await accounts.registered('hash of a password');
    const recorded = await accounts.recorded();
    expect(recorded.length).toBeGreaterThan(0);
    for (const { revision, position } of recorded) {
      expect(await isInLog(accounts.store, { accountId, revision, position })).toBe(true);
      const beyond = { accountId, revision, position: position + 1n };
      expect(await isInLog(accounts.store, beyond)).toBe(false);
      const empty = new ExampleAccounts().store;
      expect(await isInLog(empty, { accountId, revision, position })).toBe(false);
    }
    const next = { accountId, revision: BigInt(recorded.length), position: 0n };
    expect(await isInLog(accounts.store, next)).toBe(false);
  });
});
