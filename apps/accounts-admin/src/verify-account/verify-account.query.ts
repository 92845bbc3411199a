import { AccountIds } from '@app/account-secrets';
import { accountStreamName } from '@app/accounts';
import { EVENT_STORE, verifyChain } from '@app/event-store';
import type { ChainVerdict, EventStore } from '@app/event-store';
import { Inject, Injectable } from '@nestjs/common';
import { accountNotFound } from '../replay-account/account-history.js';
import { accountIdOfPath } from '../request-values.js';

/** Whether an account's history is as it was appended. Reads no personal data, and needs no key. */
@Injectable()
export class VerifyAccountQuery {
  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    private readonly accountIds: AccountIds,
  ) {}

  /**
   * @param account id or e-mail address
   * @throws Problem account-not-found, invalid-request
   * @throws EventStoreUnavailable
   */
  async verify(account: string): Promise<ChainVerdict & { readonly accountId: string }> {
    const accountId = accountIdOfPath(account, this.accountIds);
    const streamName = accountStreamName(accountId);
    const verdict = await verifyChain(streamName, this.store.readStream(streamName));
    if (verdict.events === 0) throw accountNotFound();
    return { accountId, ...verdict };
  }
}
