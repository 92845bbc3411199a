import { createHash } from 'node:crypto';
import { ChainWalk, parseLogPosition } from '@app/event-store';
import type { LogPosition, RecordedEvent } from '@app/event-store';
import { CLOCK } from '@app/process';
import type { Clock } from '@app/process';
import { Inject, Query } from '@nestjs/common';
import * as z from 'zod';
import { configured } from '../../admin-problems.js';
import { RECEIPTS } from '../../admin.tokens.js';
import {
  AdminCall,
  AdminController,
  lineAnswer,
  signatureExample,
} from '../../api-description/admin-call.js';
import { LineAnswer } from '../line-stream.js';
import { LogScan } from '../log-scan.js';
import type { StreamFold } from '../log-scan.js';
import { SignedLines } from '../signed-lines.js';
import type { ErasureReceipts } from '../../accounts/erase-account/erasure-receipts.js';
import { chainFold } from '../verify-accounts/verify-accounts.controller.js';

const MESSAGE = 'must be "reached" of an earlier export';

const headsQuery = z.strictObject({
  since: z
    .string()
    .refine((text) => text === 'start' || parseLogPosition(text) !== undefined, MESSAGE)
    .optional()
    .meta({
      description:
        '"reached" of an earlier export, or "start": the answer then has what proves that it continues that export.',
      examples: ['104729'],
    }),
});

/** The heads of all histories, signed: kept elsewhere, they show what is cut off or rewritten later. */
@AdminController('history')
export class ExportHeadsController {
  constructor(
    private readonly log: LogScan,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(RECEIPTS) private readonly signer: ErasureReceipts | undefined,
  ) {}

  @AdminCall('GET heads', 'history:read', {
    summary: 'Verify the whole log, and export the signed heads of all histories',
    description:
      'One line a stream: its last revision and its head, or where it breaks. With "since", lines before these hold ' +
      'the digests of later events: each head is a hash of the head before and such a digest, so that the new heads can ' +
      'be computed from those of the earlier export, and from nothing else. The last line is signed; lines of progress ' +
      'are no part of that, and can be left out of a file. ' +
      'apps/accounts-admin/verify-export.mjs checks it offline, and against an earlier one.',
    answer: lineAnswer(
      'The heads as they come',
      { format: 'stream-heads/v2', at: '2026-11-22T12:00:00.000Z', since: '104729' },
      { progress: { events: 52_224, fraction: 0.41 } },
      {
        stream: 'account-6f9619ff-8b86-8d01-b42d-00cf4fc964ff',
        after: 2,
        digests: ['9d4e…64 hexadecimal digits…'],
      },
      {
        stream: 'account-6f9619ff-8b86-8d01-b42d-00cf4fc964ff',
        revision: 3,
        head: '3b0f…64 hexadecimal digits…',
      },
      { reached: '130113' },
      signatureExample,
    ),
    problems: ['invalidRequest', 'logWalkRunning', 'receiptsNotConfigured'],
  })
  export(@Query({ schema: headsQuery }) { since }: z.infer<typeof headsQuery>): LineAnswer {
    const title = 'The log could not be read to its end.';
    const from = since === undefined || since === 'start' ? since : parseLogPosition(since);
    return new LineAnswer(this.lines(from), title);
  }

  /**
   * Reads the whole log, verifying it on the way, and says how far it is; then one line a stream, and what the next
   * export can go on from. With `since` there are lines in between with the digests of later events, so that the new
   * heads can be computed from those of an earlier export.
   *
   * @param since where an earlier export says that it has seen everything
   * @throws Problem receipts-not-configured, log-walk-running, with the first line
   * @throws EventStoreUnavailable with any line
   */
  private async *lines(since: LogPosition | 'start' | undefined): AsyncGenerator<string> {
    const lines = new SignedLines('stream-heads/v2', configured(this.signer));
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
      for (const walk of step.folds.values()) yield lines.line(walk.line);
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
  readonly digests: string[];
}

/**
 * One stream with a head for those who may not see its events: SHA-256, lower-case hexadecimal, over the head before
 * (empty for the first event), a line end, and the digest of the event. The digest is that of its link, a line end, and
 * the time at which the store says that it was recorded, which no link can cover: it is not known before.
 */
class HeadWalk {
  private readonly chain: ChainWalk;
  private head = '';

  constructor(private readonly stream: string) {
    this.chain = new ChainWalk(stream);
  }

  /** @returns the event's digest; undefined from the first event on that breaks the chain */
  add(event: RecordedEvent): string | undefined {
    this.chain.add(event);
    const { head, broken } = this.chain.verdict;
    if (broken) return undefined;
    const digest = sha256(`${head}\n${event.recordedAt.toISOString()}`);
    this.head = sha256(`${this.head}\n${digest}`);
    return digest;
  }

  get line(): object {
    const { stream, head } = this;
    const { events, broken } = this.chain.verdict;
    return broken
      ? { stream, broken: { revision: Number(broken.revision), reason: broken.reason } }
      : { stream, revision: events - 1, head };
  }
}

/** Follows all streams, and gathers the digests of events from some place of the log on. */
class HeadsFold implements StreamFold<HeadWalk> {
  readonly streamNamePrefixes = chainFold.streamNamePrefixes;
  newest: LogPosition | 'start' = 'start';
  private following = new Map<string, Following>();

  constructor(private readonly since: LogPosition | 'start' | undefined) {}

  begin(stream: string): HeadWalk {
    return new HeadWalk(stream);
  }

  add(walk: HeadWalk, event: RecordedEvent): void {
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

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
