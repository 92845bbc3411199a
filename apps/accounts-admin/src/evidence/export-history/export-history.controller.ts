import { accountStreamName } from '@app/accounts';
import { CLOCK } from '@app/process';
import type { Clock } from '@app/process';
import { Inject } from '@nestjs/common';
import { CallerOf, actorOf } from '../../keys/caller.js';
import type { Caller } from '../../keys/caller.js';
import { configured } from '../../admin-problems.js';
import { RECEIPTS } from '../../admin.tokens.js';
import {
  AdminCall,
  AdminController,
  lineAnswer,
  signatureExample,
} from '../../api-description/admin-call.js';
import { AccountOfPath } from '../../request-values.js';
import { AccountHistory, accountNotFound } from '../../accounts/replay-account/account-history.js';
import { toEntry } from '../../accounts/replay-account/history-entry.js';
import { LineAnswer } from '../line-stream.js';
import { SignedLines } from '../signed-lines.js';
import type { ErasureReceipts } from '../../accounts/erase-account/erasure-receipts.js';

/** The history of one account as evidence: readable, as it is stored, and signed. */
@AdminController('history')
export class ExportHistoryController {
  constructor(
    private readonly history: AccountHistory,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(RECEIPTS) private readonly signer: ErasureReceipts | undefined,
  ) {}

  @AdminCall('GET accounts/:id/history/export', 'history:read', {
    summary: 'The history of an account as a signed file',
    description:
      'Each event as in the history, and as it is stored. The last line is signed; ' +
      'apps/accounts-admin/verify-export.mjs checks signature and chain offline, and against exported heads. ' +
      'It holds personal data, unless the person was forgotten.',
    answer: lineAnswer(
      'The events as they come',
      {
        format: 'account-history/v1',
        at: '2026-11-22T12:00:00.000Z',
        accountId: '6f9619ff-8b86-8d01-b42d-00cf4fc964ff',
        stream: 'account-6f9619ff-8b86-8d01-b42d-00cf4fc964ff',
        exportedBy: 'admin:1f2e3d4c5b6a7988',
      },
      {
        revision: 0,
        type: 'AccountRegistered',
        sentence: 'The address was registered.',
        data: { address: 'ada@example.org', registeredAt: '2026-11-22T11:59:12.000Z' },
        stored: {
          data: { address: { sealed: 'base64' } },
          metadata: { schemaVersion: 1, chain: '3b0f…64 hexadecimal digits…' },
        },
      },
      signatureExample,
    ),
    problems: ['invalidRequest', 'accountNotFound', 'accountUnreadable', 'receiptsNotConfigured'],
  })
  export(@AccountOfPath() accountId: string, @CallerOf() caller: Caller): LineAnswer {
    const title = 'The history could not be read to its end.';
    return new LineAnswer(this.lines(accountId, caller), title);
  }

  /**
   * The lines of the file. Beside what people read, each event has what the store holds, so that its link can be
   * computed again elsewhere; personal data is sealed in there, and readable only beside it.
   *
   * @throws Problem receipts-not-configured; account-not-found with the first line
   * @throws EventStoreUnavailable with any line
   */
  private async *lines(accountId: string, caller: Caller): AsyncGenerator<string> {
    const stream = accountStreamName(accountId);
    const lines = new SignedLines('account-history/v1', configured(this.signer));
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
