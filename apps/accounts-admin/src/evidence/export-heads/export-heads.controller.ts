import { LOG } from '@app/process';
import type { Log } from '@app/process';
import { Controller, Get, Inject } from '@nestjs/common';
import type { StreamableFile } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CallerOf } from '../../keys/caller.js';
import type { Caller } from '../../keys/caller.js';
import { RequiresScope } from '../../keys/scopes.js';
import { ApiLines, ApiProblems, signatureExample } from '../../api-description/api-description.js';
import { streamLines } from '../line-stream.js';
import { ExportHeadsQuery } from './export-heads.query.js';

@ApiTags('history')
@ApiBearerAuth('key')
@Controller('admin/v1/heads')
export class ExportHeadsController {
  constructor(
    private readonly query: ExportHeadsQuery,
    @Inject(LOG) private readonly log: Log,
  ) {}

  @Get()
  @RequiresScope('history:read')
  @ApiOperation({
    summary: 'Verify the whole log, and export the signed heads of all histories',
    description:
      'One line a stream: its last revision and link, or where it breaks. The last line is signed; lines of progress are ' +
      'no part of that, and can be left out of a file. ' +
      'apps/accounts-admin/verify-export.mjs checks it offline, and against an earlier one.',
  })
  @ApiLines(
    'The heads as they come',
    { format: 'stream-heads/v1', at: '2026-11-22T12:00:00.000Z' },
    { progress: { events: 52_224, fraction: 0.41 } },
    {
      stream: 'account-6f9619ff-8b86-8d01-b42d-00cf4fc964ff',
      revision: 3,
      head: '3b0f…64 hexadecimal digits…',
    },
    signatureExample,
  )
  @ApiProblems(
    'unauthenticated',
    'forbidden',
    'logWalkRunning',
    'receiptsNotConfigured',
    'serviceUnavailable',
  )
  export(@CallerOf() caller: Caller): Promise<StreamableFile> {
    const title = 'The log could not be read to its end.';
    return streamLines(this.query.begin(), title, caller, this.log);
  }
}
