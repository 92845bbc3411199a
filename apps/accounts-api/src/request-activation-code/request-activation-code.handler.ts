import { ActivationCodes } from '@app/account-secrets';
import { accountStreamName, defaultMailLanguage } from '@app/accounts';
import type { AccountCommand } from '@app/accounts';
import { handleCommand } from '@app/event-store';
import type { Clock } from '@app/service';
import { Inject } from '@nestjs/common';
import { CommandHandler } from '@nestjs/cqrs';
import type { ICommandHandler } from '@nestjs/cqrs';
import { ACCOUNTS, CLOCK } from '../accounts.js';
import type { Accounts } from '../accounts.js';
import { ReadYourWrites } from '../read-your-writes/read-your-writes.js';
import type { WrittenAt } from '../read-your-writes/read-your-writes.js';
import { commandContext } from '../request-context.js';
import { RequestActivationCode } from './request-activation-code.command.js';

@CommandHandler(RequestActivationCode)
export class RequestActivationCodeHandler implements ICommandHandler<RequestActivationCode> {
  constructor(
    @Inject(ACCOUNTS) private readonly accounts: Accounts,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly activationCodes: ActivationCodes,
    private readonly readYourWrites: ReadYourWrites,
  ) {}

  async execute({ account, context }: RequestActivationCode): Promise<WrittenAt> {
    const { accountId, registrationNumber } = account;
    const { appended } = await handleCommand(
      this.accounts,
      accountStreamName(accountId),
      (): AccountCommand => ({
        type: 'RequestActivationCode',
        provenRegistration: registrationNumber,
        nonce: this.activationCodes.newNonce(),
        keyId: this.activationCodes.currentKeyId,
        language: context.language ?? defaultMailLanguage,
        now: this.clock(),
      }),
      commandContext(context, 'account'),
    );
    return { written: this.readYourWrites.remember(accountId, appended) };
  }
}
