import { listFailedEvents } from '@app/consumers';
import type { Queryable } from '@app/postgres';
import { Body, Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { CallerOf } from '../../keys/caller.js';
import type { Caller } from '../../keys/caller.js';
import { RequiresScope } from '../../keys/scopes.js';
import { READ_MODEL } from '../../admin.tokens.js';
import { ApiAnswer, ApiProblems } from '../../api-description/api-description.js';
import { projectionNamed } from '../watch-projections/projection-named.js';
import { DecideFailedEventCommand } from './decide-failed-events.handler.js';
import { failedEventAnswer, toFailedEventAnswer } from './failed-event-answer.js';

const skipRequest = z
  .strictObject({
    reason: z
      .string('must be text')
      .min(3, 'must say why, for whoever asks later')
      .max(500)
      .meta({ description: 'Why the event is left out, for the record.' }),
  })
  .meta({ description: 'The decision' });

const failedEventsAnswer = z.object({ failedEvents: z.array(failedEventAnswer) });
const decisionAnswer = z.object({ message: z.string() });

@ApiTags('projections')
@ApiBearerAuth('key')
@Controller('admin/v1/projections/:name/failed-events')
export class DecideFailedEventsController {
  constructor(
    private readonly commandBus: CommandBus,
    @Inject(READ_MODEL) private readonly readModel: Queryable,
  ) {}

  @Get()
  @RequiresScope('projections:read')
  @ApiOperation({ summary: 'Events that the projection could not handle' })
  @ApiAnswer(200, 'Those that stand in its way first', failedEventsAnswer)
  @ApiProblems('unauthenticated', 'forbidden', 'projectionNotFound', 'serviceUnavailable')
  async list(@Param('name') name: string): Promise<z.infer<typeof failedEventsAnswer>> {
    const events = await listFailedEvents(this.readModel, projectionNamed(name).name);
    return { failedEvents: events.map(toFailedEventAnswer) };
  }

  @Post(':position/retry')
  @HttpCode(202)
  @RequiresScope('projections:manage')
  @ApiOperation({
    summary: 'Try the event again at once',
    description: 'It is tried again every few seconds anyhow.',
  })
  @ApiAnswer(202, 'It will be tried', decisionAnswer)
  @ApiProblems(
    'invalidRequest',
    'unauthenticated',
    'forbidden',
    'projectionNotFound',
    'failedEventNotFound',
    'serviceUnavailable',
  )
  async retry(
    @Param('name') name: string,
    @Param('position') position: string,
    @CallerOf() caller: Caller,
  ): Promise<z.infer<typeof decisionAnswer>> {
    await this.commandBus.execute(new DecideFailedEventCommand(name, position, 'retry', caller));
    return { message: 'The event is tried again.' };
  }

  @Post(':position/skip')
  @HttpCode(202)
  @RequiresScope('projections:manage')
  @ApiOperation({
    summary: 'Leave the event out of the projection',
    description: 'For good: rebuilds leave it out too. Who decided so, and why, stays on record.',
  })
  @ApiAnswer(202, 'It is left out', decisionAnswer)
  @ApiProblems(
    'invalidRequest',
    'unauthenticated',
    'forbidden',
    'projectionNotFound',
    'failedEventNotFound',
    'serviceUnavailable',
  )
  async skip(
    @Param('name') name: string,
    @Param('position') position: string,
    @Body({ schema: skipRequest }) { reason }: z.infer<typeof skipRequest>,
    @CallerOf() caller: Caller,
  ): Promise<z.infer<typeof decisionAnswer>> {
    await this.commandBus.execute(
      new DecideFailedEventCommand(name, position, { skipBecause: reason }, caller),
    );
    return { message: 'The projection goes on without the event.' };
  }
}
