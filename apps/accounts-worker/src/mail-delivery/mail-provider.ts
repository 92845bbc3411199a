import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel';
import type { CircuitBreakerPolicy, IBackoff, IHalfOpenAfterBackoffContext } from 'cockatiel';
import type { Clock } from '@app/process';
import { MailProviderUnavailable } from './mail.js';
import type { Mail, MailOutcome } from './mail.js';

export interface BreakerOptions {
  /** Failures in a row after which the provider is left alone. */
  readonly failures: number;
  /** How long it is left alone the first time, in milliseconds; doubles with each probe that fails. */
  readonly pauseMs: number;
  /** The longest such pause; only a Retry-After may ask for more. */
  readonly longestPauseMs: number;
  /** For what operators are shown. */
  readonly clock: Clock;
}

/**
 * `closed`: mails go through. `open`: left alone for a while, after failures or because it asked to be. `due`:
 * the while is over, one mail may go as a probe. `probing`: that mail is under way.
 */
export type BreakerState = 'closed' | 'open' | 'due' | 'probing';

export interface MailProviderStatus {
  readonly name: string;
  readonly state: BreakerState;
  /** Outages so far: how often it went from working to being left alone. */
  readonly outages: number;
  /** When one mail may go as a probe; undefined while closed. */
  readonly dueAt: Date | undefined;
  readonly accepted: number;
  readonly refused: number;
  readonly failed: number;
  readonly lastFailure: { readonly message: string; readonly at: Date } | undefined;
}

/**
 * A provider behind a circuit breaker: after some failures in a row it gets no mail for a while, then a
 * single mail probes whether it works again. Pauses are measured by `performance.now()`, whatever the machine's clock
 * says.
 */
export abstract class MailProvider {
  private readonly breaker: CircuitBreakerPolicy;
  private readonly listeners = new Set<() => void>();
  /** How often it was left alone, pauses after failed probes included. */
  private pauses = 0;
  private dueAt: number | undefined;
  /** Said by the provider itself, whether or not the breaker has opened. */
  private askedToWaitUntil = 0;
  private outages = 0;
  private accepted = 0;
  private refused = 0;
  private failed = 0;
  private lastFailure: MailProviderStatus['lastFailure'];

  constructor(
    /** For operators; no URL, and no key. */
    readonly name: string,
    private readonly options: BreakerOptions,
  ) {
    this.breaker = circuitBreaker(handleWhen(isFaultOfProvider), {
      breaker: new ConsecutiveBreaker(options.failures),
      halfOpenAfter: { next: (context) => this.pauseAfter(context) },
    });
    this.breaker.onReset(() => (this.dueAt = undefined));
    this.breaker.onStateChange(() => this.listeners.forEach((listener) => listener()));
  }

  get state(): BreakerState {
    switch (this.breaker.state) {
      case CircuitState.Closed:
        return this.pauseLeftMs > 0 ? 'open' : 'closed';
      case CircuitState.HalfOpen:
        return 'probing';
      default:
        return this.pauseLeftMs > 0 ? 'open' : 'due';
    }
  }

  /** How long it is still to be left alone, in milliseconds; 0 when it may be asked. */
  get pauseLeftMs(): number {
    return Math.max(0, Math.max(this.dueAt ?? 0, this.askedToWaitUntil) - performance.now());
  }

  get status(): MailProviderStatus {
    const { name, state, outages, accepted, refused, failed, lastFailure } = this;
    const dueAt =
      state === 'closed' ? undefined : new Date(this.options.clock() + this.pauseLeftMs);
    return { name, state, outages, dueAt, accepted, refused, failed, lastFailure };
  }

  /** Called whenever the breaker opens, begins to probe, or closes. */
  onChange(listener: () => void): void {
    this.listeners.add(listener);
  }

  /** Hands the mail over, whatever state the breaker is in. Parameters and errors are those of `send`. */
  protected abstract deliver(mail: Mail, idempotencyKey: string): Promise<MailOutcome>;

  /** Closes the connections that are kept for the next mail. */
  abstract close(): void;

  /**
   * One try. To be called in the states `closed` and `due`; in others it throws at once or waits for the probe.
   *
   * @param idempotencyKey a mail with the same key is delivered once, however often it is sent
   * @throws MailProviderUnavailable when the try did not settle the matter
   */
  async send(mail: Mail, idempotencyKey: string): Promise<MailOutcome> {
    try {
      const outcome = await this.breaker.execute(() => this.try(mail, idempotencyKey));
      if (outcome.kind === 'refused') this.refused += 1;
      else this.accepted += 1;
      return outcome;
    } catch (thrown) {
      const error = thrown instanceof FailedBeforePause ? thrown.failure : thrown;
      this.failed += 1;
      if (error instanceof MailProviderUnavailable && !error.ofMailOnly && error.afterMs > 0) {
        this.askedToWaitUntil = Math.max(this.askedToWaitUntil, performance.now() + error.afterMs);
      }
      const message = error instanceof Error ? error.message : String(error);
      this.lastFailure = { message, at: new Date(this.options.clock()) };
      throw error;
    }
  }

  /** A call from before the pause that fails after it says nothing about the provider as it is now. */
  private async try(mail: Mail, idempotencyKey: string): Promise<MailOutcome> {
    const { pauses } = this;
    try {
      return await this.deliver(mail, idempotencyKey);
    } catch (error) {
      throw pauses === this.pauses ? error : new FailedBeforePause(error);
    }
  }

  /** The breaker asks how long since it opened, by the machine's clock: all or nothing keeps that clock out of it. */
  private pauseAfter(
    context: IHalfOpenAfterBackoffContext,
  ): IBackoff<IHalfOpenAfterBackoffContext> {
    if (context.attempt === 1) this.outages += 1;
    this.pauses += 1;
    const dueAt = performance.now() + this.pauseMs(context);
    this.dueAt = dueAt;
    return {
      get duration() {
        return performance.now() < dueAt ? Infinity : -Infinity;
      },
      next: (following) => this.pauseAfter(following),
    };
  }

  private pauseMs({ attempt, result }: IHalfOpenAfterBackoffContext): number {
    const { pauseMs, longestPauseMs } = this.options;
    const ceiling = Math.min(longestPauseMs, pauseMs * 2 ** Math.min(attempt - 1, 20));
    const jittered = Math.round(ceiling / 2 + (Math.random() * ceiling) / 2);
    const asked =
      'error' in result && result.error instanceof MailProviderUnavailable
        ? result.error.afterMs
        : 0;
    return Math.max(jittered, asked);
  }
}

/** A try that began before the provider was left alone for the last time. */
class FailedBeforePause extends Error {
  constructor(readonly failure: unknown) {
    super('a try failed that had begun before a pause');
  }
}

function isFaultOfProvider(error: Error): boolean {
  if (error instanceof FailedBeforePause) return false;
  return !(error instanceof MailProviderUnavailable && error.ofMailOnly);
}
