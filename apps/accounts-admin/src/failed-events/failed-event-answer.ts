import type { FailedEvent } from '@app/consumers';
import * as z from 'zod';
import { answerOf } from '../answer-of.js';

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
  return answerOf(failedEventAnswer, { ...event, revision: Number(event.revision) });
}
