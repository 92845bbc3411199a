import {
  ACTIVATION_POLICY,
  accountStreamName,
  deliveryDeadline,
  isNoticeToBeSent,
} from '@app/accounts';
import type { AccountCommand, ActivationPolicy } from '@app/accounts';
import { handleCommand, loadStream } from '@app/event-store';
import { ACCOUNTS } from '@app/personal-data';
import type { Accounts } from '@app/personal-data';
import { CLOCK } from '@app/process';
import type { Clock } from '@app/process';
import { Inject } from '@nestjs/common';
import { CommandHandler } from '@nestjs/cqrs';
import type { ICommandHandler } from '@nestjs/cqrs';
import { MailProviders } from '../mail-delivery/mail-providers.js';
import type { Delivery } from '../mail-delivery/mail-providers.js';
import { NotifyOwnerCommand } from './notify-owner.saga.js';
import { ownerNoticeMail } from './owner-notice-mail.js';

/** Sends a notice and records what became of it; as with codes, repeating it sends nothing twice. */
@CommandHandler(NotifyOwnerCommand)
export class NotifyOwnerHandler implements ICommandHandler<NotifyOwnerCommand> {
  constructor(
    @Inject(ACCOUNTS) private readonly accounts: Accounts,
    @Inject(ACTIVATION_POLICY) private readonly policy: ActivationPolicy,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly mails: MailProviders,
  ) {}

  async execute({ issued }: NotifyOwnerCommand): Promise<void> {
    const { accountId, eventId, correlationId } = issued;
    const { noticeNumber } = issued.data;
    const idempotencyKey = `${accountId}/notice/${noticeNumber}`;
    const streamName = accountStreamName(accountId);
    const loaded = await loadStream(this.accounts, streamName);
    const { state } = loaded;
    if (isNoticeToBeSent(state, noticeNumber)) {
      const { claim, ownerNotice } = state;
      const { address } = claim;
      const { language } = ownerNotice;
      const isTooLate = this.clock() >= deliveryDeadline(ownerNotice, this.policy);
      const mail = ownerNoticeMail({ accountId, noticeNumber, address, language });
      const delivery = isTooLate
        ? this.mails.giveUp(idempotencyKey, 'the delivery window has passed')
        : await this.mails.send(mail, idempotencyKey);
      await handleCommand(
        this.accounts,
        streamName,
        () => recordOf(delivery, noticeNumber),
        { $correlationId: correlationId, $causationId: eventId, actor: 'worker' },
        loaded,
      );
    }
    this.mails.forget(idempotencyKey);
  }
}

function recordOf(delivery: Delivery, noticeNumber: number): AccountCommand {
  if (delivery.kind === 'accepted') {
    const { acceptedAt: sentAt, providerMessageId } = delivery;
    return { type: 'RecordOwnerNotified', noticeNumber, sentAt, providerMessageId };
  }
  const { reason, attempts, abandonedAt: now } = delivery;
  return { type: 'RecordOwnerNoticeUndeliverable', noticeNumber, reason, attempts, now };
}
