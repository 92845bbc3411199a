import { accountStreamName } from '@app/accounts';
import { EVENT_STORE, verifyChain } from '@app/event-store';
import type { EventStore } from '@app/event-store';
import { Inject } from '@nestjs/common';
import * as z from 'zod';
import { AdminCall, AdminController, jsonAnswer } from '../../api-description/admin-call.js';
import { accountNotFound } from '../../accounts/replay-account/account-history.js';
import { AccountOfPath } from '../../request-values.js';

const verificationAnswer = z.object({
  accountId: z.uuid(),
  stream: z.string(),
  intact: z.boolean(),
  events: z.int(),
  head: z.string().nullable().meta({
    description:
      'Link of the last event. Keep it elsewhere: what was cut off the end shows only beside it.',
  }),
  broken: z
    .object({
      revision: z.int(),
      reason: z.enum(['revision-missing', 'link-missing', 'link-differs']),
    })
    .nullable()
    .meta({ description: 'The first event that was changed, dropped, moved or slipped in.' }),
});

@AdminController('history')
export class VerifyAccountController {
  constructor(@Inject(EVENT_STORE) private readonly store: EventStore) {}

  @AdminCall('GET accounts/:id/verification', 'history:read', {
    summary: 'Whether the history is as it was appended, or where it breaks',
    description: 'Each event holds a digest of the one before: the walk compares them all.',
    answer: jsonAnswer('What a walk along the chain of the history found', verificationAnswer),
    problems: ['invalidRequest', 'accountNotFound'],
  })
  /** Reads no personal data, and needs no key. */
  async verify(@AccountOfPath() accountId: string): Promise<z.infer<typeof verificationAnswer>> {
    const stream = accountStreamName(accountId);
    const verdict = await verifyChain(stream, this.store.readStream(stream));
    const { events, head, broken } = verdict;
    if (events === 0) throw accountNotFound();
    return {
      accountId,
      stream,
      intact: broken === undefined,
      events,
      head: head ?? null,
      broken: broken ? { ...broken, revision: Number(broken.revision) } : null,
    };
  }
}
