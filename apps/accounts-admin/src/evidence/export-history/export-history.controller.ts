import { LOG } from '@app/process';
import type { Log } from '@app/process';
import { Controller, Get, Inject, Param } from '@nestjs/common';
import type { StreamableFile } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CallerOf } from '../../keys/caller.js';
import type { Caller } from '../../keys/caller.js';
import { RequiresScope } from '../../keys/scopes.js';
import {
  ApiAccount,
  ApiLines,
  ApiProblems,
  signatureExample,
} from '../../api-description/api-description.js';
import { streamLines } from '../line-stream.js';
import { ExportHistoryQuery } from './export-history.query.js';

@ApiTags('history')
@ApiBearerAuth('key')
@Controller('admin/v1/accounts')
export class ExportHistoryController {
  constructor(
    private readonly query: ExportHistoryQuery,
    @Inject(LOG) private readonly log: Log,
  ) {}

  @Get(':id/history/export')
  @RequiresScope('history:read')
  @ApiAccount()
  @ApiOperation({
    summary: 'The history of an account as a signed file',
    description:
      'Each event as in the history, and as it is stored. The last line is signed; ' +
      'apps/accounts-admin/verify-export.mjs checks signature and chain offline, and against exported heads. ' +
      'It holds personal data, unless the person was forgotten.',
  })
  @ApiLines(
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
  )
  @ApiProblems(
    'invalidRequest',
    'unauthenticated',
    'forbidden',
    'accountNotFound',
    'accountUnreadable',
    'receiptsNotConfigured',
    'serviceUnavailable',
  )
  export(@Param('id') account: string, @CallerOf() caller: Caller): Promise<StreamableFile> {
    const title = 'The history could not be read to its end.';
    return streamLines(this.query.lines(account, caller), title, caller, this.log);
  }
}
