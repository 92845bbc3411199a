import { accountStreamName } from '@app/accounts';
import type { AccountCommand } from '@app/accounts';
import { handleCommand } from '@app/event-store';
import { ACCOUNTS } from '@app/personal-data';
import type { Accounts } from '@app/personal-data';
import { CLOCK, LOG } from '@app/process';
import type { Clock, Log } from '@app/process';
import { Inject, Injectable } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { ReadYourWrites } from '../read-your-writes/read-your-writes.js';
import { PASSWORD_HASHER } from '../passwords/password-hasher.js';
import type { PasswordHasher, StoredHash } from '../passwords/password-hasher.js';
import { commandContext } from '../request-context.js';
import type { RequestContext } from '../request-context.js';

/** The call that proved the password. */
type ProvingCall = Pick<RequestContext, 'requestId' | 'client'>;

/**
 * Brings stored hashes up to today's cost and pepper, each when its password has just been proven: there
 * is no other moment at which the password is known. Behind the answer, which neither waits for it nor
 * fails with it; what fails is tried again at the next proof.
 */
@Injectable()
export class PasswordHashUpgrades implements OnModuleDestroy {
  private readonly underWay = new Map<string, Promise<void>>();

  constructor(
    @Inject(ACCOUNTS) private readonly accounts: Accounts,
    @Inject(PASSWORD_HASHER) private readonly passwordHasher: PasswordHasher,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOG) private readonly log: Log,
    private readonly readYourWrites: ReadYourWrites,
  ) {}

  begin(outdated: StoredHash, password: string, provenBy: ProvingCall): void {
    const { accountId } = outdated;
    const { requestId } = provenBy;
    if (this.underWay.has(accountId)) return;
    const upgrade = this.upgrade(outdated, password, provenBy)
      .catch((error: unknown) =>
        this.log.warn({ err: error, accountId, requestId }, 'a password hash was not upgraded'),
      )
      .finally(() => this.underWay.delete(accountId));
    this.underWay.set(accountId, upgrade);
  }

  /** Resolves when no upgrade is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.underWay.values());
  }

  async onModuleDestroy(): Promise<void> {
    await this.settled();
  }

  private async upgrade(
    { accountId, passwordHash: replaces }: StoredHash,
    password: string,
    provenBy: ProvingCall,
  ): Promise<void> {
    const passwordHash = await this.passwordHasher.hash(password, accountId);
    const { appended } = await handleCommand(
      this.accounts,
      accountStreamName(accountId),
      (): AccountCommand => ({
        type: 'UpgradePasswordHash',
        replaces,
        passwordHash,
        now: this.clock(),
      }),
      commandContext(provenBy, 'account'),
    );
    this.readYourWrites.remember(accountId, appended);
  }
}
