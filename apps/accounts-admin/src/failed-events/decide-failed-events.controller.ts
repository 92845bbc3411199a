import { listFailedEvents } from '@app/consumers';
import type { Queryable } from '@app/postgres';
import { consumers } from '@app/views';
import { Body, Inject, Param, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import * as z from 'zod';
import { CallerOf } from '../keys/caller.js';
import type { Caller } from '../keys/caller.js';
import { READ_MODEL } from '../admin.tokens.js';
import { AdminCall, AdminController, jsonAnswer } from '../api-description/admin-call.js';
import { DecideFailedEventCommand } from './decide-failed-events.handler.js';
import { failedEventAnswer, toFailedEventAnswer } from './failed-event-answer.js';

const failedEventsQuery = z.object({
  consumer: z
    .enum(consumers.map(({ name }) => name))
    .optional()
    .meta({ description: 'Those of one consumer only.' }),
});

const skipRequest = z
  .strictObject({
    reason: z
      .string('must be text')
      .min(3, 'must say why, for operators who ask later')
      .max(500)
      .meta({ description: 'Why the event is left out, for the record.' }),
  })
  .meta({ description: 'The decision' });

const failedEventsAnswer = z.object({ failedEvents: z.array(failedEventAnswer) });
const decisionAnswer = z.object({
  message: z.string(),
  consumers: z.array(z.string()).meta({ description: 'In which the event fails.' }),
});

@AdminController('failed events')
export class DecideFailedEventsController {
  constructor(
    private readonly commandBus: CommandBus,
    @Inject(READ_MODEL) private readonly readModel: Queryable,
  ) {}

  @AdminCall('GET failed-events', 'projections:read', {
    operationId: 'findFailedEvents',
    summary: 'Events that a projection or a saga could not handle',
    description: 'Each with its last error and when it is tried next.',
    answer: jsonAnswer('Those that fail still first', failedEventsAnswer),
    problems: ['invalidRequest'],
  })
  async list(
    @Query({ schema: failedEventsQuery }) { consumer }: z.infer<typeof failedEventsQuery>,
  ): Promise<z.infer<typeof failedEventsAnswer>> {
    const events = await listFailedEvents(this.readModel, consumer);
    return { failedEvents: events.map(toFailedEventAnswer) };
  }

  @AdminCall('POST failed-events/:position/retry', 'projections:manage', {
    operationId: 'retryFailedEvent',
    summary: 'Try the event again at once',
    description: 'In every consumer in which it fails. It is tried again by and by anyhow.',
    status: 202,
    answer: jsonAnswer('It will be tried', decisionAnswer),
    problems: ['invalidRequest', 'failedEventNotFound'],
  })
  async retry(
    @Param('position') position: string,
    @CallerOf() caller: Caller,
  ): Promise<z.infer<typeof decisionAnswer>> {
    const command = new DecideFailedEventCommand(position, 'retry', caller);
    const failing = await this.commandBus.execute(command);
    return { message: `The event is tried again: ${failing.join(', ')}.`, consumers: [...failing] };
  }

  @AdminCall('POST failed-events/:position/skip', 'projections:manage', {
    operationId: 'skipFailedEvent',
    summary: 'Leave the event out',
    description:
      'Of every consumer in which it fails, or will, for good: rebuilds leave it out too. Who decided so, and why, ' +
      'stays on record.',
    status: 202,
    answer: jsonAnswer('It is left out', decisionAnswer),
    problems: ['invalidRequest', 'failedEventNotFound'],
  })
  async skip(
    @Param('position') position: string,
    @Body({ schema: skipRequest }) { reason }: z.infer<typeof skipRequest>,
    @CallerOf() caller: Caller,
  ): Promise<z.infer<typeof decisionAnswer>> {
    const command = new DecideFailedEventCommand(position, { skipBecause: reason }, caller);
    const failing = await this.commandBus.execute(command);
    return {
      message: `Goes on without the event: ${failing.join(', ')}.`,
      consumers: [...failing],
    };
  }
}
