import { evolve, initialState, type Account } from './account.js';
import type { AccountEvent } from './account-events.js';
import { eraseAccount, type EraseAccount } from './erase-account.js';
import { freeAccount, type FreeAccount } from './free-account.js';
import { reissueActivationCode, type ReissueActivationCode } from './reissue-activation-code.js';

export type OperatorCommand = ReissueActivationCode | EraseAccount | FreeAccount;

/** What operators may do to an account; apart from `accountDecider`, so that no other process can. */
export const operatorDecider = {
  /** @throws AccountError naming the rule that refuses the command */
  decide(command: OperatorCommand, state: Account): AccountEvent[] {
    switch (command.type) {
      case 'ReissueActivationCode':
        return reissueActivationCode(command, state);
      case 'FreeAccount':
        return freeAccount(command, state);
      case 'EraseAccount':
        return eraseAccount(command, state);
    }
  },
  evolve,
  initialState,
};
