import { Param, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import * as z from 'zod';
import { CallerOf } from '../../keys/caller.js';
import type { Caller } from '../../keys/caller.js';
import { AdminCall, AdminController, jsonAnswer } from '../../api-description/admin-call.js';
import { RebuildProjectionCommand } from './rebuild-projection.handler.js';

const rebuildQuery = z.strictObject({
  whenDifferent: z
    .enum(['keep', 'switch'], 'must be keep or switch')
    .default('keep')
    .meta({ description: 'What to do when the new rows differ: keep the old, or switch anyhow.' }),
});

const rebuildAnswer = z.object({ rebuildId: z.uuid(), message: z.string() });

@AdminController('projections')
export class RebuildProjectionController {
  constructor(private readonly commandBus: CommandBus) {}

  @AdminCall('POST projections/:name/rebuild', 'projections:manage', {
    summary: 'Build the rows of a projection anew while the old ones serve',
    description:
      'The new rows are compared with the old at the same position of the log, and take their place in one ' +
      'step. GET /admin/v1/projections shows how far it is.',
    status: 202,
    answer: jsonAnswer('It has begun', rebuildAnswer),
    problems: ['invalidRequest', 'projectionNotFound', 'rebuildRunning', 'nothingToRebuild'],
  })
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
