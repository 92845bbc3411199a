import type { Account } from './account.js';
import { AccountNotRegistered } from './account-errors.js';
import type { AccountEvent, ErasureReason, Instant } from './account-events.js';

/** An operator has a person's data forgotten. */
export interface EraseAccount {
  readonly type: 'EraseAccount';
  /** UUID, made by the caller. */
  readonly receiptId: string;
  readonly reason: ErasureReason;
  readonly now: Instant;
}

/**
 * Nothing when the account is erased already: its receipt stands. A registration that lapsed can be erased
 * as well, so that the operator gets a receipt.
 *
 * @throws AccountNotRegistered
 */
export function eraseAccount(
  { receiptId, reason, now }: EraseAccount,
  state: Account,
): AccountEvent[] {
  if (state.status === 'not-registered') throw new AccountNotRegistered();
  if (state.status === 'erased') return [];
  const { registrationNumber } = state;
  return [
    { type: 'AccountErased', data: { receiptId, reason, registrationNumber, erasedAt: now } },
  ];
}
