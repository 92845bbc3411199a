import type { GuardedMailProvider, MailProviderStatus } from './guarded-mail-provider.js';
import { MailProviderUnavailable } from './mail-sender.js';
import type { Mail, MailOutcome, MailSender } from './mail-sender.js';

/** A mail that a provider may have taken, or at least could not be asked to take. */
interface Doubt {
  readonly provider: GuardedMailProvider;
  /** False when the provider has certainly not taken it. */
  readonly mayHaveTaken: boolean;
  /** Until then nobody else is asked to deliver it. */
  readonly until: number;
}

/**
 * Hands mails to the first provider, and to the next one while the first is left alone. A mail that a
 * provider may have taken, although it did not say so, stays with that provider for a while: there its
 * idempotency key keeps it from being delivered twice, elsewhere it would not.
 */
export class MailProviders implements MailSender {
  private readonly doubts = new Map<string, Doubt>();

  /** @param doubtMs how long a mail in doubt stays with its provider, in milliseconds */
  constructor(
    private readonly providers: readonly [GuardedMailProvider, ...GuardedMailProvider[]],
    private readonly doubtMs: number,
  ) {}

  get status(): readonly MailProviderStatus[] {
    return this.providers.map(({ status }) => status);
  }

  /** Whether some mail could be handed over now, were it only to find out. */
  get isAvailable(): boolean {
    return this.providers.some(({ state }) => state === 'closed' || state === 'due');
  }

  /** Whether mails can be handed over without anybody having to find out first. */
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

  async send(mail: Mail, idempotencyKey: string): Promise<MailOutcome> {
    const provider = this.choose(idempotencyKey);
    try {
      const outcome = await provider.send(mail, idempotencyKey);
      this.doubts.delete(idempotencyKey);
      return outcome;
    } catch (error) {
      if (!(error instanceof MailProviderUnavailable)) throw error;
      if (error.inDoubt) {
        this.noteDoubt(idempotencyKey, provider);
        throw error;
      }
      if (provider.state === 'closed' || !this.isWorking) throw error;
      // That this provider wants to be left alone is no reason for the mail to wait.
      this.noteFailedProbe(idempotencyKey, provider);
      throw error.withoutPause();
    }
  }

  private choose(idempotencyKey: string): GuardedMailProvider {
    const now = Date.now();
    this.forgetOldDoubts(now);
    const doubt = this.doubts.get(idempotencyKey);
    // Where it works again it can be asked without harm, however long that took.
    if (doubt?.provider.state === 'closed') return doubt.provider;
    if (doubt && now < doubt.until) {
      const { provider, until } = doubt;
      if (provider.state === 'due') return provider;
      const retryAfterMs = Math.min(provider.pauseLeftMs, until - now);
      throw new MailProviderUnavailable('it may have taken it before', { retryAfterMs });
    }
    const provider =
      // Whoever has left the mail in doubt for so long is not the one to find out with it.
      this.providers.find((other) => doubt && other !== doubt.provider && this.mayTake(other)) ??
      this.providers.find((candidate) => this.mayTake(candidate)) ??
      this.providers.find(({ state }) => state === 'due');
    if (provider) return provider;
    throw new MailProviderUnavailable('it is left alone for a while', {
      retryAfterMs: this.pauseLeftMs,
    });
  }

  /** A provider that is due is probed with the mails that wait for it anyway, if there are any. */
  private mayTake(provider: GuardedMailProvider): boolean {
    if (provider.state === 'closed') return true;
    const now = Date.now();
    const isAwaited = [...this.doubts.values()].some(
      (doubt) => doubt.provider === provider && now < doubt.until,
    );
    return provider.state === 'due' && !isAwaited;
  }

  private noteDoubt(idempotencyKey: string, provider: GuardedMailProvider): void {
    const earlier = this.doubts.get(idempotencyKey);
    if (earlier?.mayHaveTaken && earlier.provider === provider) return;
    const until = Date.now() + this.doubtMs;
    this.doubts.set(idempotencyKey, { provider, mayHaveTaken: true, until });
  }

  /** The next try asks somebody else: a mail must not be the one to find out again and again. */
  private noteFailedProbe(idempotencyKey: string, provider: GuardedMailProvider): void {
    if (this.doubts.get(idempotencyKey)?.mayHaveTaken) return;
    this.doubts.set(idempotencyKey, { provider, mayHaveTaken: false, until: Date.now() });
  }

  /** Mails that were dealt with elsewhere never come back to settle theirs. */
  private forgetOldDoubts(now: number): void {
    for (const [key, { until }] of this.doubts) {
      if (until + DOUBT_REMEMBERED_MS <= now) this.doubts.delete(key);
    }
  }
}

/** Longer than a mail is usually tried. */
const DOUBT_REMEMBERED_MS = 3_600_000;
