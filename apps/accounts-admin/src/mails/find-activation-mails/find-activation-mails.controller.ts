import { mailStatuses, pageOfActivationMails } from '@app/views';
import type { Queryable } from '@app/postgres';
import { Inject, Query } from '@nestjs/common';
import * as z from 'zod';
import { READ_MODEL } from '../../admin.tokens.js';
import { AdminCall, AdminController, jsonAnswer } from '../../api-description/admin-call.js';
import { answerOf } from '../../answer-of.js';
import { pageParameters, readPage, timeOfPlace } from '../../page-cursor.js';

const mailsQuery = z.strictObject({
  status: z.enum(mailStatuses, `must be ${mailStatuses.join(', ')}`).optional(),
  ...pageParameters('mails'),
});

const mailPlace = z
  .tuple([
    timeOfPlace,
    z.guid(),
    z
      .string()
      .regex(/^\d{1,9}$/)
      .transform(Number),
  ])
  .transform(([issuedAt, accountId, issueNumber]) => ({ issuedAt, accountId, issueNumber }));

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
    @Query({ schema: mailsQuery }) query: z.infer<typeof mailsQuery>,
  ): Promise<z.infer<typeof pageAnswer>> {
    const { rows, nextCursor } = await readPage(
      query,
      mailPlace,
      (page) => pageOfActivationMails(this.readModel, { status: query.status, ...page }),
      (last) => [last.issuedAt.toISOString(), last.accountId, String(last.issueNumber)],
    );
    const answers = rows.map((mail) =>
      answerOf(mailAnswer, { ...mail, id: `${mail.accountId}.${mail.issueNumber}` }),
    );
    return { activationMails: answers, nextCursor };
  }
}
