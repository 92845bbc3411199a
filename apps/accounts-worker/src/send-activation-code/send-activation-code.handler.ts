import { ActivationCodes } from '@app/account-secrets';
import { accountStreamName, deliveryDeadline, isCodeToBeSent } from '@app/accounts';
import type { AccountCommand, ActivationPolicy } from '@app/accounts';
import { handleCommand, loadStream } from '@app/event-store';
import type { Clock } from '@app/service';
import { Inject } from '@nestjs/common';
import { CommandHandler } from '@nestjs/cqrs';
import type { ICommandHandler } from '@nestjs/cqrs';
import { ACCOUNTS, ACTIVATION_POLICY, CLOCK } from '../accounts.js';
import type { Accounts } from '../accounts.js';
import { activationMail } from './activation-mail.js';
import { MAIL_SENDER } from './mail-sender.js';
import type { MailOutcome, MailSender } from './mail-sender.js';
import { SendActivationCode } from './send-activation-code.command.js';

/**
 * Sends a code and records what became of it. Decides from the account's history each time, so that
 * repeating it sends nothing twice, and nothing that was superseded meanwhile; the provider's idempotency
 * covers the gap between its acceptance and our record of it.
 */
@CommandHandler(SendActivationCode)
export class SendActivationCodeHandler implements ICommandHandler<SendActivationCode> {
  /** Tries so far of codes that are under way in this process. */
  private readonly attempts = new Map<string, number>();

  constructor(
    @Inject(ACCOUNTS) private readonly accounts: Accounts,
    @Inject(ACTIVATION_POLICY) private readonly policy: ActivationPolicy,
    @Inject(MAIL_SENDER) private readonly mailSender: MailSender,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly activationCodes: ActivationCodes,
  ) {}

  async execute(command: SendActivationCode): Promise<void> {
    const { accountId, issueNumber } = command;
    const idempotencyKey = `${accountId}/${issueNumber}`;
    const { state } = await loadStream(this.accounts, accountStreamName(accountId));
    if (isCodeToBeSent(state, issueNumber)) {
      const attempts = this.attempts.get(idempotencyKey) ?? 0;
      if (this.clock() >= deliveryDeadline(state.code, this.policy)) {
        const reason = 'the delivery window has passed';
        await this.recordUndeliverable(command, reason, attempts);
      } else {
        this.attempts.set(idempotencyKey, attempts + 1);
        const code = this.activationCodes.codeFor(accountId, state.code);
        const mail = activationMail(state.address, code, this.policy.codeTtlMs);
        await this.record(command, await this.mailSender.send(mail, idempotencyKey), attempts + 1);
      }
    }
    this.attempts.delete(idempotencyKey);
  }

  private async record(
    command: SendActivationCode,
    outcome: MailOutcome,
    attempts: number,
  ): Promise<void> {
    if (outcome.kind === 'refused') {
      await this.recordUndeliverable(command, outcome.reason, attempts);
      return;
    }
    await this.append(command, {
      type: 'RecordActivationCodeSent',
      issueNumber: command.issueNumber,
      sentAt: outcome.acceptedAt,
      providerMessageId: outcome.providerMessageId,
    });
  }

  private async recordUndeliverable(
    command: SendActivationCode,
    reason: string,
    attempts: number,
  ): Promise<void> {
    await this.append(command, {
      type: 'RecordActivationCodeUndeliverable',
      issueNumber: command.issueNumber,
      reason,
      attempts,
      now: this.clock(),
    });
  }

  private async append(
    { accountId, causationId, correlationId }: SendActivationCode,
    record: AccountCommand,
  ): Promise<void> {
    await handleCommand(this.accounts, accountStreamName(accountId), () => record, {
      $correlationId: correlationId,
      $causationId: causationId,
      actor: 'worker',
    });
  }
}
