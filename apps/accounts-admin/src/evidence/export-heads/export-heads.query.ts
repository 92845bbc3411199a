import { ChainWalk } from '@app/event-store';
import { Problem } from '@app/http-service';
import { CLOCK } from '@app/process';
import type { Clock } from '@app/process';
import { Inject, Injectable } from '@nestjs/common';
import { adminProblems } from '../../admin-problems.js';
import { RECEIPTS } from '../../admin.tokens.js';
import { LogScan } from '../log-scan.js';
import { SignedLines } from '../signed-lines.js';
import type { Signer } from '../signed-lines.js';
import { chainFold } from '../verify-accounts/verify-accounts.query.js';

/** The heads of all accounts' histories, signed: kept elsewhere, they show what is cut off or rewritten later. */
@Injectable()
export class ExportHeadsQuery {
  constructor(
    private readonly log: LogScan,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(RECEIPTS) private readonly signer: Signer | undefined,
  ) {}

  /**
   * Reads the whole log, verifying it on the way, and says how far it is; then one line a stream, the last one with the
   * signature.
   *
   * @throws Problem receipts-not-configured; log-walk-running with the first line
   * @throws EventStoreUnavailable with any line
   */
  begin(): AsyncGenerator<string> {
    if (this.signer === undefined) {
      throw new Problem(adminProblems.receiptsNotConfigured, 'RECEIPT_KEY is not set.');
    }
    return this.lines(new SignedLines('stream-heads/v1', this.signer));
  }

  private async *lines(lines: SignedLines): AsyncGenerator<string> {
    const first = lines.first({ at: new Date(this.clock()).toISOString() });
    let isBegun = false;
    for await (const step of this.log.walk(chainFold)) {
      if (!isBegun) yield first;
      isBegun = true;
      if (step.kind === 'progress') {
        // None of the signed lines: it is gone once it was seen.
        yield `${JSON.stringify({ progress: step.progress })}\n`;
        continue;
      }
      for (const [stream, walk] of step.folds) {
        yield lines.line(headOf(stream, walk));
      }
    }
    yield lines.last();
  }
}

function headOf(stream: string, walk: ChainWalk): object {
  const { head, events, broken } = walk.verdict;
  return broken
    ? { stream, broken: { revision: Number(broken.revision), reason: broken.reason } }
    : { stream, revision: events - 1, head };
}
