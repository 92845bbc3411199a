import { ActivationCodes } from '@app/account-secrets';
import { accountStreamName, deliveryDeadline, isCodeToBeSent } from '@app/accounts';
import type { AccountCommand, ActivationCode, ActivationPolicy } from '@app/accounts';
import { handleCommand, loadStream } from '@app/event-store';
import type { Clock } from '@app/service';
import { Inject } from '@nestjs/common';
import { CommandHandler } from '@nestjs/cqrs';
import type { ICommandHandler } from '@nestjs/cqrs';
import { ACCOUNTS, ACTIVATION_POLICY, CLOCK } from '../accounts.js';
import type { Accounts } from '../accounts.js';
import { activationMail } from './activation-mail.js';
import { MailAttempts } from './mail-attempts.js';
import { MAIL_SENDER } from './mail-sender.js';
import type { MailSender } from './mail-sender.js';
import { SendActivationCode } from './send-activation-code.command.js';

/** Longest time for which a code's key may be missing before it counts as removed, in milliseconds. */
const KEY_ARRIVES_WITHIN_MS = 120_000;

/**
 * Sends a code and records what became of it. Decides from the account's history each time, so that
 * repeating it sends nothing twice, and nothing that was superseded meanwhile; the provider's idempotency
 * covers the gap between its acceptance and our record of it.
 */
@CommandHandler(SendActivationCode)
export class SendActivationCodeHandler implements ICommandHandler<SendActivationCode> {
  private readonly attempts = new MailAttempts();

  constructor(
    @Inject(ACCOUNTS) private readonly accounts: Accounts,
    @Inject(ACTIVATION_POLICY) private readonly policy: ActivationPolicy,
    @Inject(MAIL_SENDER) private readonly mailSender: MailSender,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly activationCodes: ActivationCodes,
  ) {}

  async execute(command: SendActivationCode): Promise<void> {
    const { accountId, issueNumber, causationId, correlationId } = command;
    const idempotencyKey = `${accountId}/${issueNumber}`;
    const streamName = accountStreamName(accountId);
    const { state } = await loadStream(this.accounts, streamName);
    if (isCodeToBeSent(state, issueNumber)) {
      const hopeless = this.whyHopeless(state.code);
      const record = hopeless
        ? this.undeliverable(command, idempotencyKey, hopeless)
        : await this.send(command, idempotencyKey, state.address, state.code);
      await handleCommand(this.accounts, streamName, () => record, {
        $correlationId: correlationId,
        $causationId: causationId,
        actor: 'worker',
      });
    }
    this.attempts.forget(idempotencyKey);
  }

  /** Why it makes no sense to send, or to try again; undefined while it does. */
  private whyHopeless(issued: ActivationCode): string | undefined {
    if (this.clock() >= deliveryDeadline(issued, this.policy)) {
      return 'the delivery window has passed';
    }
    // While keys are being replaced, a process may meet a key a moment before it is told of it.
    const isKeyGone = this.clock() >= issued.issuedAt + KEY_ARRIVES_WITHIN_MS;
    return isKeyGone && !this.activationCodes.knows(issued.keyId)
      ? 'the key of the code is no more'
      : undefined;
  }

  private async send(
    command: SendActivationCode,
    idempotencyKey: string,
    address: string,
    issued: ActivationCode,
  ): Promise<AccountCommand> {
    const { accountId, issueNumber } = command;
    const code = this.activationCodes.codeFor(accountId, issued);
    const { codeTtlMs: ttlMs } = this.policy;
    const { language } = issued;
    const mail = activationMail({ accountId, issueNumber, address, code, ttlMs, language });
    this.attempts.begin(idempotencyKey);
    const outcome = await this.mailSender.send(mail, idempotencyKey);
    if (outcome.kind === 'refused') {
      return this.undeliverable(command, idempotencyKey, outcome.reason);
    }
    const { acceptedAt: sentAt, providerMessageId } = outcome;
    return { type: 'RecordActivationCodeSent', issueNumber, sentAt, providerMessageId };
  }

  private undeliverable(
    { issueNumber }: SendActivationCode,
    idempotencyKey: string,
    reason: string,
  ): AccountCommand {
    return {
      type: 'RecordActivationCodeUndeliverable',
      issueNumber,
      reason,
      attempts: this.attempts.of(idempotencyKey),
      now: this.clock(),
    };
  }
}
