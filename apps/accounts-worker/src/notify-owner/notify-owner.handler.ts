import { accountStreamName, deliveryDeadline, isNoticeToBeSent } from '@app/accounts';
import type { AccountCommand, ActivationPolicy } from '@app/accounts';
import { handleCommand, loadStream } from '@app/event-store';
import type { Clock } from '@app/service';
import { Inject } from '@nestjs/common';
import { CommandHandler } from '@nestjs/cqrs';
import type { ICommandHandler } from '@nestjs/cqrs';
import { ACCOUNTS, ACTIVATION_POLICY, CLOCK } from '../accounts.js';
import type { Accounts } from '../accounts.js';
import { MailAttempts } from '../send-activation-code/mail-attempts.js';
import { MAIL_SENDER } from '../send-activation-code/mail-sender.js';
import type { MailSender } from '../send-activation-code/mail-sender.js';
import { NotifyOwner } from './notify-owner.command.js';
import { ownerNoticeMail } from './owner-notice-mail.js';

/** Sends a notice and records what became of it; as with codes, repeating it sends nothing twice. */
@CommandHandler(NotifyOwner)
export class NotifyOwnerHandler implements ICommandHandler<NotifyOwner> {
  private readonly attempts = new MailAttempts();

  constructor(
    @Inject(ACCOUNTS) private readonly accounts: Accounts,
    @Inject(ACTIVATION_POLICY) private readonly policy: ActivationPolicy,
    @Inject(MAIL_SENDER) private readonly mailSender: MailSender,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async execute(command: NotifyOwner): Promise<void> {
    const { accountId, noticeNumber, causationId, correlationId } = command;
    const idempotencyKey = `${accountId}/notice/${noticeNumber}`;
    const streamName = accountStreamName(accountId);
    const { state } = await loadStream(this.accounts, streamName);
    if (isNoticeToBeSent(state, noticeNumber)) {
      const { address, ownerNotice } = state;
      const isTooLate = this.clock() >= deliveryDeadline(ownerNotice, this.policy);
      const { language } = ownerNotice;
      const record = isTooLate
        ? this.undeliverable(command, idempotencyKey, 'the delivery window has passed')
        : await this.send(command, idempotencyKey, address, language);
      await handleCommand(this.accounts, streamName, () => record, {
        $correlationId: correlationId,
        $causationId: causationId,
        actor: 'worker',
      });
    }
    this.attempts.forget(idempotencyKey);
  }

  private async send(
    command: NotifyOwner,
    idempotencyKey: string,
    address: string,
    language: Parameters<typeof ownerNoticeMail>[0]['language'],
  ): Promise<AccountCommand> {
    const { accountId, noticeNumber } = command;
    const mail = ownerNoticeMail({ accountId, noticeNumber, address, language });
    this.attempts.begin(idempotencyKey);
    const outcome = await this.mailSender.send(mail, idempotencyKey);
    if (outcome.kind === 'refused') {
      return this.undeliverable(command, idempotencyKey, outcome.reason);
    }
    const { acceptedAt: sentAt, providerMessageId } = outcome;
    return { type: 'RecordOwnerNotified', noticeNumber, sentAt, providerMessageId };
  }

  private undeliverable(
    { noticeNumber }: NotifyOwner,
    idempotencyKey: string,
    reason: string,
  ): AccountCommand {
    return {
      type: 'RecordOwnerNoticeUndeliverable',
      noticeNumber,
      reason,
      attempts: this.attempts.of(idempotencyKey),
      now: this.clock(),
    };
  }
}
