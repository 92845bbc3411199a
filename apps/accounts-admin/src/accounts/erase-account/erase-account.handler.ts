import { randomUUID } from 'node:crypto';
import { accountStreamName } from '@app/accounts';
import type { AccountEvent, EraseAccount, ErasureReason } from '@app/accounts';
import { handleCommand } from '@app/event-store';
import type { EventCodec } from '@app/event-store';
import { AccountKeys, decodeEach } from '@app/personal-data';
import { blankAccount } from '@app/views';
import type { Queryable } from '@app/postgres';
import { CLOCK } from '@app/process';
import type { Clock } from '@app/process';
import { Inject } from '@nestjs/common';
import { Command, CommandHandler } from '@nestjs/cqrs';
import type { ICommandHandler } from '@nestjs/cqrs';
import { contextOf } from '../../keys/caller.js';
import type { Caller } from '../../keys/caller.js';
import { configured } from '../../admin-problems.js';
import { OPERATED_ACCOUNTS, READ_MODEL, RECEIPTS } from '../../admin.tokens.js';
import type { OperatedAccounts } from '../../admin.tokens.js';
import type { ErasureReceipt, ErasureReceipts } from './erasure-receipts.js';

/** An operator has a person forgotten. Asking again changes nothing and answers the same receipt. */
export class EraseAccountCommand extends Command<ErasureReceipt> {
  constructor(
    readonly accountId: string,
    readonly reason: ErasureReason,
    readonly caller: Caller,
  ) {
    super();
  }
}

/**
 * Records the erasure first, because a key destroyed without a record looks like a lost key. Then it
 * destroys the key and empties the rows. The worker repeats these two steps, so a crash in between
 * leaves nothing undone.
 */
@CommandHandler(EraseAccountCommand)
export class EraseAccountHandler implements ICommandHandler<EraseAccountCommand> {
  constructor(
    @Inject(OPERATED_ACCOUNTS) private readonly accounts: OperatedAccounts,
    @Inject(READ_MODEL) private readonly readModel: Queryable,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(RECEIPTS) private readonly receipts: ErasureReceipts | undefined,
    private readonly keys: AccountKeys,
  ) {}

  /**
   * @throws Problem receipts-not-configured (nothing was erased)
   * @throws AccountNotRegistered, EventStoreUnavailable, DatabaseUnavailable: to be asked again
   */
  async execute({ accountId, reason, caller }: EraseAccountCommand): Promise<ErasureReceipt> {
    const receipts = configured(this.receipts);
    const { state } = await handleCommand(
      { ...this.accounts, codec: skippingUnread(this.accounts.codec) },
      accountStreamName(accountId),
      (): EraseAccount => ({
        type: 'EraseAccount',
        receiptId: randomUUID(),
        reason,
        now: this.clock(),
      }),
      contextOf(caller),
    );
    if (state.status !== 'erased') throw new Error('the account was not erased');
    const { erasure } = state;
    await this.keys.destroy(accountId, erasure.registrationNumber);
    await blankAccount(this.readModel, accountId, erasure.registrationNumber);
    return receipts.receiptOf({
      receiptId: erasure.receiptId,
      accountId,
      reason: erasure.reason,
      erasedAt: new Date(erasure.erasedAt).toISOString(),
    });
  }
}

/** An event that this version cannot read must not keep a person from being forgotten. */
function skippingUnread(codec: EventCodec<AccountEvent>): EventCodec<AccountEvent> {
  return {
    encode: (...args) => codec.encode(...args),
    decode: async (events) =>
      (await decodeEach(codec, events)).flatMap((event) => (event instanceof Error ? [] : [event])),
  };
}
