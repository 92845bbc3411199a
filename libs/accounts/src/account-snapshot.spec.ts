import { describe, expect, it } from '@jest/globals';
import { evolve, initialState } from './account.js';
import type { AccountEvent } from './account-events.js';
import { differencesBetween, snapshotOf } from './account-snapshot.js';
import {
  accountRegistered,
  activeAccount,
  ada,
  exampleNonce,
  noon,
  pendingAccount,
  registrationRenewed,
  SECOND,
} from './testing/account-examples.js';

function snapshotAfter(...events: readonly AccountEvent[]) {
  return snapshotOf(events.reduce(evolve, initialState));
}

describe('The snapshot of an account', () => {
  it('is empty before the registration', () => {
    expect(snapshotAfter()).toEqual({
      status: 'not-registered',
      email: null,
      registrationNumber: null,
      claims: null,
      registeredAt: null,
      activatedAt: null,
      code: null,
    });
  });

  it('shows what a pending account waits for', () => {
    expect(snapshotAfter(...pendingAccount)).toEqual({
      status: 'pending',
      email: ada.address,
      registrationNumber: 1,
      claims: 1,
      registeredAt: '2026-11-22T12:00:00.000Z',
      activatedAt: null,
      code: {
        issueNumber: 1,
        form: 'short',
        issuedAt: '2026-11-22T12:00:00.000Z',
        delivery: 'sent',
        sentAt: '2026-11-22T12:00:00.000Z',
        expiresAt: '2026-11-22T12:01:00.000Z',
        tries: [],
      },
    });
  });

  it('holds no password hash, nonce or key', () => {
    for (const history of [pendingAccount, activeAccount]) {
      const text = JSON.stringify(snapshotAfter(...history));
      expect(text).not.toContain(ada.passwordHash);
      expect(text).not.toContain(exampleNonce(1));
    }
  });

  it('differs by the fields that changed, each by its path', () => {
    const before = snapshotAfter(...pendingAccount);
    expect(differencesBetween(before, before)).toEqual([]);
    expect(differencesBetween(before, snapshotAfter(...activeAccount))).toEqual([
      { field: 'status', before: 'pending', after: 'active' },
      { field: 'claims', before: 1, after: null },
      { field: 'activatedAt', before: null, after: '2026-11-22T12:00:10.000Z' },
      { field: 'code', before: before.code, after: null },
    ]);
    expect(
      differencesBetween(
        snapshotAfter(accountRegistered()),
        snapshotAfter(accountRegistered(), registrationRenewed(noon + SECOND)),
      ),
    ).toEqual([{ field: 'registrationNumber', before: 1, after: 2 }]);
  });
});
