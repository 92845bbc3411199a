import type { RebuildRecord } from '@app/consumers';
import * as z from 'zod';
import { answerOf } from '../../answer-of.js';
import { failedEventAnswer } from '../../failed-events/failed-event-answer.js';

const digestAnswer = z.object({ rows: z.int(), checksum: z.string() }).nullable();

const rebuildAnswer = z
  .object({
    rebuildId: z.uuid(),
    state: z.enum(['building', 'comparing', 'switched', 'different', 'failed', 'abandoned']),
    startedAt: z.iso.datetime(),
    startedBy: z.string(),
    finishedAt: z.iso.datetime().nullable(),
    events: z.int(),
    eventsPerSecond: z.number(),
    fraction: z.number().meta({ description: 'How much of the log was worked through, 0 to 1.' }),
    secondsLeft: z.number().nullable(),
    before: digestAnswer,
    after: digestAnswer,
    error: z.string().nullable(),
  })
  .meta({ id: 'Rebuild' });

export const projectionAnswer = z
  .object({
    name: z.string(),
    kind: z.enum(['projection', 'saga']),
    // unknown: no worker has reported for a while. Sagas do not report: their state follows from their lag.
    state: z.enum(['stopped', 'standby', 'catching-up', 'live', 'faulted', 'unknown']),
    position: z.string().nullable(),
    lag: z
      // At least: there are more events than were counted. Seconds: the age of the oldest one that was not handled.
      .object({ events: z.int(), atLeast: z.boolean(), seconds: z.number() })
      .nullable()
      .meta({ description: 'Counted in the log; null while the event store cannot be asked.' }),
    eventsPerSecond: z.number().nullable(),
    lastError: z.string().nullable(),
    lastErrorAt: z.iso.datetime().nullable(),
    failing: failedEventAnswer
      .nullable()
      .meta({ description: 'One of the events that fail, while all others go on.' }),
    rebuild: rebuildAnswer.nullable().meta({ description: 'The newest one.' }),
  })
  .meta({ id: 'Projection' });

export type ProjectionAnswer = z.infer<typeof projectionAnswer>;

export function toRebuildAnswer(rebuild: RebuildRecord): z.infer<typeof rebuildAnswer> {
  const digest = (of: RebuildRecord['before']) => of && { ...of, rows: Number(of.rows) };
  return answerOf(rebuildAnswer, {
    ...rebuild,
    events: Number(rebuild.events),
    eventsPerSecond: rounded(rebuild.eventsPerSecond),
    secondsLeft: rebuild.secondsLeft && rounded(rebuild.secondsLeft),
    before: digest(rebuild.before),
    after: digest(rebuild.after),
  });
}

/** One digit after the point. */
export function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
