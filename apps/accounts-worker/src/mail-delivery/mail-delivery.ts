import { CLOCK } from '@app/service';
import type { Clock } from '@app/service';
import { Inject, Injectable } from '@nestjs/common';
import { MAIL_SENDER } from './mail-sender.js';
import type { Mail, MailOutcome, MailSender } from './mail-sender.js';

/** What is to be put on record of a mail: the provider took it, or there is no more to be done. */
export type Delivery =
  | Extract<MailOutcome, { kind: 'accepted' }>
  | {
      readonly kind: 'undeliverable';
      /** In our words, without personal data. */
      readonly reason: string;
      /** Calls that this process made to the provider. */
      readonly attempts: number;
      /** When it was given up, in milliseconds since the Unix epoch. */
      readonly abandonedAt: number;
    };

/** Hands mails over to the provider, and knows how often each was tried until it is settled. */
@Injectable()
export class MailDelivery {
  private readonly attempts = new Map<string, number>();

  constructor(
    @Inject(MAIL_SENDER) private readonly mailSender: MailSender,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * One try.
   *
   * @param idempotencyKey a mail with the same key is delivered once, however often it is sent
   * @throws MailProviderUnavailable when the try did not settle the matter
   */
  async send(mail: Mail, idempotencyKey: string): Promise<Delivery> {
    this.attempts.set(idempotencyKey, this.attemptsAt(idempotencyKey) + 1);
    const outcome = await this.mailSender.send(mail, idempotencyKey);
    return outcome.kind === 'accepted' ? outcome : this.giveUp(idempotencyKey, outcome.reason);
  }

  /** Without another try. */
  giveUp(idempotencyKey: string, reason: string): Delivery {
    const attempts = this.attemptsAt(idempotencyKey);
    return { kind: 'undeliverable', reason, attempts, abandonedAt: this.clock() };
  }

  /** The mail is dealt with: what became of it is on record. */
  forget(idempotencyKey: string): void {
    this.attempts.delete(idempotencyKey);
  }

  private attemptsAt(idempotencyKey: string): number {
    return this.attempts.get(idempotencyKey) ?? 0;
  }
}
