import {
  ACTIVATION_POLICY,
  AccountAlreadyActive,
  accountStreamName,
  activationProgress,
} from '@app/accounts';
import type { ActivationPolicy, ActivationProgress } from '@app/accounts';
import { EventStoreUnavailable, loadStream, pauseUnlessAborted } from '@app/event-store';
import { ACCOUNTS } from '@app/personal-data';
import type { Accounts } from '@app/personal-data';
import { Inject, Injectable } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { onProvenClaim } from '../basic-auth/proven-account.js';
import type { ProvenClaim } from '../basic-auth/proven-account.js';
import { Bulkhead } from '../read-your-writes/bulkhead.js';

const LONGEST_WAIT_MS = 10_000;
const LOOK_EVERY_MS = 250;
/** Calls that may wait for the mail, in all and of one network. */
const MOST_WAITING = 128;
const MOST_WAITING_OF_A_NETWORK = 8;

/**
 * How far the caller's activation is, or since when the account is active: milliseconds since the Unix epoch. Unknown while
 * the event store does not answer: signing in needs no more than the read model, and goes on.
 */
export type ActivationNow = ActivationProgress | { readonly activatedAt: number } | 'unknown';

/** Reads the account's own stream: what the read model has may be a moment old, and a countdown must be right at once. */
@Injectable()
export class ActivationQuery implements OnModuleDestroy {
  private readonly waiting = new Bulkhead(MOST_WAITING, MOST_WAITING_OF_A_NETWORK);
  private readonly stopping = new AbortController();

  constructor(
    @Inject(ACCOUNTS) private readonly accounts: Accounts,
    @Inject(ACTIVATION_POLICY) private readonly policy: ActivationPolicy,
  ) {}

  /** @throws CredentialsSuperseded, AccountNotRegistered */
  async now(account: ProvenClaim): Promise<ActivationNow> {
    try {
      return await onProvenClaim(this.accounts, account, async (provenClaim) => {
        const streamName = accountStreamName(account.accountId);
        const { state } = await loadStream(this.accounts, streamName);
        return activationProgress(state, provenClaim, this.policy);
      });
    } catch (error) {
      if (error instanceof EventStoreUnavailable) return 'unknown';
      if (error instanceof AccountAlreadyActive) return { activatedAt: error.activatedAt };
      throw error;
    }
  }

  /**
   * The same, as soon as the caller's code is no longer on its way to the provider, after 10 s at most. At once when the
   * process stops, or when too many calls wait.
   *
   * @param network of the caller
   * @throws CredentialsSuperseded, AccountNotRegistered
   */
  whenSent(account: ProvenClaim, network: string): Promise<ActivationNow> {
    return this.waiting.holdWhile(
      network,
      () => this.waitFor(account),
      () => this.now(account),
    );
  }

  onModuleDestroy(): void {
    this.stopping.abort();
  }

  private async waitFor(account: ProvenClaim): Promise<ActivationNow> {
    const { signal } = this.stopping;
    const deadline = performance.now() + LONGEST_WAIT_MS;
    for (;;) {
      const found = await this.now(account);
      const isOnItsWay =
        found !== 'unknown' && 'codeState' in found && found.codeState === 'issued';
      if (!isOnItsWay || signal.aborted || performance.now() >= deadline) return found;
      // It ends early when the process stops, with one more look.
      await pauseUnlessAborted(LOOK_EVERY_MS, signal);
    }
  }
}
