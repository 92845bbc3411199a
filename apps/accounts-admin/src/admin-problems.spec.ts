import { describe, expect, it } from '@jest/globals';
import {
  AccountAlreadyActive,
  AccountNotRegistered,
  ActivationCodeMissing,
  ActivationCodeNotUndeliverable,
} from '@app/accounts';
import { adminProblemTable } from './admin-problems.js';

describe('The table of problems of the admin API', () => {
  it.each([
    [new AccountNotRegistered(), 'account-not-found', 404],
    [new AccountAlreadyActive(0), 'account-already-active', 409],
    [new ActivationCodeNotUndeliverable(1), 'activation-code-not-undeliverable', 409],
  ])('has the broken rule %p', (error, slug, status) => {
    const problem = adminProblemTable(error);
    expect(problem?.type).toMatchObject({ slug, status });
    expect(problem?.detail).toBe(error.message);
  });

  it.each([new ActivationCodeMissing(), new Error('anything')])('knows nothing of %p', (error) => {
    expect(adminProblemTable(error)).toBeUndefined();
  });
});
