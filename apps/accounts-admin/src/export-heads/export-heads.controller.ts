import { Readable } from 'node:stream';
import type { Log } from '@app/service';
import { Controller, Get, Inject, StreamableFile } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { CallerOf } from '../admin-keys/caller.js';
import type { Caller } from '../admin-keys/caller.js';
import { RequiresScope } from '../admin-keys/scopes.js';
import { LOG } from '../admin.tokens.js';
import { ApiProblems } from '../api-description/api-description.js';
import { ExportHeadsHandler } from './export-heads.handler.js';

const NDJSON = 'application/x-ndjson';

@ApiTags('history')
@ApiBearerAuth('key')
@Controller('admin/v1/heads')
export class ExportHeadsController {
  constructor(
    private readonly handler: ExportHeadsHandler,
    @Inject(LOG) private readonly log: Log,
  ) {}

  @Get()
  @RequiresScope('history:read')
  @ApiOperation({
    summary: 'Verify the whole log, and export the signed heads of all histories',
    description:
      'One line a stream: its last revision and link, or where it breaks. The last line is signed; an export without ' +
      'it is not whole. apps/accounts-admin/verify-export.mjs checks it offline.',
  })
  @ApiProduces(NDJSON)
  @ApiProblems('unauthenticated', 'forbidden', 'receiptsNotConfigured', 'serviceUnavailable')
  export(@CallerOf() caller: Caller): StreamableFile {
    const lines = this.handler.begin();
    return new StreamableFile(Readable.from(this.noting(lines, caller)), { type: NDJSON });
  }

  /** The status line is on its way: how it went stands in the last line. */
  private async *noting(
    lines: AsyncGenerator<string>,
    { requestId }: Caller,
  ): AsyncGenerator<string> {
    try {
      yield* lines;
    } catch (error) {
      this.log.error({ requestId, err: error }, 'the heads could not be exported to their end');
      yield `${JSON.stringify({ error: { title: 'The log could not be read to its end.', requestId } })}\n`;
    }
  }
}
