import { parseLogPosition } from '@app/event-store';
import type { LogPosition } from '@app/event-store';
import { Problem, invalidRequest } from '@app/http-service';
import { listFailedEvents, requestRetry, skipFailedEvent } from '@app/read-model';
import type { FailedEvent, Queryable } from '@app/read-model';
import type { Log } from '@app/service';
import { Inject, Injectable } from '@nestjs/common';
import { actorOf } from '../admin-keys/caller.js';
import type { Caller } from '../admin-keys/caller.js';
import { adminProblems } from '../admin-problems.js';
import { LOG, READ_MODEL } from '../admin.tokens.js';
import { projectionNamed } from '../watch-projections/projection-named.js';

/** Events that a projection cannot handle, and what operators decide about them. */
@Injectable()
export class DecideFailedEventsHandler {
  constructor(
    @Inject(READ_MODEL) private readonly database: Queryable,
    @Inject(LOG) private readonly log: Log,
  ) {}

  /** @throws Problem projection-not-found */
  list(projection: string): Promise<readonly FailedEvent[]> {
    return listFailedEvents(this.database, projectionNamed(projection).name);
  }

  /** @throws Problem projection-not-found, failed-event-not-found, invalid-request */
  async retry(projection: string, position: string): Promise<void> {
    const { name } = projectionNamed(projection);
    if (!(await requestRetry(this.database, name, positionOf(position)))) throw notFailing();
  }

  /** @throws Problem projection-not-found, failed-event-not-found, invalid-request */
  async skip(projection: string, position: string, reason: string, caller: Caller): Promise<void> {
    const { name } = projectionNamed(projection);
    const decision = { by: actorOf(caller), reason };
    if (!(await skipFailedEvent(this.database, name, positionOf(position), decision))) {
      throw notFailing();
    }
    this.log.warn({ projection: name, position, by: decision.by }, 'an event was skipped');
  }
}

function positionOf(text: string): LogPosition {
  const position = parseLogPosition(text);
  if (position === undefined) {
    throw invalidRequest([{ field: 'position', message: 'must be a position of the log' }]);
  }
  return position;
}

function notFailing(): Problem {
  return new Problem(
    adminProblems.failedEventNotFound,
    'The projection does not stand in front of an event at this position.',
  );
}
