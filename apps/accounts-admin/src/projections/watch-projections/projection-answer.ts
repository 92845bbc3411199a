import type { RebuildRecord } from '@app/consumers';
import { z } from 'zod';
import { failedEventAnswer, toFailedEventAnswer } from '../../failed-events/failed-event-answer.js';
import type { ConsumerStatus } from './watch-projections.query.js';

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
    state: z.enum(['stopped', 'standby', 'catching-up', 'live', 'faulted', 'unknown']),
    position: z.string().nullable(),
    lag: z
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

export function toProjectionAnswer(status: ConsumerStatus): z.infer<typeof projectionAnswer> {
  return {
    name: status.name,
    kind: status.kind,
    state: status.state,
    position: status.position === undefined ? null : String(status.position),
    lag: status.lag ?? null,
    eventsPerSecond: rounded(status.eventsPerSecond),
    lastError: status.lastError ?? null,
    lastErrorAt: status.lastErrorAt?.toISOString() ?? null,
    failing: status.failing ? toFailedEventAnswer(status.failing) : null,
    rebuild: status.rebuild ? toRebuildAnswer(status.rebuild) : null,
  };
}

function toRebuildAnswer(rebuild: RebuildRecord): z.infer<typeof rebuildAnswer> {
  const digest = (of: RebuildRecord['before']) =>
    of ? { rows: Number(of.rows), checksum: of.checksum } : null;
  return {
    rebuildId: rebuild.rebuildId,
    state: rebuild.state,
    startedAt: rebuild.startedAt.toISOString(),
    startedBy: rebuild.startedBy,
    finishedAt: rebuild.finishedAt?.toISOString() ?? null,
    events: Number(rebuild.events),
    eventsPerSecond: rounded(rebuild.eventsPerSecond) ?? 0,
    fraction: rebuild.fraction,
    secondsLeft: rounded(rebuild.secondsLeft),
    before: digest(rebuild.before),
    after: digest(rebuild.after),
    error: rebuild.error ?? null,
  };
}

function rounded(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value * 10) / 10;
}
