import { Controller, HttpCode, Param, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { ApiAccount, ApiAnswer, ApiProblems } from '../../api-description/api-description.js';
import { CallerOf } from '../../keys/caller.js';
import type { Caller } from '../../keys/caller.js';
import { RequiresScope } from '../../keys/scopes.js';
import { FreeAccountCommand } from './free-account.handler.js';

const freedAnswer = z.object({
  accountId: z.uuid(),
  endedClaims: z.int(),
  contestedUntil: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'Until then its codes are long; null when they have four digits.' }),
});

@ApiTags('accounts')
@ApiBearerAuth('key')
@Controller('admin/v1/accounts')
export class FreeAccountController {
  constructor(private readonly commandBus: CommandBus) {}

  @Post(':id/free')
  @HttpCode(200)
  @RequiresScope('accounts:free')
  @ApiAccount()
  @ApiOperation({
    summary: 'End what strangers did to an address, so that its owner can register at once',
    description:
      'For an address that waits for activation. All its claims and its code end, and so does what was counted of ' +
      'registrations of the address and of mails to its inbox. Wrong guesses stay counted: codes stay long until ' +
      'their time is over. Afterwards the owner registers again.',
  })
  @ApiAnswer(200, 'The address is free', freedAnswer)
  @ApiProblems(
    'invalidRequest',
    'unauthenticated',
    'forbidden',
    'accountNotFound',
    'accountUnreadable',
    'accountAlreadyActive',
    'serviceUnavailable',
  )
  async free(
    @Param('id') account: string,
    @CallerOf() caller: Caller,
  ): Promise<z.infer<typeof freedAnswer>> {
    const { contestedUntil, ...freed } = await this.commandBus.execute(
      new FreeAccountCommand(account, caller),
    );
    const until = contestedUntil === undefined ? null : new Date(contestedUntil).toISOString();
    return { ...freed, contestedUntil: until };
  }
}
