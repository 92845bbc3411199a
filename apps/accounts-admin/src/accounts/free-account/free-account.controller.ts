import { Param } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import * as z from 'zod';
import { AdminCall, AdminController, jsonAnswer } from '../../api-description/admin-call.js';
import { answerOf } from '../../answer-of.js';
import { CallerOf } from '../../keys/caller.js';
import type { Caller } from '../../keys/caller.js';
import { FreeAccountCommand } from './free-account.handler.js';

const freedAnswer = z.object({
  accountId: z.uuid(),
  endedClaims: z.int(),
  contestedUntil: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'Until then its codes are long; null when they have four digits.' }),
});

@AdminController('accounts')
export class FreeAccountController {
  constructor(private readonly commandBus: CommandBus) {}

  @AdminCall('POST accounts/:id/free', 'accounts:free', {
    summary: 'End what strangers did to an address, so that its owner can register at once',
    description:
      'For an address that waits for activation. All its claims and its code end, and so does what was counted of ' +
      'registrations of the address and of mails to its inbox. Wrong guesses stay counted: codes stay long until ' +
      'their time is over. Afterwards the owner registers again.',
    answer: jsonAnswer('The address is free', freedAnswer),
    problems: ['invalidRequest', 'accountNotFound', 'accountUnreadable', 'accountAlreadyActive'],
  })
  async free(
    @Param('id') account: string,
    @CallerOf() caller: Caller,
  ): Promise<z.infer<typeof freedAnswer>> {
    const freed = await this.commandBus.execute(new FreeAccountCommand(account, caller));
    return answerOf(freedAnswer, freed);
  }
}
