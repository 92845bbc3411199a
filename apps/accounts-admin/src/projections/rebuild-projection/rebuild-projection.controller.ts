import { Controller, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { CallerOf } from '../../keys/caller.js';
import type { Caller } from '../../keys/caller.js';
import { RequiresScope } from '../../keys/scopes.js';
import { ApiAnswer, ApiProblems } from '../../api-description/api-description.js';
import { RebuildProjectionCommand } from './rebuild-projection.handler.js';

const rebuildQuery = z.strictObject({
  whenDifferent: z
    .enum(['keep', 'switch'], 'must be keep or switch')
    .default('keep')
    .meta({ description: 'What to do when the new rows differ: keep the old, or switch anyhow.' }),
});

const rebuildAnswer = z.object({ rebuildId: z.uuid(), message: z.string() });

@ApiTags('projections')
@ApiBearerAuth('key')
@Controller('admin/v1/projections')
export class RebuildProjectionController {
  constructor(private readonly commandBus: CommandBus) {}

  @Post(':name/rebuild')
  @HttpCode(202)
  @RequiresScope('projections:manage')
  @ApiOperation({
    summary: 'Build the rows of a projection anew while the old ones serve',
    description:
      'The new rows are compared with the old at the same position of the log, and take their place in one ' +
      'step. GET /admin/v1/projections shows how far it is.',
  })
  @ApiAnswer(202, 'It has begun', rebuildAnswer)
  @ApiProblems(
    'invalidRequest',
    'unauthenticated',
    'forbidden',
    'projectionNotFound',
    'rebuildRunning',
    'nothingToRebuild',
    'serviceUnavailable',
  )
  async rebuild(
    @Param('name') name: string,
    @Query({ schema: rebuildQuery }) { whenDifferent }: z.infer<typeof rebuildQuery>,
    @CallerOf() caller: Caller,
  ): Promise<z.infer<typeof rebuildAnswer>> {
    const rebuildId = await this.commandBus.execute(
      new RebuildProjectionCommand(name, whenDifferent === 'switch', caller),
    );
    return { rebuildId, message: 'The rebuild has begun.' };
  }
}
