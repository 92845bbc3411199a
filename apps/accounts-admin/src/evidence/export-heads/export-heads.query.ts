import { ChainWalk } from '@app/event-store';
import type { LogPosition, RecordedEvent } from '@app/event-store';
import { Problem } from '@app/http-service';
import { CLOCK } from '@app/process';
import type { Clock } from '@app/process';
import { Inject, Injectable } from '@nestjs/common';
import { adminProblems } from '../../admin-problems.js';
import { RECEIPTS } from '../../admin.tokens.js';
import { LogScan } from '../log-scan.js';
import type { StreamFold } from '../log-scan.js';
import { SignedLines } from '../signed-lines.js';
import type { Signer } from '../signed-lines.js';
import { chainFold } from '../verify-accounts/verify-accounts.query.js';

/** The heads of all histories, signed: kept elsewhere, they show what is cut off or rewritten later. */
@Injectable()
export class ExportHeadsQuery {
  constructor(
    private readonly log: LogScan,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(RECEIPTS) private readonly signer: Signer | undefined,
  ) {}

  /**
   * Reads the whole log, verifying it on the way, and says how far it is; then one line a stream, and what the next
   * export can go on from. With `since` there are lines in between with what the links are made of that came later, so
   * that the new heads can be computed from those of an earlier export.
   *
   * @param since where an earlier export says that it has seen everything
   * @throws Problem receipts-not-configured; log-walk-running with the first line
   * @throws EventStoreUnavailable with any line
   */
  begin(since?: LogPosition | 'start'): AsyncGenerator<string> {
    if (this.signer === undefined) {
      throw new Problem(adminProblems.receiptsNotConfigured, 'RECEIPT_KEY is not set.');
    }
    return this.lines(new SignedLines('stream-heads/v2', this.signer), since);
  }

  private async *lines(
    lines: SignedLines,
    since: LogPosition | 'start' | undefined,
  ): AsyncGenerator<string> {
    const first = lines.first({
      at: new Date(this.clock()).toISOString(),
      ...(since !== undefined && { since: String(since) }),
    });
    const fold = new HeadsFold(since);
    let isBegun = false;
    let reached: string | undefined;
    for await (const step of this.log.walk(fold)) {
      if (!isBegun) yield first;
      isBegun = true;
      for (const line of fold.takeFollowing()) yield lines.line(line);
      if (step.kind === 'progress') {
        // None of the signed lines: it is gone once it was seen.
        yield `${JSON.stringify({ progress: step.progress })}\n`;
        continue;
      }
      // Of the first pass over the log: a later one sees more, but only of its own streams.
      reached ??= String(fold.newest);
      for (const [stream, walk] of step.folds) {
        yield lines.line(headOf(stream, walk));
      }
    }
    yield lines.line({ reached });
    yield lines.last();
  }
}

/** Events of one stream that come one after the other. */
interface Following {
  readonly stream: string;
  /** Revision of the event before the first of them; -1 for the beginning. */
  readonly after: number;
  /** What each one's link is made of beside the link before. */
  readonly digests: string[];
}

/** Follows chains, and gathers what their links are made of from some place of the log on. */
class HeadsFold implements StreamFold<ChainWalk> {
  readonly streamNamePrefixes = chainFold.streamNamePrefixes;
  readonly begin = chainFold.begin;
  newest: LogPosition | 'start' = 'start';
  private following = new Map<string, Following>();

  constructor(private readonly since: LogPosition | 'start' | undefined) {}

  add(walk: ChainWalk, event: RecordedEvent): void {
    const { streamName: stream, revision, position } = event;
    this.newest = position;
    const digest = walk.add(event);
    if (digest === undefined || this.since === undefined) return;
    if (this.since !== 'start' && position <= this.since) return;
    const gathered = this.following.get(stream);
    if (gathered) gathered.digests.push(digest);
    else this.following.set(stream, { stream, after: Number(revision) - 1, digests: [digest] });
  }

  /** What was gathered since this was called last: memory must not grow with the log. */
  takeFollowing(): Iterable<Following> {
    const taken = this.following.values();
    this.following = new Map();
    return taken;
  }
}

function headOf(stream: string, walk: ChainWalk): object {
  const { head, events, broken } = walk.verdict;
  return broken
    ? { stream, broken: { revision: Number(broken.revision), reason: broken.reason } }
    : { stream, revision: events - 1, head };
}
