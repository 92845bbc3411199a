import { randomUUID } from 'node:crypto';
import { accountStreamName } from '@app/accounts';
import type { LapseRegistration } from '@app/accounts';
import { handleCommand, pauseUnlessAborted } from '@app/event-store';
import { ACCOUNTS } from '@app/personal-data';
import type { Accounts } from '@app/personal-data';
import { pageOfAccounts } from '@app/views';
import { whileLeader } from '@app/consumers';
import type { Database } from '@app/postgres';
import type { ListedAccount } from '@app/views';
import { CLOCK, LOG } from '@app/process';
import type { Clock, Log } from '@app/process';
import { Inject, Injectable } from '@nestjs/common';
import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import { DATABASE } from '../database.token.js';
import { isTimeOutOfOneAccount } from '../time-out-of-one-account.js';

/** `RetentionPolicy` */
export const RETENTION_POLICY = Symbol('RetentionPolicy');

export interface RetentionPolicy {
  /** How long a registration may wait for its activation, in milliseconds. */
  readonly retentionMs: number;
  /** Pause between two registrations, in milliseconds: bounds the load on all other work. */
  readonly pauseMs: number;
  /** Pause between two rounds, in milliseconds. */
  readonly intervalMs: number;
}

const PAGE = 100;

/**
 * Lets incomplete registrations lapse, oldest first. The read model says which may be due, the account
 * itself decides. An interrupted round leaves nothing half-done: the next one continues. Of several
 * workers one does it at a time.
 */
@Injectable()
export class LapseRegistrations implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(
    @Inject(ACCOUNTS) private readonly accounts: Accounts,
    @Inject(DATABASE) private readonly database: Database,
    @Inject(RETENTION_POLICY) private readonly policy: RetentionPolicy,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOG) private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.running ??= whileLeader({
      database: this.database,
      name: 'lapse-registrations',
      signal: this.stopping.signal,
      lead: (signal) => this.sweepAgainAndAgain(signal),
      observer: {
        onStandby: () => undefined,
        onElected: () => this.log.info('this worker lets registrations lapse'),
        onLeadershipFault: (error, retryInMs) =>
          this.log.warn({ err: error, retryInMs }, 'registrations cannot lapse for now'),
      },
    });
  }

  /** Resolves when the registration at hand has been decided upon. */
  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /**
   * One round over every registration whose time may be over.
   *
   * @returns how many lapsed
   * @throws EventStoreUnavailable, DatabaseUnavailable
   */
  async sweep(signal: AbortSignal): Promise<number> {
    const registeredTo = new Date(this.clock() - this.policy.retentionMs + 1);
    let lapsed = 0;
    let after: ListedAccount | undefined;
    while (!signal.aborted) {
      const page = await pageOfAccounts(this.database, {
        status: 'pending',
        accountId: undefined,
        addressPrefix: undefined,
        registeredFrom: undefined,
        registeredTo,
        order: 'asc',
        limit: PAGE,
        after,
      });
      for (const { accountId } of page) {
        if (signal.aborted) break;
        if (await this.lapse(accountId)) lapsed += 1;
        await pauseUnlessAborted(this.policy.pauseMs, signal);
      }
      after = page.at(-1);
      if (page.length < PAGE) break;
    }
    return lapsed;
  }

  private async sweepAgainAndAgain(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const lapsed = await this.sweep(signal);
      if (lapsed > 0) this.log.info({ lapsed }, 'registrations that were never completed lapsed');
      await pauseUnlessAborted(this.policy.intervalMs, signal);
    }
  }

  /**
   * One account that cannot be read, or not in time, must not keep the others from lapsing: the next round tries it again.
   *
   * @throws EventStoreUnavailable, DatabaseUnavailable
   */
  private async lapse(accountId: string): Promise<boolean> {
    const causationId = randomUUID();
    const { retentionMs } = this.policy;
    try {
      const { events } = await handleCommand(
        this.accounts,
        accountStreamName(accountId),
        (): LapseRegistration => ({ type: 'LapseRegistration', retentionMs, now: this.clock() }),
        { $correlationId: causationId, $causationId: causationId, actor: 'worker' },
      );
      return events.length > 0;
    } catch (error) {
      await isTimeOutOfOneAccount(error, { store: this.accounts.store, database: this.database });
      this.log.error({ err: error, accountId }, 'a registration could not be decided upon');
      return false;
    }
  }
}
