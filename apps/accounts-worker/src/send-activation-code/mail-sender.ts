import { RetryLater } from '@app/event-store';

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export type MailOutcome =
  | {
      readonly kind: 'accepted';
      readonly providerMessageId: string;
      /** When the provider's answer arrived, in milliseconds since the Unix epoch. */
      readonly acceptedAt: number;
    }
  | {
      /** The provider will never take this mail. */
      readonly kind: 'refused';
      /** In our words, without personal data. */
      readonly reason: string;
    };

/** Port: hands a mail over to whoever delivers it. */
export interface MailSender {
  /**
   * One try.
   *
   * @param idempotencyKey a mail with the same key is delivered once, however often it is sent
   * @throws MailProviderUnavailable when the try did not settle the matter
   */
  send(mail: Mail, idempotencyKey: string): Promise<MailOutcome>;
}

export const MAIL_SENDER = Symbol('MailSender');

/** The provider is down, slow, overloaded, or does not accept our key: a later try may succeed. */
export class MailProviderUnavailable extends RetryLater {
  /** @param retryAfterMs what the provider asked for, in milliseconds; 0 when it said nothing */
  constructor(reason: string, retryAfterMs = 0, options?: ErrorOptions) {
    super(`the e-mail provider did not take the mail: ${reason}`, retryAfterMs, options);
    this.name = 'MailProviderUnavailable';
  }
}
