import { accountStreamPrefix } from '@app/accounts';
import { ChainWalk } from '@app/event-store';
import { auditStreamPrefix } from '@app/views';
import { AdminCall, AdminController, lineAnswer } from '../../api-description/admin-call.js';
import { LineAnswer, jsonLines } from '../line-stream.js';
import { LogScan } from '../log-scan.js';
import type { StreamFold } from '../log-scan.js';

/** Every stream of accounts and of calls by operators, along its chain. */
export const chainFold: StreamFold<ChainWalk> = {
  streamNamePrefixes: [accountStreamPrefix, auditStreamPrefix],
  begin: (streamName) => new ChainWalk(streamName),
  add: (walk, event) => walk.add(event),
};

/** Whether all histories are as they were appended. Reads no personal data, and needs no key. */
@AdminController('history')
export class VerifyAccountsController {
  constructor(private readonly log: LogScan) {}

  @AdminCall('GET verification', 'history:read', {
    summary: 'Whether all histories are as they were appended, or which ones break, and where',
    description:
      'Reads the whole log once. What was cut off the end of a history, or written anew with all its links, shows ' +
      'only beside heads that were exported before (GET /admin/v1/heads).',
    answer: lineAnswer(
      'How far it is, each history that breaks, and the sum',
      { progress: { events: 52_224, fraction: 0.41 } },
      {
        broken: {
          stream: 'account-6f9619ff-8b86-8d01-b42d-00cf4fc964ff',
          revision: 3,
          reason: 'link-differs',
        },
      },
      { end: { intact: false, streams: 32_000, events: 128_004, broken: 1 } },
    ),
    problems: ['logWalkRunning'],
  })
  verify(): LineAnswer {
    const title = 'The log could not be read to its end: nothing is known of what was not read.';
    return new LineAnswer(jsonLines(this.lines()), title);
  }

  /**
   * @throws Problem log-walk-running, with the first line
   * @throws EventStoreUnavailable with any line
   */
  private async *lines(): AsyncGenerator<object> {
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
