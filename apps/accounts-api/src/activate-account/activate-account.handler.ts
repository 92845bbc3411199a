import { ActivationCodes } from '@app/account-secrets';
import {
  ACTIVATION_POLICY,
  AccountError,
  accountStreamName,
  activationOutcome,
} from '@app/accounts';
import type { Account, AccountCommand, ActivationPolicy } from '@app/accounts';
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
import { SecurityEvents } from '../security-events/security-events.js';

export interface ActivatedAccount extends WrittenAt {
  /** Milliseconds since the Unix epoch. */
  readonly activatedAt: number;
}

/** The caller, who has proven the password, offers a code. */
export class ActivateAccountCommand extends Command<ActivatedAccount> {
  constructor(
    readonly account: ProvenClaim,
    readonly guess: string,
    readonly context: RequestContext,
  ) {
    super();
  }
}

@CommandHandler(ActivateAccountCommand)
export class ActivateAccountHandler implements ICommandHandler<ActivateAccountCommand> {
  constructor(
    @Inject(ACCOUNTS) private readonly accounts: Accounts,
    @Inject(ACTIVATION_POLICY) private readonly policy: ActivationPolicy,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly activationCodes: ActivationCodes,
    private readonly readYourWrites: ReadYourWrites,
    private readonly securityEvents: SecurityEvents,
  ) {}

  async execute({ account, guess, context }: ActivateAccountCommand): Promise<ActivatedAccount> {
    const { accountId } = account;
    const { events, state, appended } = await onProvenClaim(this.accounts, account, (provenClaim) =>
      handleCommand(
        this.accounts,
        accountStreamName(accountId),
        (current): AccountCommand => ({
          type: 'ActivateAccount',
          provenClaim,
          guess,
          expected: this.expectedCode(accountId, current),
          nonce: this.activationCodes.newNonce(),
          keyId: this.activationCodes.currentKeyId,
          now: this.clock(),
        }),
        commandContext(context, 'account'),
      ),
    );
    const written = this.readYourWrites.remember(accountId, appended);
    this.securityEvents.accountChanged({ requestId: context.requestId, accountId }, events);
    // A wrong guess is refused only after it is recorded: parallel guesses all count.
    const outcome = activationOutcome(state, events, this.policy);
    if (outcome instanceof AccountError) throw outcome;
    return { activatedAt: outcome.activatedAt, written };
  }

  private expectedCode(accountId: string, account: Account) {
    if (account.status !== 'pending' || account.code === undefined) return undefined;
    const { issueNumber, keyId } = account.code;
    // A key that was replaced and removed takes its codes with it.
    if (!this.activationCodes.knows(keyId)) return undefined;
    return { issueNumber, code: this.activationCodes.codeFor(accountId, account.code) };
  }
}
