import { ActivationCodes } from '@app/account-secrets';
import {
  ACTIVATION_POLICY,
  accountStreamName,
  deliveryDeadline,
  isCodeToBeSent,
} from '@app/accounts';
import type { AccountCommand, ActivationCode, ActivationPolicy } from '@app/accounts';
import { foldStream, handleCommand, loadStream } from '@app/event-store';
import { ACCOUNTS } from '@app/personal-data';
import type { Accounts } from '@app/personal-data';
import { CLOCK } from '@app/process';
import type { Clock } from '@app/process';
import { Inject } from '@nestjs/common';
import { CommandHandler } from '@nestjs/cqrs';
import type { ICommandHandler } from '@nestjs/cqrs';
import { MailProviders } from '../mail-delivery/mail-providers.js';
import type { Delivery } from '../mail-delivery/mail-providers.js';
import type { Mail } from '../mail-delivery/mail.js';
import { activationMail } from './activation-mail.js';
import { SendActivationCodeCommand } from './send-activation-code.saga.js';

type CodeToBeSent = ActivationCode & { readonly askedBy: { readonly address: string } };

/** Longest time for which a code's key may be missing before it counts as removed, in milliseconds. */
const KEY_ARRIVES_WITHIN_MS = 120_000;

/**
 * Sends a code and records what became of it. Decides from the account's history each time, so that
 * repeating it sends nothing twice, and nothing that was superseded meanwhile; the provider's idempotency
 * covers the gap between its acceptance and our record of it. The history is read, unless it was delivered with the
 * event only just now.
 */
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
    const { accountId, eventId, correlationId } = issued;
    const { issueNumber } = issued.data;
    // Two mails with the same key are one mail.
    const idempotencyKey = `${accountId}/${issueNumber}`;
    const streamName = accountStreamName(accountId);
    const delivered = issued.delivered();
    const loaded = await (delivered
      ? foldStream(this.accounts, delivered)
      : loadStream(this.accounts, streamName));
    const { state } = loaded;
    if (isCodeToBeSent(state, issueNumber)) {
      const hopeless = this.whyHopeless(state.code);
      const delivery = hopeless
        ? this.mails.giveUp(idempotencyKey, hopeless)
        : await this.mails.send(this.mailOf(accountId, state.code), idempotencyKey);
      await handleCommand(
        this.accounts,
        streamName,
        () => recordOf(delivery, issueNumber),
        { $correlationId: correlationId, $causationId: eventId, actor: 'worker' },
        loaded,
      );
    }
    this.mails.forget(idempotencyKey);
  }

  /** Why it makes no sense to send, or to try again; undefined while it does. */
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
