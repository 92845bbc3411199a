import type { Account } from './account.js';
import type { AccountEvent, Instant } from './account-events.js';

/** Forgets a registration that was not activated, if its time is over. */
export interface LapseRegistration {
  readonly type: 'LapseRegistration';
  /** How long a registration may wait for its activation, in milliseconds. */
  readonly retentionMs: number;
  readonly now: Instant;
}

/**
 * Nothing for an account that is not pending, or whose time is not over. The time counts from the newest
 * code: a person who asked for one yesterday has not given up.
 */
export function lapseRegistration(
  { retentionMs, now }: LapseRegistration,
  state: Account,
): AccountEvent[] {
  if (state.status !== 'pending') return [];
  const newest = Math.max(state.registeredAt, state.code?.issuedAt ?? -Infinity);
  if (now < newest + retentionMs) return [];
  const { registrationNumber } = state;
  return [{ type: 'RegistrationLapsed', data: { registrationNumber, lapsedAt: now } }];
}
