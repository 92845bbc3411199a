import { invalidRequest } from '@app/http-service';
import { Param } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import * as z from 'zod';
import { CallerOf } from '../../keys/caller.js';
import type { Caller } from '../../keys/caller.js';
import { AdminCall, AdminController, jsonAnswer } from '../../api-description/admin-call.js';
import { RetryActivationMailCommand } from './retry-activation-mail.handler.js';

const MAIL_ID = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.(\d{1,9})$/i;

const retryAnswer = z.object({ id: z.string(), issueNumber: z.int(), message: z.string() });

@AdminController('activation mails')
export class RetryActivationMailController {
  constructor(private readonly commandBus: CommandBus) {}

  @AdminCall('POST activation-mails/:id/retry', 'mail:manage', {
    summary: 'Send a new code in place of one that could not be delivered',
    description:
      'Only for the newest code of a pending account. The limits of new codes do not apply to an operator; ' +
      'the new code counts against later requests, and the limits of guesses hold.',
    status: 202,
    answer: jsonAnswer('A new code was issued and will be mailed', retryAnswer),
    problems: [
      'invalidRequest',
      'accountNotFound',
      'accountUnreadable',
      'accountAlreadyActive',
      'activationCodeNotUndeliverable',
    ],
  })
  async retry(
    @Param('id') id: string,
    @CallerOf() caller: Caller,
  ): Promise<z.infer<typeof retryAnswer>> {
    const [, account, number] = MAIL_ID.exec(id) ?? [];
    if (account === undefined) {
      throw invalidRequest([{ field: 'id', message: 'must be <account id>.<issue number>' }]);
    }
    const accountId = account.toLowerCase();
    const issueNumber = await this.commandBus.execute(
      new RetryActivationMailCommand(accountId, Number(number), caller),
    );
    return {
      id: `${accountId}.${issueNumber}`,
      issueNumber,
      message: 'A new code was issued; its mail is on the way.',
    };
  }
}
