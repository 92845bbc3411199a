import { accountStreamName } from '@app/accounts';
import { Problem } from '@app/http-service';
import { CLOCK } from '@app/process';
import type { Clock } from '@app/process';
import { Inject, Injectable } from '@nestjs/common';
import { actorOf } from '../../keys/caller.js';
import type { Caller } from '../../keys/caller.js';
import { adminProblems } from '../../admin-problems.js';
import { RECEIPTS } from '../../admin.tokens.js';
import { AccountHistory, accountNotFound } from '../../accounts/replay-account/account-history.js';
import { toEntry } from '../../accounts/replay-account/replay-account.query.js';
import { SignedLines } from '../signed-lines.js';
import type { Signer } from '../signed-lines.js';

/** The history of one account as evidence: readable, as it is stored, and signed. */
@Injectable()
export class ExportHistoryQuery {
  constructor(
    private readonly history: AccountHistory,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(RECEIPTS) private readonly signer: Signer | undefined,
  ) {}

  /**
   * The lines of the file. Beside what people read, each event has what the store holds, so that its link can be
   * computed again elsewhere; personal data is sealed in there, and readable only beside it.
   *
   * @throws Problem receipts-not-configured; account-not-found with the first line
   * @throws EventStoreUnavailable with any line
   */
  async *lines(accountId: string, caller: Caller): AsyncGenerator<string> {
    if (this.signer === undefined) {
      throw new Problem(adminProblems.receiptsNotConfigured, 'RECEIPT_KEY is not set.');
    }
    const stream = accountStreamName(accountId);
    const lines = new SignedLines('account-history/v1', this.signer);
    let events = 0;
    for await (const replayed of this.history.replay(accountId)) {
      const { data, metadata } = replayed.recorded;
      if (events === 0) {
        const at = new Date(this.clock()).toISOString();
        yield lines.first({ at, accountId, stream, exportedBy: actorOf(caller) });
      }
      events += 1;
      yield lines.line({ ...toEntry(replayed), stored: { data, metadata } });
    }
    if (events === 0) throw accountNotFound();
    yield lines.last();
  }
}
