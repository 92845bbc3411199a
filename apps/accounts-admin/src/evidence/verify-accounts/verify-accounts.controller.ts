import { AdminCall, AdminController, lineAnswer } from '../../api-description/admin-call.js';
import { LineAnswer, jsonLines } from '../line-stream.js';
import { VerifyAccountsQuery } from './verify-accounts.query.js';

@AdminController('history')
export class VerifyAccountsController {
  constructor(private readonly query: VerifyAccountsQuery) {}

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
    return new LineAnswer(jsonLines(this.query.verify()), title);
  }
}
