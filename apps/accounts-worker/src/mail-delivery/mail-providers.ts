import type { Clock } from '@app/process';
import { LRUCache } from 'lru-cache';
import type { MailProvider, MailProviderStatus } from './mail-provider.js';
import { MailProviderUnavailable } from './mail.js';
import type { Mail, MailOutcome } from './mail.js';

/** What is to be put on record of a mail: a provider took it, or there is no more to be done. */
export type Delivery =
  | Extract<MailOutcome, { kind: 'accepted' }>
  | {
      readonly kind: 'undeliverable';
      /** In our words, without personal data. */
      readonly reason: string;
      /** Calls that this process made to the providers. */
      readonly attempts: number;
      /** When it was given up, in milliseconds since the Unix epoch. */
      readonly abandonedAt: number;
    };

/** A mail that a provider may have taken, or at least could not be asked to take. */
interface InDoubtDelivery {
  readonly provider: MailProvider;
  /** When it may have been taken for the first time, in milliseconds since the Unix epoch. */
  readonly since: number;
  /** False when the provider has certainly not taken it. */
  readonly mayHaveTaken: boolean;
  /** By `performance.now()`: until then no other provider is asked to deliver it. */
  readonly until: number;
}

/** What this process remembers of a mail until it is settled. */
interface UnsettledMail {
  attempts: number;
  doubt: InDoubtDelivery | undefined;
  /** What a provider answered, until that is on record: it is not asked again, and no other one is. */
  answer: Delivery | undefined;
}

/** Stands in the log for the id of a mail whose provider said that it took it, and not as which. */
const UNTOLD_MESSAGE_ID = 'unknown';
/** Far more than are in flight at a time. Entries of mails that another process settles are never removed here. */
const MOST_UNSETTLED = 10_000;

/**
 * Hands mails to the first provider, and to the next one while the first is left alone. A mail that a
 * provider may have taken, although it did not say so, stays with that provider for a while: there its
 * idempotency key keeps it from being delivered twice, elsewhere it would not.
 */
export class MailProviders {
  /** By their idempotency keys. */
  private readonly unsettled = new LRUCache<string, UnsettledMail>({ max: MOST_UNSETTLED });

  /** @param doubtMs how long a mail in doubt stays with its provider, in milliseconds */
  constructor(
    private readonly providers: readonly [MailProvider, ...MailProvider[]],
    private readonly doubtMs: number,
    private readonly clock: Clock,
  ) {}

  get status(): readonly MailProviderStatus[] {
    return this.providers.map(({ status }) => status);
  }

  /** Whether some mail could be handed over now, at least as a probe. */
  get isAvailable(): boolean {
    return this.providers.some(({ state }) => state === 'closed' || state === 'due');
  }

  /** Whether mails can be handed over without a probe. */
  get isWorking(): boolean {
    return this.providers.some(({ state }) => state === 'closed');
  }

  /** How long until some provider may be asked again, in milliseconds; 0 when one may be now. */
  get pauseLeftMs(): number {
    return Math.min(...this.providers.map(({ pauseLeftMs }) => pauseLeftMs));
  }

  /** Called whenever a provider begins or ceases to be available. */
  onChange(listener: () => void): void {
    for (const provider of this.providers) provider.onChange(listener);
  }

  /**
   * One try; none where a provider's answer to an earlier one is still to be put on record.
   *
   * @param idempotencyKey a mail with the same key is delivered once, however often it is sent
   * @throws MailProviderUnavailable when the try did not settle the matter
   */
  async send(mail: Mail, idempotencyKey: string): Promise<Delivery> {
    const fresh: UnsettledMail = { attempts: 0, doubt: undefined, answer: undefined };
    const unsettled = this.unsettled.get(idempotencyKey) ?? fresh;
    if (unsettled.answer) return unsettled.answer;
    this.unsettled.set(idempotencyKey, unsettled);
    unsettled.attempts += 1;
    const provider = this.choose(unsettled.doubt);
    try {
      const outcome = await provider.send(mail, idempotencyKey);
      unsettled.answer = this.answered(outcome, provider, unsettled);
      unsettled.doubt = undefined;
      return unsettled.answer;
    } catch (error) {
      if (!(error instanceof MailProviderUnavailable)) throw error;
      if (error.inDoubt) {
        this.noteDoubt(unsettled, provider, error.ofMailOnly);
        throw error;
      }
      if (provider.state === 'closed' || !this.isWorking) throw error;
      // The pause of this provider must not delay the mail.
      this.noteFailedProbe(unsettled, provider);
      throw error.withoutPause();
    }
  }

