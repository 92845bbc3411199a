import { createHash } from 'node:crypto';
import { accountStreamPrefix } from '@app/accounts';
import { ChainWalk } from '@app/event-store';
import type { EventStore } from '@app/event-store';
import { Problem } from '@app/http-service';
import type { Clock } from '@app/service';
import { Inject, Injectable } from '@nestjs/common';
import { adminProblems } from '../admin-problems.js';
import { CLOCK, EVENT_STORE, RECEIPTS } from '../admin.tokens.js';
import type { ErasureReceipts } from '../erase-account/erasure-receipts.js';

const FORMAT = 'stream-heads/v1';

/** The heads of all accounts' histories, signed: kept elsewhere, they show what is cut off or rewritten later. */
@Injectable()
export class ExportHeadsHandler {
  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(RECEIPTS) private readonly signer: ErasureReceipts | undefined,
  ) {}

  /**
   * Reads the whole log, verifying it on the way; one line a stream, the last one with the signature.
   *
   * @throws Problem receipts-not-configured
   */
  begin(): AsyncGenerator<string> {
    if (this.signer === undefined) {
      throw new Problem(adminProblems.receiptsNotConfigured, 'RECEIPT_KEY is not set.');
    }
    return this.lines(this.signer);
  }

  private async *lines(signer: ErasureReceipts): AsyncGenerator<string> {
    const digest = createHash('sha256');
    const line = (value: object) => {
      const text = `${JSON.stringify(value)}\n`;
      digest.update(text);
      return text;
    };
    yield line({ format: FORMAT, at: new Date(this.clock()).toISOString() });
    let broken = 0;
    const walks = await this.walkAll();
    for (const [stream, walk] of walks) {
      const { head, events, broken: fault } = walk.verdict;
      if (fault) broken += 1;
      yield line(
        fault
          ? { stream, broken: { revision: Number(fault.revision), reason: fault.reason } }
          : { stream, revision: events - 1, head },
      );
    }
    const signature = signer.sign(`${FORMAT}\n${digest.digest('hex')}\n`);
    const { publicKey } = signer;
    const end = { streams: walks.size, broken, algorithm: 'Ed25519', publicKey, signature };
    yield `${JSON.stringify({ end })}\n`;
  }

  /** @throws EventStoreUnavailable */
  private async walkAll(): Promise<ReadonlyMap<string, ChainWalk>> {
    const walks = new Map<string, ChainWalk>();
    const enough = new AbortController();
    const messages = this.store.subscribeToAll({
      after: 'start',
      streamNamePrefixes: [accountStreamPrefix],
      signal: enough.signal,
    });
    for await (const message of messages) {
      if (message.kind === 'caught-up') break;
      if (message.kind !== 'event') continue;
      const { streamName } = message.event;
      const walk = walks.get(streamName) ?? new ChainWalk(streamName);
      walks.set(streamName, walk);
      walk.add(message.event);
    }
    enough.abort();
    return walks;
  }
}
