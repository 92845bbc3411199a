import { ACTIVATION_POLICY, deliveryDeadline, isNoticeToBeSent } from '@app/accounts';
import type { AccountCommand, ActivationPolicy } from '@app/accounts';
import { ACCOUNTS } from '@app/personal-data';
import type { Accounts } from '@app/personal-data';
import { CLOCK } from '@app/process';
import type { Clock } from '@app/process';
import { Inject } from '@nestjs/common';
import { CommandHandler } from '@nestjs/cqrs';
import type { ICommandHandler } from '@nestjs/cqrs';
import { deliverOnce } from '../mail-delivery/deliver-once.js';
import { MailProviders } from '../mail-delivery/mail-providers.js';
import type { Delivery } from '../mail-delivery/mail-providers.js';
import { NotifyOwnerCommand } from './notify-owner.saga.js';
import { ownerNoticeMail } from './owner-notice-mail.js';

/** Sends a notice, once, and records what became of it. */
@CommandHandler(NotifyOwnerCommand)
export class NotifyOwnerHandler implements ICommandHandler<NotifyOwnerCommand> {
  constructor(
    @Inject(ACCOUNTS) private readonly accounts: Accounts,
    @Inject(ACTIVATION_POLICY) private readonly policy: ActivationPolicy,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly mails: MailProviders,
  ) {}

  async execute({ issued }: NotifyOwnerCommand): Promise<void> {
    const { accountId, data } = issued;
    const { noticeNumber } = data;
    await deliverOnce(this.accounts, this.mails, issued, {
      idempotencyKey: `${accountId}/notice/${noticeNumber}`,
      isToBeSent: (state) => isNoticeToBeSent(state, noticeNumber),
      whyHopeless: ({ ownerNotice }) =>
        this.clock() >= deliveryDeadline(ownerNotice, this.policy)
          ? 'the delivery window has passed'
          : undefined,
      mailOf: ({ claim: { address }, ownerNotice: { language } }) =>
        ownerNoticeMail({ accountId, noticeNumber, address, language }),
      recordOf: (delivery) => recordOf(delivery, noticeNumber),
    });
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
