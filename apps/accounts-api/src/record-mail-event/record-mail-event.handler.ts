import { accountStreamName } from '@app/accounts';
import type { AccountCommand } from '@app/accounts';
import { handleCommand } from '@app/event-store';
import { ACCOUNTS } from '@app/personal-data';
import type { Accounts } from '@app/personal-data';
import { CLOCK } from '@app/process';
import type { Clock } from '@app/process';
import { Inject } from '@nestjs/common';
import { Command, CommandHandler } from '@nestjs/cqrs';
import type { ICommandHandler } from '@nestjs/cqrs';
import { commandContext } from '../request-context.js';
import type { RequestContext } from '../request-context.js';
import type { MailNews } from './provider-message.js';

/** Records what the provider reports of a mail. Safe to repeat. */
export class RecordMailEventCommand extends Command<void> {
  constructor(
    readonly news: MailNews,
    /** The provider's id of the message. */
    readonly providerEventId: string,
    readonly context: RequestContext,
  ) {
    super();
  }
}

/** Whether the same thing is on record already is decided from the account's own history. */
@CommandHandler(RecordMailEventCommand)
export class RecordMailEventHandler implements ICommandHandler<RecordMailEventCommand> {
  constructor(
    @Inject(ACCOUNTS) private readonly accounts: Accounts,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async execute({ news, providerEventId, context }: RecordMailEventCommand): Promise<void> {
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