  /** Without another try. A provider's answer that is still to be put on record remains what became of the mail. */
  giveUp(idempotencyKey: string, reason: string): Delivery {
    const { answer, attempts = 0 } = this.unsettled.get(idempotencyKey) ?? {};
    return answer ?? { kind: 'undeliverable', reason, attempts, abandonedAt: this.clock() };
  }

  /** The mail is dealt with: what became of it is on record. */
  forget(idempotencyKey: string): void {
    this.unsettled.delete(idempotencyKey);
  }

  /** Closes the connections that are kept for the next mail. */
  close(): void {
    for (const provider of this.providers) provider.close();
  }

  private answered(
    outcome: MailOutcome,
    provider: MailProvider,
    { attempts, doubt }: UnsettledMail,
  ): Delivery {
    if (outcome.kind === 'accepted') return outcome;
    if (outcome.kind === 'refused') {
      return {
        kind: 'undeliverable',
        reason: outcome.reason,
        attempts,
        abandonedAt: this.clock(),
      };
    }
    const isThatTry = doubt?.mayHaveTaken && doubt.provider === provider;
    const acceptedAt = isThatTry ? doubt.since : this.clock();
    return { kind: 'accepted', providerMessageId: UNTOLD_MESSAGE_ID, acceptedAt };
  }

  private choose(doubt: InDoubtDelivery | undefined): MailProvider {
    const now = performance.now();
    // A provider that works again can safely be asked again, at any time.
    if (doubt?.provider.state === 'closed') return doubt.provider;
    if (doubt && now < doubt.until) {
      const { provider, until } = doubt;
      if (provider.state === 'due') return provider;
      const retryAfterMs = Math.min(provider.pauseLeftMs, until - now);
      throw new MailProviderUnavailable('it may have taken it before', { retryAfterMs });
    }
    const provider =
      // Prefers another provider to the one that left this mail in doubt.
      this.providers.find((other) => doubt && other !== doubt.provider && this.mayTake(other)) ??
      this.providers.find((candidate) => this.mayTake(candidate)) ??
      this.providers.find(({ state }) => state === 'due');
    if (provider) return provider;
    throw new MailProviderUnavailable('it is left alone for a while', {
      retryAfterMs: this.pauseLeftMs,
    });
  }

  /** A provider that is due is probed with the mails that wait for it anyway, if there are any. */
  private mayTake(provider: MailProvider): boolean {
    if (provider.state === 'closed') return true;
    const now = performance.now();
    const isAwaited = [...this.unsettled.values()].some(
      ({ doubt }) => doubt?.provider === provider && now < doubt.until,
    );
    return provider.state === 'due' && !isAwaited;
  }

  /** @param isHeld the provider says that it has the mail: the while begins anew */
  private noteDoubt(unsettled: UnsettledMail, provider: MailProvider, isHeld: boolean): void {
    const { doubt } = unsettled;
    const isKnown = doubt?.mayHaveTaken && doubt.provider === provider;
    if (isKnown && !isHeld) return;
    const since = isKnown ? doubt.since : this.clock();
    unsettled.doubt = {
      provider,
      since,
      mayHaveTaken: true,
      until: performance.now() + this.doubtMs,
    };
  }

  /** The next try asks another provider: the same mail must not be the probe again and again. */
  private noteFailedProbe(unsettled: UnsettledMail, provider: MailProvider): void {
    if (unsettled.doubt?.mayHaveTaken) return;
    const since = this.clock();
    unsettled.doubt = { provider, since, mayHaveTaken: false, until: performance.now() };
  }
}
