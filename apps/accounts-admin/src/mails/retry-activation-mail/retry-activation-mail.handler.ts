import { ActivationCodes } from '@app/account-secrets';
import { accountStreamName } from '@app/accounts';
import type { ReissueActivationCode } from '@app/accounts';
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

/** An operator has a new code issued in place of one that could not be delivered; answers its issue number. */
export class RetryActivationMailCommand extends Command<number> {
  constructor(
    readonly accountId: string,
    /** The issue that could not be delivered. */
    readonly issueNumber: number,
    readonly caller: Caller,
  ) {
    super();
  }
}

/** The worker mails the new code as any other. The old code stays void: its mail may yet arrive somewhere. */
@CommandHandler(RetryActivationMailCommand)
export class RetryActivationMailHandler implements ICommandHandler<RetryActivationMailCommand> {
  constructor(
    @Inject(OPERATED_ACCOUNTS) private readonly accounts: OperatedAccounts,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly activationCodes: ActivationCodes,
  ) {}

  /**
   * @throws AccountNotRegistered, AccountAlreadyActive, ActivationCodeNotUndeliverable,
   *   EventStoreUnavailable
   */
  async execute({ accountId, issueNumber, caller }: RetryActivationMailCommand): Promise<number> {
    const { events } = await handleCommand(
      this.accounts,
      accountStreamName(accountId),
      (): ReissueActivationCode => ({
        type: 'ReissueActivationCode',
        issueNumber,
        nonce: this.activationCodes.newNonce(),
        keyId: this.activationCodes.currentKeyId,
        now: this.clock(),
      }),
      contextOf(caller),
    );
    const [issued] = events;
    if (issued?.type !== 'ActivationCodeIssued') throw new Error('no code was issued');
    return issued.data.issueNumber;
  }
}
