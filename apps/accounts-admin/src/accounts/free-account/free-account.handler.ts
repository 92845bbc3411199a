import { AccountIds } from '@app/account-secrets';
import { ACTIVATION_POLICY, accountStreamName, contestedUntil } from '@app/accounts';
import type { ActivationPolicy, FreeAccount, PersonalText } from '@app/accounts';
import { handleCommand } from '@app/event-store';
import { CLOCK } from '@app/process';
import type { Clock } from '@app/process';
import { Inject } from '@nestjs/common';
import { Command, CommandHandler } from '@nestjs/cqrs';
import type { ICommandHandler } from '@nestjs/cqrs';
import { contextOf } from '../../keys/caller.js';
import type { Caller } from '../../keys/caller.js';
import { OPERATED_ACCOUNTS } from '../../admin.tokens.js';
import type { OperatedAccounts } from '../../admin.tokens.js';
import { accountIdOfPath } from '../../request-values.js';
import { SharedBudgets } from './shared-budgets.js';

export interface FreedAccount {
  readonly accountId: string;
  readonly endedClaims: number;
  /** Undefined when the address is not contested. */
  readonly contestedUntil: Date | undefined;
}

/** An operator frees an address that strangers registered. */
export class FreeAccountCommand extends Command<FreedAccount> {
  constructor(
    /** Id or e-mail address. */
    readonly account: string,
    readonly caller: Caller,
  ) {
    super();
  }
}

/** On record first; then what is counted outside the log ends. A crash in between is mended by asking again. */
@CommandHandler(FreeAccountCommand)
export class FreeAccountHandler implements ICommandHandler<FreeAccountCommand> {
  constructor(
    @Inject(OPERATED_ACCOUNTS) private readonly accounts: OperatedAccounts,
    @Inject(ACTIVATION_POLICY) private readonly policy: ActivationPolicy,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly budgets: SharedBudgets,
    private readonly accountIds: AccountIds,
  ) {}

  /** @throws Problem invalid-request; AccountNotRegistered, AccountAlreadyActive, EventStoreUnavailable, DatabaseUnavailable */
  async execute({ account, caller }: FreeAccountCommand): Promise<FreedAccount> {
    const accountId = accountIdOfPath(account, this.accountIds);
    let address: PersonalText | undefined;
    const { state, events } = await handleCommand(
      this.accounts,
      accountStreamName(accountId),
      (before): FreeAccount => {
        address = before.status === 'pending' ? before.claims.at(-1)?.address : undefined;
        return { type: 'FreeAccount', now: this.clock() };
      },
      contextOf(caller),
    );
    const [freed] = events;
    if (state.status !== 'pending' || freed?.type !== 'AccountFreed') {
      throw new Error('the account was not freed');
    }
    const known = typeof address === 'string' ? address : undefined;
    await this.budgets.end(accountId, account.includes('@') ? account : known);
    const until = contestedUntil(state, this.policy);
    return {
      accountId,
      endedClaims: freed.data.claims,
      contestedUntil: until > this.clock() ? new Date(until) : undefined,
    };
  }
}
