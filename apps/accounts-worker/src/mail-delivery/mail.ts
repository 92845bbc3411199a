import { RetryLater } from '@app/consumers';

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /**
   * The provider returns it with each report on the mail: leads from there to the account.
   * Names and values of ASCII letters, digits, `-` and `_`.
   */
  readonly tags: Readonly<Record<string, string>>;
}

export type MailOutcome =
  | {
      readonly kind: 'accepted';
      readonly providerMessageId: string;
      /** When the provider's answer arrived, in milliseconds since the Unix epoch. */
      readonly acceptedAt: number;
    }
  | {
      /** The provider took a mail with this key before, and does not say which: its body was another one. */
      readonly kind: 'taken-before';
    }
  | {
      /** The provider will never take this mail. */
      readonly kind: 'refused';
      /** In our words, without personal data. */
      readonly reason: string;
    };

/** What a failed try says about the provider and about the mail. */
export interface FailedTry {
  /** What the provider asked for, in milliseconds; 0 when it said nothing. */
  readonly retryAfterMs?: number;
  /** The mail may have been accepted all the same: asking another provider could deliver it twice. */
  readonly inDoubt?: boolean;
  /** It was about this one mail: nothing is wrong with the provider. */
  readonly ofMailOnly?: boolean;
}

/** The provider is down, slow, overloaded, or does not accept our key: a later try may succeed. */
export class MailProviderUnavailable extends RetryLater {
  readonly inDoubt: boolean;
  readonly ofMailOnly: boolean;

  constructor(
    private readonly reason: string,
    failed: FailedTry = {},
    options?: ErrorOptions,
  ) {
    super(
      `the e-mail provider did not take the mail: ${reason}`,
      failed.retryAfterMs ?? 0,
      options,
    );
    this.name = 'MailProviderUnavailable';
    this.inDoubt = failed.inDoubt ?? false;
    this.ofMailOnly = failed.ofMailOnly ?? false;
  }

  /** The same failure, where another provider can be asked at once. */
  withoutPause(): MailProviderUnavailable {
    const { inDoubt, ofMailOnly } = this;
    return new MailProviderUnavailable(this.reason, { inDoubt, ofMailOnly }, { cause: this });
  }
}
