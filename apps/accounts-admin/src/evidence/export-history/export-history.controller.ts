import { CallerOf } from '../../keys/caller.js';
import type { Caller } from '../../keys/caller.js';
import {
  AdminCall,
  AdminController,
  lineAnswer,
  signatureExample,
} from '../../api-description/admin-call.js';
import { AccountOfPath } from '../../request-values.js';
import { LineAnswer } from '../line-stream.js';
import { ExportHistoryQuery } from './export-history.query.js';

@AdminController('history')
export class ExportHistoryController {
  constructor(private readonly query: ExportHistoryQuery) {}

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
    return new LineAnswer(this.query.lines(accountId, caller), title);
  }
}
