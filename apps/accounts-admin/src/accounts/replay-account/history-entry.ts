import { readableDataOf, sentenceOf } from '@app/accounts';
import * as z from 'zod';
import type { ReplayedEvent } from './account-history.js';

const clientAnswer = z
  .union([
    z.object({
      address: z.string(),
      userAgent: z.string().optional(),
      requestId: z.uuid().optional().meta({ description: 'What the client calls its request.' }),
    }),
    z.object({ erased: z.literal(true) }),
  ])
  .nullable()
  .meta({
    description:
      'Where the request came from that led to the event; erased with the person; null when no request ' +
      'from outside led to it.',
  });

export const entryAnswer = z.object({
  revision: z.int(),
  // Place in the whole log; too large for a JSON number.
  position: z.string(),
  recordedAt: z.iso.datetime(),
  type: z.string(),
  sentence: z.string().meta({ description: 'What happened, in plain words.' }),
  data: z.record(z.string(), z.unknown()),
  actor: z.string().meta({ description: 'anonymous, account, worker or admin:<key id>.' }),
  client: clientAnswer,
  correlationId: z.string(),
  causationId: z.string(),
  eventId: z.string(),
});

/** An event that this version cannot read has no data that people may see, and may lack any metadata. */
export function toEntry({ recorded, event, client }: ReplayedEvent): z.infer<typeof entryAnswer> {
  const { $correlationId = '', $causationId = '', actor = '' } = recorded.metadata;
  return {
    revision: Number(recorded.revision),
    position: String(recorded.position),
    recordedAt: recorded.recordedAt.toISOString(),
    type: recorded.type,
    ...(event instanceof Error
      ? { sentence: 'This version cannot read what happened.', data: {} }
      : { sentence: sentenceOf(event), data: readableDataOf(event) }),
    actor,
    client: client ?? null,
    correlationId: $correlationId,
    causationId: $causationId,
    eventId: recorded.id,
  };
}
