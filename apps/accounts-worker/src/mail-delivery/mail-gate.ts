import { pauseUnlessAborted } from '@app/event-store';
import type { MailProviders } from './mail-providers.js';

/**
 * Holds mails back while no provider can be asked, before anything about them is looked up: what is sent
 * afterwards is decided by the account as it is then. While a provider has to be probed one mail passes
 * at a time. Mails pass in the order in which they came: only the first of them looks whether it may.
 */
export class MailGate {
  /** In the order in which they came. */
  private readonly waiting = new Set<Waiter>();
  private isProbeUnderWay = false;

  constructor(
    private readonly providers: Pick<
      MailProviders,
      'isAvailable' | 'isWorking' | 'pauseLeftMs' | 'onChange'
    >,
  ) {
    providers.onChange(() => this.wakeFirst());
  }

  /** Whether a mail would have to wait. */
  get isClosed(): boolean {
    return !this.providers.isWorking && (this.isProbeUnderWay || !this.providers.isAvailable);
  }

  /**
   * Resolves when a mail may be sent.
   *
   * @returns to be called when that mail is dealt with, whatever became of it
   * @throws the signal's reason when that ends the waiting
   */
  async enter(signal: AbortSignal): Promise<() => void> {
    const waiter: Waiter = { wake: () => undefined };
    this.waiting.add(waiter);
    try {
      while (this.isClosed || waiter !== this.first) {
        await this.changeOr(signal, waiter);
        signal.throwIfAborted();
      }
      return this.pass();
    } finally {
      this.waiting.delete(waiter);
      this.wakeFirst();
    }
  }

  private get first(): Waiter | undefined {
    const [first] = this.waiting;
    return first;
  }

  private pass(): () => void {
    if (this.providers.isWorking) return () => undefined;
    this.isProbeUnderWay = true;
    return () => {
      this.isProbeUnderWay = false;
      this.wakeFirst();
    };
  }

  /** Waits until something has changed; the first one no longer than the pause of a provider. */
  private async changeOr(signal: AbortSignal, waiter: Waiter): Promise<void> {
    const done = new AbortController();
    waiter.wake = () => done.abort();
    const isForPause = waiter === this.first && !this.isProbeUnderWay;
    const pauseMs = isForPause ? this.providers.pauseLeftMs : LONGEST_WAIT_MS;
    await pauseUnlessAborted(
      Math.min(Math.max(pauseMs, SHORTEST_WAIT_MS), LONGEST_WAIT_MS),
      AbortSignal.any([signal, done.signal]),
    );
  }

  private wakeFirst(): void {
    this.first?.wake();
  }
}

/** A mail that is held back; it keeps its place however often it looks again. */
interface Waiter {
  wake: () => void;
}

/** Keeps a remaining pause below a millisecond from becoming a busy loop. */
const SHORTEST_WAIT_MS = 1;
/** Longer than any probe takes; looking again costs nothing. */
const LONGEST_WAIT_MS = 30_000;
