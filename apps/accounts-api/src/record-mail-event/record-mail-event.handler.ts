import { accountStreamName } from '@app/accounts';
import type { AccountCommand } from '@app/accounts';
import { handleCommand } from '@app/event-store';
import type { Clock } from '@app/service';
import { Inject } from '@nestjs/common';
import { CommandHandler } from '@nestjs/cqrs';
import type { ICommandHandler } from '@nestjs/cqrs';
import { ACCOUNTS, CLOCK } from '../accounts.js';
import type { Accounts } from '../accounts.js';
import { commandContext } from '../request-context.js';
import { RecordMailEvent } from './record-mail-event.command.js';

/** Whether the same thing is on record already is decided from the account's own history. */
@CommandHandler(RecordMailEvent)
export class RecordMailEventHandler implements ICommandHandler<RecordMailEvent> {
  constructor(
    @Inject(ACCOUNTS) private readonly accounts: Accounts,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async execute({ news, providerEventId, context }: RecordMailEvent): Promise<void> {
    const { accountId, issueNumber, kind, occurredAt = this.clock() } = news;
    await handleCommand(
      this.accounts,
      accountStreamName(accountId),
      (): AccountCommand => ({
        type: 'RecordMailEvent',
        issueNumber,
        kind,
        occurredAt,
        providerEventId,
      }),
      commandContext(context, 'mail-provider'),
    );
  }
}
