import { mailStatuses, pageOfActivationMails } from '@app/views';
import type { ActivationMailView } from '@app/views';
import type { Queryable } from '@app/postgres';
import { Inject, Query } from '@nestjs/common';
import { z } from 'zod';
import { READ_MODEL } from '../../admin.tokens.js';
import { AdminCall, AdminController, jsonAnswer } from '../../api-description/admin-call.js';
import { cursorOf, invalidCursor, placeOf } from '../../page-cursor.js';
import { integerParameter } from '../../request-values.js';

const mailsQuery = z.strictObject({
  status: z.enum(mailStatuses, `must be ${mailStatuses.join(', ')}`).optional(),
  limit: integerParameter(1, 200, 'Most mails on a page.').default(50),
  cursor: z.string().optional().meta({ description: 'nextCursor of the page before.' }),
});

const mailAnswer = z.object({
  id: z.string().meta({ description: '<account id>.<issue number>' }),
  accountId: z.uuid(),
  issueNumber: z.int(),
  status: z.enum(mailStatuses),
  issuedAt: z.iso.datetime(),
  sentAt: z.iso.datetime().nullable(),
  providerMessageId: z.string().nullable(),
  abandonedAt: z.iso.datetime().nullable(),
  reason: z.string().nullable(),
  attempts: z.int().nullable(),
});

const pageAnswer = z.object({
  activationMails: z.array(mailAnswer),
  nextCursor: z.string().nullable(),
});

@AdminController('activation mails')
export class FindActivationMailsController {
  constructor(@Inject(READ_MODEL) private readonly readModel: Queryable) {}

  @AdminCall('GET activation-mails', 'mail:read', {
    summary: 'What became of the mail of each activation code, newest first',
    description: 'Shows neither the address nor the code.',
    answer: jsonAnswer('One page', pageAnswer),
    problems: ['invalidRequest'],
  })
  async find(
    @Query({ schema: mailsQuery }) { status, limit, cursor }: z.infer<typeof mailsQuery>,
  ): Promise<z.infer<typeof pageAnswer>> {
    const found = await pageOfActivationMails(this.readModel, {
      status,
      limit: limit + 1,
      after: cursor === undefined ? undefined : mailPlaceOf(cursor, { status }),
    });
    const mails = found.slice(0, limit);
    const last = mails.at(-1);
    const place = last && [last.issuedAt.toISOString(), last.accountId, String(last.issueNumber)];
    return {
      activationMails: mails.map(toAnswer),
      nextCursor: found.length > limit && place ? cursorOf(place, { status }) : null,
    };
  }
}

function mailPlaceOf(cursor: string, query: object) {
  const [issuedAt = '', accountId = '', issueNumber = ''] = placeOf(cursor, query, 3);
  const time = new Date(issuedAt);
  const valid =
    !Number.isNaN(time.getTime()) &&
    /^[0-9a-f-]{36}$/.test(accountId) &&
    /^\d{1,9}$/.test(issueNumber);
  if (!valid) throw invalidCursor('is not a cursor of an earlier answer');
  return { issuedAt: time, accountId, issueNumber: Number(issueNumber) };
}

function toAnswer(mail: ActivationMailView): z.infer<typeof mailAnswer> {
  return {
    id: `${mail.accountId}.${mail.issueNumber}`,
    accountId: mail.accountId,
    issueNumber: mail.issueNumber,
    status: mail.status,
    issuedAt: mail.issuedAt.toISOString(),
    sentAt: mail.sentAt?.toISOString() ?? null,
    providerMessageId: mail.providerMessageId ?? null,
    abandonedAt: mail.abandonedAt?.toISOString() ?? null,
    reason: mail.reason ?? null,
    attempts: mail.attempts ?? null,
  };
}
