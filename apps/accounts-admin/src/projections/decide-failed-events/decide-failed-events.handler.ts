import { parseLogPosition } from '@app/event-store';
import type { LogPosition } from '@app/event-store';
import { Problem, invalidRequest } from '@app/http-service';
import { requestRetry, skipFailedEvent } from '@app/consumers';
import type { Queryable } from '@app/postgres';
import { LOG } from '@app/process';
import type { Log } from '@app/process';
import { Inject } from '@nestjs/common';
import { Command, CommandHandler } from '@nestjs/cqrs';
import type { ICommandHandler } from '@nestjs/cqrs';
import { actorOf } from '../../keys/caller.js';
import type { Caller } from '../../keys/caller.js';
import { adminProblems } from '../../admin-problems.js';
import { READ_MODEL } from '../../admin.tokens.js';
import { projectionNamed } from '../watch-projections/projection-named.js';

/** An operator decides what becomes of an event that a projection cannot handle. */
export class DecideFailedEventCommand extends Command<void> {
  constructor(
    readonly projection: string,
    readonly position: string,
    readonly decision: 'retry' | { readonly skipBecause: string },
    readonly caller: Caller,
  ) {
    super();
  }
}

@CommandHandler(DecideFailedEventCommand)
export class DecideFailedEventHandler implements ICommandHandler<DecideFailedEventCommand> {
  constructor(
    @Inject(READ_MODEL) private readonly database: Queryable,
    @Inject(LOG) private readonly log: Log,
  ) {}

  /** @throws Problem projection-not-found, failed-event-not-found, invalid-request */
  async execute({
    projection,
    position,
    decision,
    caller,
  }: DecideFailedEventCommand): Promise<void> {
    const { name } = projectionNamed(projection);
    const at = positionOf(position);
    const by = actorOf(caller);
    const isFailing =
      decision === 'retry'
        ? await requestRetry(this.database, name, at)
        : await skipFailedEvent(this.database, name, at, { by, reason: decision.skipBecause });
    if (!isFailing) {
      throw new Problem(
        adminProblems.failedEventNotFound,
        'The projection does not stand in front of an event at this position.',
      );
    }
    if (decision !== 'retry')
      this.log.warn({ projection: name, position, by }, 'an event was skipped');
  }
}

function positionOf(text: string): LogPosition {
  const position = parseLogPosition(text);
  if (position === undefined) {
    throw invalidRequest([{ field: 'position', message: 'must be a position of the log' }]);
  }
  return position;
}
