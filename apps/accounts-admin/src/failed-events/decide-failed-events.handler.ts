import { requestRetry, skipFailedEvent } from '@app/consumers';
import { parseLogPosition } from '@app/event-store';
import type { LogPosition } from '@app/event-store';
import { Problem, invalidRequest } from '@app/http-service';
import type { Queryable } from '@app/postgres';
import { LOG } from '@app/process';
import type { Log } from '@app/process';
import { Inject } from '@nestjs/common';
import { Command, CommandHandler } from '@nestjs/cqrs';
import type { ICommandHandler } from '@nestjs/cqrs';
import { actorOf } from '../keys/caller.js';
import type { Caller } from '../keys/caller.js';
import { adminProblems } from '../admin-problems.js';
import { READ_MODEL } from '../admin.tokens.js';

/**
 * An operator decides what becomes of an event that fails: one decision for all consumers in which it does. Answers
 * which these are.
 */
export class DecideFailedEventCommand extends Command<readonly string[]> {
  constructor(
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

  /** @throws Problem failed-event-not-found, invalid-request */
  async execute({
    position,
    decision,
    caller,
  }: DecideFailedEventCommand): Promise<readonly string[]> {
    const at = positionOf(position);
    const by = actorOf(caller);
    const consumers =
      decision === 'retry'
        ? await requestRetry(this.database, at)
        : await skipFailedEvent(this.database, at, { by, reason: decision.skipBecause });
    if (consumers.length === 0) {
      throw new Problem(
        adminProblems.failedEventNotFound,
        'No event at this position fails in any consumer.',
      );
    }
    if (decision !== 'retry') this.log.warn({ consumers, position, by }, 'an event was skipped');
    return consumers;
  }
}

function positionOf(text: string): LogPosition {
  const position = parseLogPosition(text);
  if (position === undefined) {
    throw invalidRequest([{ field: 'position', message: 'must be a position of the log' }]);
  }
  return position;
}
