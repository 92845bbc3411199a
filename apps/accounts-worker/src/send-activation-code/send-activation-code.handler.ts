import { ActivationCodes } from '@app/account-secrets';
import { ACTIVATION_POLICY, deliveryDeadline, isCodeToBeSent } from '@app/accounts';
import type { AccountCommand, ActivationCode, ActivationPolicy } from '@app/accounts';
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
import type { Mail } from '../mail-delivery/mail.js';
import { activationMail } from './activation-mail.js';
import { SendActivationCodeCommand } from './send-activation-code.saga.js';

type CodeToBeSent = ActivationCode & { readonly askedBy: { readonly address: string } };

/** Longest time for which a code's key may be missing before it counts as removed, in milliseconds. */
const KEY_ARRIVES_WITHIN_MS = 120_000;

/** Sends a code, once, and records what became of it. */
@CommandHandler(SendActivationCodeCommand)
export class SendActivationCodeHandler implements ICommandHandler<SendActivationCodeCommand> {
  constructor(
    @Inject(ACCOUNTS) private readonly accounts: Accounts,
    @Inject(ACTIVATION_POLICY) private readonly policy: ActivationPolicy,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly activationCodes: ActivationCodes,
    private readonly mails: MailProviders,
  ) {}

  async execute({ issued }: SendActivationCodeCommand): Promise<void> {
    const { accountId, data } = issued;
    const { issueNumber } = data;
    await deliverOnce(this.accounts, this.mails, issued, {
      idempotencyKey: `${accountId}/${issueNumber}`,
      isToBeSent: (state) => isCodeToBeSent(state, issueNumber),
      whyHopeless: ({ code }) => this.whyHopeless(code),
      mailOf: ({ code }) => this.mailOf(accountId, code),
      recordOf: (delivery) => recordOf(delivery, issueNumber),
    });
  }

  private whyHopeless(issued: ActivationCode): string | undefined {
    if (this.clock() >= deliveryDeadline(issued, this.policy)) {
      return 'the delivery window has passed';
    }
    // While keys are being replaced, a worker may meet a key a moment before it is configured here.
    const isKeyGone = this.clock() >= issued.issuedAt + KEY_ARRIVES_WITHIN_MS;
    return isKeyGone && !this.activationCodes.knows(issued.keyId)
      ? 'the key of the code is no more'
      : undefined;
  }

  private mailOf(accountId: string, issued: CodeToBeSent): Mail {
    const { issueNumber, form, askedBy } = issued;
    const { address, language } = askedBy;
    const code = this.activationCodes.codeFor(accountId, issued);
    const { codeTtlMs: ttlMs } = this.policy;
    return activationMail({ accountId, issueNumber, address, code, form, ttlMs, language });
  }
}

function recordOf(delivery: Delivery, issueNumber: number): AccountCommand {
  if (delivery.kind === 'accepted') {
    const { acceptedAt: sentAt, providerMessageId } = delivery;
    return { type: 'RecordActivationCodeSent', issueNumber, sentAt, providerMessageId };
  }
  const { reason, attempts, abandonedAt: now } = delivery;
  return { type: 'RecordActivationCodeUndeliverable', issueNumber, reason, attempts, now };
}
