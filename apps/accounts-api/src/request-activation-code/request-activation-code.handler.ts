import { ActivationCodes } from '@app/account-secrets';
import { ACTIVATION_POLICY, accountStreamName, nextCodeAllowedAt } from '@app/accounts';
import type { AccountCommand, ActivationPolicy } from '@app/accounts';
import { handleCommand } from '@app/event-store';
import { ACCOUNTS } from '@app/personal-data';
import type { Accounts } from '@app/personal-data';
import { CLOCK } from '@app/process';
import type { Clock } from '@app/process';
import { Inject } from '@nestjs/common';
import { Command, CommandHandler } from '@nestjs/cqrs';
import type { ICommandHandler } from '@nestjs/cqrs';
import { onProvenClaim } from '../basic-auth/proven-account.js';
import type { ProvenClaim } from '../basic-auth/proven-account.js';
import { ReadYourWrites } from '../read-your-writes/read-your-writes.js';
import type { WrittenAt } from '../read-your-writes/read-your-writes.js';
import { commandContext } from '../request-context.js';
import type { RequestContext } from '../request-context.js';

export interface RequestedCode extends WrittenAt {
  /** When the next one may be asked for: milliseconds since the Unix epoch. */
  readonly newCodeAllowedAt: number;
}

/** The caller, who has proven the password, lost the code or let it expire. */
export class RequestActivationCodeCommand extends Command<RequestedCode> {
  constructor(
    readonly account: ProvenClaim,
    readonly context: RequestContext,
    readonly isInboxFull = false,
  ) {
    super();
  }
}

@CommandHandler(RequestActivationCodeCommand)
export class RequestActivationCodeHandler implements ICommandHandler<RequestActivationCodeCommand> {
  constructor(
    @Inject(ACCOUNTS) private readonly accounts: Accounts,
    @Inject(ACTIVATION_POLICY) private readonly policy: ActivationPolicy,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly activationCodes: ActivationCodes,
    private readonly readYourWrites: ReadYourWrites,
  ) {}

  async execute({
    account,
    context,
    isInboxFull,
  }: RequestActivationCodeCommand): Promise<RequestedCode> {
    const { accountId } = account;
    const now = this.clock();
    const { appended, newCodeAllowedAt } = await onProvenClaim(
      this.accounts,
      account,
      async (provenClaim) => {
        const { state, ...handled } = await handleCommand(
          this.accounts,
          accountStreamName(accountId),
          (): AccountCommand => ({
            type: 'RequestActivationCode',
            provenClaim,
            isInboxFull,
            nonce: this.activationCodes.newNonce(),
            keyId: this.activationCodes.currentKeyId,
            now,
          }),
          commandContext(context, 'account'),
        );
        const allowedAt = nextCodeAllowedAt(state, provenClaim, this.policy, now);
        return { ...handled, newCodeAllowedAt: allowedAt };
      },
    );
    return { written: this.readYourWrites.remember(accountId, appended), newCodeAllowedAt };
  }
}
