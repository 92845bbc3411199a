import { erasureReasons } from '@app/accounts';
import { Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import * as z from 'zod';
import { CallerOf } from '../../keys/caller.js';
import type { Caller } from '../../keys/caller.js';
import { AdminCall, AdminController, jsonAnswer } from '../../api-description/admin-call.js';
import { AccountOfPath } from '../../request-values.js';
import { EraseAccountCommand } from './erase-account.handler.js';
import { erasureReceipt } from './erasure-receipts.js';

const erasureQuery = z.strictObject({
  reason: z.enum(erasureReasons, `must be one of ${erasureReasons.join(', ')}`).meta({
    description: 'Kept for good. From a list, because free text could identify the person.',
  }),
});

const receiptAnswer = z.object({ receipt: erasureReceipt });

@AdminController('accounts')
export class EraseAccountController {
  constructor(private readonly commandBus: CommandBus) {}

  @AdminCall('DELETE accounts/:id', 'accounts:erase', {
    summary: 'Forget a person: what is known of them can never be read again',
    description:
      'The history stays, without the person; the address can be registered anew. Asking again changes nothing ' +
      'and answers the same receipt. Keep the receipt: it is signed, and can be checked without this service.',
    answer: jsonAnswer('The person is forgotten', receiptAnswer),
    problems: ['invalidRequest', 'accountNotFound', 'accountUnreadable', 'receiptsNotConfigured'],
  })
  async erase(
    @AccountOfPath() accountId: string,
    @Query({ schema: erasureQuery }) { reason }: z.infer<typeof erasureQuery>,
    @CallerOf() caller: Caller,
  ): Promise<z.infer<typeof receiptAnswer>> {
    const command = new EraseAccountCommand(accountId, reason, caller);
    return { receipt: await this.commandBus.execute(command) };
  }
}
