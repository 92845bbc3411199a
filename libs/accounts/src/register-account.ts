import type { Account } from './account.js';
import type { AccountEvent, Instant } from './account-events.js';
import { newCodeAllowedFrom } from './activation-budgets.js';
import type { ActivationPolicy } from './activation-policy.js';
import { nextCode } from './request-activation-code.js';

export interface RegisterAccount {
  readonly type: 'RegisterAccount';
  /** As typed by the person. */
  readonly address: string;
  readonly passwordHash: string;
  /** For the code that may be issued: 16 random bytes, lower-case hexadecimal. */
  readonly nonce: string;
  /** Names the master key to derive that code from. */
  readonly keyId: string;
  readonly now: Instant;
}

/** Refuses nobody by throwing: whoever registers must not learn whether the address was known. */
export function registerAccount(
  command: RegisterAccount,
  state: Account,
  policy: ActivationPolicy,
): AccountEvent[] {
  const { address, passwordHash, now } = command;
  switch (state.status) {
    case 'not-registered':
      return [
        { type: 'AccountRegistered', data: { address, passwordHash, registeredAt: now } },
        nextCode(command, undefined),
      ];
    case 'pending': {
      const renewed: AccountEvent = {
        type: 'RegistrationRenewed',
        data: { passwordHash, renewedAt: now },
      };
      // Without a new code the one mailed before stays live: renewing must not lock the owner out.
      return now < newCodeAllowedFrom(state, policy)
        ? [renewed]
        : [renewed, nextCode(command, state.code)];
    }
    case 'active':
      return [{ type: 'RegistrationRefused', data: { reason: 'already-active', refusedAt: now } }];
  }
}
