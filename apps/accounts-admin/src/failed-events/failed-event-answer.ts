import type { FailedEvent } from '@app/consumers';
import { z } from 'zod';

export const failedEventAnswer = z
  .object({
    consumer: z.string(),
    position: z.string(),
    eventId: z.string(),
    streamName: z.string(),
    revision: z.int(),
    type: z.string(),
    error: z.string(),
    attempts: z.int(),
    status: z.enum(['failing', 'skipped', 'resolved']),
    firstFailedAt: z.iso.datetime(),
    lastFailedAt: z.iso.datetime(),
    nextTryAt: z.iso.datetime().nullable(),
    decidedAt: z.iso.datetime().nullable(),
    decidedBy: z.string().nullable(),
    reason: z.string().nullable(),
  })
  .meta({ id: 'FailedEvent' });

export function toFailedEventAnswer(event: FailedEvent): z.infer<typeof failedEventAnswer> {
  return {
    consumer: event.consumer,
    position: String(event.position),
    eventId: event.eventId,
    streamName: event.streamName,
    revision: Number(event.revision),
    type: event.type,
    error: event.error,
    attempts: event.attempts,
    status: event.status,
    firstFailedAt: event.firstFailedAt.toISOString(),
    lastFailedAt: event.lastFailedAt.toISOString(),
    nextTryAt: event.nextTryAt?.toISOString() ?? null,
    decidedAt: event.decidedAt?.toISOString() ?? null,
    decidedBy: event.decidedBy ?? null,
    reason: event.reason ?? null,
  };
}
