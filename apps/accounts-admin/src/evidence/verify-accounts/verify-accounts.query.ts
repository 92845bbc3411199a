import { accountStreamPrefix } from '@app/accounts';
import { ChainWalk } from '@app/event-store';
import { auditStreamPrefix } from '@app/views';
import { Injectable } from '@nestjs/common';
import { LogScan } from '../log-scan.js';
import type { StreamFold } from '../log-scan.js';

/** Every stream of accounts and of calls by operators, along its chain. */
export const chainFold: StreamFold<ChainWalk> = {
  streamNamePrefixes: [accountStreamPrefix, auditStreamPrefix],
  begin: (streamName) => new ChainWalk(streamName),
  add: (walk, event) => walk.add(event),
};

/** Whether all histories are as they were appended. Reads no personal data, and needs no key. */
@Injectable()
export class VerifyAccountsQuery {
  constructor(private readonly log: LogScan) {}

  /**
   * @throws Problem log-walk-running, with the first line
   * @throws EventStoreUnavailable with any line
   */
  async *verify(): AsyncGenerator<object> {
    let [streams, events, broken] = [0, 0, 0];
    for await (const step of this.log.walk(chainFold)) {
      if (step.kind === 'progress') {
        yield { progress: step.progress };
        continue;
      }
      for (const [stream, { verdict }] of step.folds) {
        streams += 1;
        events += verdict.events;
        if (verdict.broken === undefined) continue;
        broken += 1;
        const { revision, reason } = verdict.broken;
        yield { broken: { stream, revision: Number(revision), reason } };
      }
    }
    yield { end: { intact: broken === 0, streams, events, broken } };
  }
}
